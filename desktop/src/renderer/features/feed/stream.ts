// One attach of FeedNotification as a channel: responses in, one event a frame out.
// Nothing here decides; the saga does.
import { buffers, type EventChannel, eventChannel } from 'redux-saga';
import type { FeedNotificationResponse, Subscription } from '../../../gen/todoku/v1/notification_pb';
import { duration } from '../../venue/plain';
import { type Problem, problemOf } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { type Item, itemOf } from './items';

/** Everything that came since the last frame, whole commands only. */
export interface Arrival {
  kind: 'arrival';
  items: Item[];
  /** Resume after this; empty until a snapshot is complete. */
  cursor: string;
  /** Number of the last response in it. */
  number: bigint;
  /** How many messages were of a type that this version does not know. */
  unknown: number;
  /** It is handed over in a frame, which shows it at its end. */
  framed: boolean;
}

export type StreamEvent =
  | Arrival
  /** The stream's Hello named this attach. */
  | { kind: 'attached'; attach: bigint }
  /** The stream skipped something: a promise was broken, or something between us. */
  | { kind: 'gap'; text: string }
  /** The stream is over; without a problem the server ended it cleanly. */
  | { kind: 'end'; problem?: Problem };

export interface StreamRequest {
  connectionId: string;
  instanceId: string;
  resumeAfter: string;
  subscription: Pick<Subscription, 'symbols' | 'presence' | 'allAccounts'> & { stateIntervalMs: number };
}

/** How often a hidden tab, which gets no frames, is told. */
const hiddenMs = 250;

/** Collects what comes between two frames and hands it over at the next; framed says whether that is one. */
export function perFrame(flush: (framed: boolean) => void): { schedule(): void; now(): void; stop(): void } {
  let cancel: (() => void) | undefined;
  const run = (framed: boolean): void => {
    cancel?.();
    cancel = undefined;
    flush(framed);
  };
  const late = (): void => run(false);
  return {
    schedule() {
      if (cancel) return;
      if (document.hidden) {
        const timer = setTimeout(late, hiddenMs);
        cancel = () => clearTimeout(timer);
      } else {
        const frame = requestAnimationFrame(() => run(true));
        // A window that is covered may get no frames although it is not hidden.
        const timer = setTimeout(late, hiddenMs);
        cancel = () => {
          cancelAnimationFrame(frame);
          clearTimeout(timer);
        };
      }
    },
    now: late,
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

/** Follows the numbers and cursors of responses: each must name the one before it. */
export class Continuity {
  #cursor: string;
  #number = 0n;

  constructor(resumeAfter: string) {
    this.#cursor = resumeAfter;
  }

  /** Returns what is wrong, or undefined. */
  check(response: Pick<FeedNotificationResponse, 'number' | 'cursor' | 'previousCursor'>): string | undefined {
    const expected = this.#number + 1n;
    if (response.number !== expected) return `response ${response.number} came where ${expected} was due`;
    // A stream that begins with a snapshot has no past, whatever was asked for.
    const fresh = expected === 1n && response.previousCursor === '';
    if (!fresh && response.previousCursor !== this.#cursor) return `response ${response.number} follows another cursor than the one held`;
    this.#number = response.number;
    this.#cursor = response.cursor;
    return undefined;
  }
}

/** Opens a stream. Its last event is its end; closing the channel cancels the call. */
export function openStream(venue: Venue, request: StreamRequest): EventChannel<StreamEvent> {
  return eventChannel<StreamEvent>((emit) => {
    const abort = new AbortController();
    const continuity = new Continuity(request.resumeAfter);
    let items: Item[] = [];
    let fragments: Item[] = [];
    let unknown = 0;
    let last: FeedNotificationResponse | undefined;

    const flush = (framed: boolean): void => {
      if (!last) return;
      emit({ kind: 'arrival', items, cursor: last.cursor, number: last.number, unknown, framed });
      items = [];
      unknown = 0;
      last = undefined;
    };
    const frames = perFrame(flush);

    const take = (response: FeedNotificationResponse): boolean => {
      const gap = continuity.check(response);
      if (gap !== undefined) {
        flush(false);
        emit({ kind: 'gap', text: gap });
        return false;
      }
      for (const message of response.messages) {
        const item = itemOf(message);
        if (item) fragments.push(item);
        else unknown += 1;
        if (message.body.case === 'hello') emit({ kind: 'attached', attach: message.body.value.attachNumber });
      }
      if (response.fragment) return true; // What one command did is shown whole or not at all.
      items.push(...fragments);
      fragments = [];
      last = response;
      frames.schedule();
      return true;
    };

    const run = async (): Promise<Problem | undefined> => {
      try {
        const { stateIntervalMs, ...subscription } = request.subscription;
        const responses = venue.notifications.feedNotification(
          {
            connectionId: request.connectionId,
            instanceId: request.instanceId,
            resumeAfter: request.resumeAfter,
            subscription: {
              ...subscription,
              stateInterval: duration(stateIntervalMs),
            },
          },
          { signal: abort.signal },
        );
        for await (const response of responses) if (!take(response)) return undefined;
        return undefined;
      } catch (error) {
        return problemOf(error);
      }
    };

    void run().then((problem) => {
      frames.stop();
      flush(false);
      // Never END: it would end whoever waits for this stream or another, not this stream alone.
      emit({ kind: 'end', ...(problem ? { problem } : {}) });
    });

    const shown = (): void => frames.now();
    document.addEventListener('visibilitychange', shown);
    return () => {
      document.removeEventListener('visibilitychange', shown);
      frames.stop();
      abort.abort();
    };
  }, buffers.expanding(16));
}
