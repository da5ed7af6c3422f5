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
  /** Whether it is handed over inside an animation frame, which then shows it. */
  framed: boolean;
}

export type StreamEvent =
  | Arrival
  /** The stream's Hello named this attach. */
  | { kind: 'attached'; attach: bigint }
  /** The stream skipped something: the venue or the path to it has a defect. */
  | { kind: 'gap'; text: string }
  /** The stream is over; without a problem the server ended it cleanly. */
  | { kind: 'end'; problem?: Problem };

export interface StreamRequest {
  connectionId: string;
  instanceId: string;
  resumeAfter: string;
  subscription: Pick<Subscription, 'symbols' | 'presence' | 'allAccounts'> & { stateIntervalMs: number };
}

/** How often a hidden tab, which gets no frames, takes what has arrived, ms. */
const hiddenMs = 250;

/** Gathers what arrives between two frames and flushes it at the next; framed is false if a timer flushed it. */
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

/** Checks the numbers and cursors of responses: each must follow the one before it. */
export class Continuity {
  #cursor: string;
  #number = 0n;

  constructor(resumeAfter: string) {
    this.#cursor = resumeAfter;
  }

  /** Returns what is wrong, or undefined if nothing is. */
  check(response: Pick<FeedNotificationResponse, 'number' | 'cursor' | 'previousCursor'>): string | undefined {
    const expected = this.#number + 1n;
    if (response.number !== expected) return `response ${response.number} came where ${expected} was due`;
    // A stream that begins with a snapshot has no previous cursor, even if one was sent.
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
      if (response.fragment) return true; // The events of one command are shown together.
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
      // Not redux-saga's END, which would also end a saga that waits for another channel.
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
