// A venue for tests of the stream. The test decides what it sends and when.
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport, type Transport } from '@connectrpc/connect';
import { expect, vi } from 'vitest';
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/google/rpc/error_pb';
import {
  type FeedNotificationRequest,
  type FeedNotificationResponse,
  FeedNotificationResponseSchema,
  Hello_Start,
  type Message,
  NotificationService,
} from '../../../gen/todoku/v1/notification_pb';
import { SessionService } from '../../../gen/todoku/v1/session_pb';
import { Role } from '../../../gen/todoku/v1/types_pb';
import { createStore } from '../../app/store';
import type { Nudge } from '../../../shared/bridge';
import type { Shell } from '../../venue/shell';
import { plain } from '../../venue/plain';
import { createVenue } from '../../venue/venue';
import { session } from '../session/slice';
import { followFeed } from './saga';

/** One attach as the server sees it. */
export class Attach {
  readonly #queue: (FeedNotificationResponse | ConnectError | undefined)[] = [];
  #wake = (): void => undefined;
  #number = 0n;
  #cursor: string;
  cancelled = false;

  constructor(
    readonly request: FeedNotificationRequest,
    readonly number: bigint,
  ) {
    this.#cursor = request.resumeAfter;
  }

  #push(value: FeedNotificationResponse | ConnectError | undefined): void {
    this.#queue.push(value);
    this.#wake();
  }

  send(cursor: string, ...bodies: Message['body'][]): void {
    this.#number += 1n;
    this.#push(
      create(FeedNotificationResponseSchema, {
        number: this.#number,
        previousCursor: this.#cursor,
        cursor,
        messages: bodies.map((body, index) => ({ sequence: BigInt(cursor.split(':')[1] ?? 0), index, body })),
      }),
    );
    this.#cursor = cursor;
  }

  /** Sends a response that never arrives. */
  lose(): void {
    this.#number += 1n;
  }

  hello(start: Hello_Start, head: number, cursor = ''): void {
    if (start !== Hello_Start.REPLAY) this.#cursor = '';
    this.send(cursor, {
      case: 'hello',
      value: { epoch: 'e', headSequence: BigInt(head), start, attachNumber: this.number, serverVersion: 'test', supersededAnother: false, user: { user: 'alice', roles: [Role.TRADER] } } as never,
    });
  }

  snapshot(head: number): void {
    this.hello(Hello_Start.SNAPSHOT, head);
    this.send(`e:${head}`, { case: 'snapshotBegin', value: {} as never }, { case: 'snapshotEnd', value: {} as never });
  }

  end(reason: string, code = Code.Unavailable, retrySeconds = 0): void {
    const error = new ConnectError(reason, code);
    error.details = reason === '' ? [] : [{ desc: ErrorInfoSchema, value: { reason, domain: 'todoku' } }];
    if (retrySeconds > 0) error.details.push({ desc: RetryInfoSchema, value: { retryDelay: { seconds: BigInt(retrySeconds), nanos: 0 } } });
    this.#push(error);
  }

  async *responses(signal: AbortSignal): AsyncGenerator<FeedNotificationResponse> {
    signal.addEventListener('abort', () => {
      this.cancelled = true;
      this.#push(undefined);
    });
    for (;;) {
      if (this.#queue.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next instanceof ConnectError) throw next;
      yield next;
    }
  }
}

/** A page that runs only the stream's saga, and its venue; through wraps the transport, as a shell does. */
export function setUp({ slotFree = true, through = (transport: Transport): Transport => transport } = {}) {
  const attaches: Attach[] = [];
  const acknowledged: { attach: bigint; number: bigint; painted?: bigint; agoMs?: number }[] = [];
  let nudge: (why: Nudge) => void = () => undefined;
  const slots = { held: 0, granted: (): void => undefined };
  const transport = createRouterTransport(({ service }) => {
    service(NotificationService, {
      feedNotification(request, { signal }) {
        const attach = new Attach(request, BigInt(attaches.length + 1) << 60n);
        attaches.push(attach);
        return attach.responses(signal);
      },
      acknowledgeNotifications({ attachNumber, responseNumber, paintedNumber, paintedAgo }) {
        const painted = paintedNumber === 0n ? {} : { painted: paintedNumber, agoMs: paintedAgo ? plain(paintedAgo) : -1 };
        acknowledged.push({ attach: attachNumber, number: responseNumber, ...painted });
        return {};
      },
    });
    service(SessionService, { openConnection: () => ({ connectionId: 'c-2' }) });
  });
  const shell: Shell = {
    kind: 'web',
    transport: through(transport),
    hasSession: () => Promise.resolve(false),
    onNudge(listener) {
      nudge = listener;
      return () => undefined;
    },
    onConnectivity: () => () => undefined,
    onUnkept: () => () => undefined,
    notify: () => undefined,
    allowNotices: () => Promise.resolve(false),
    acquireStream(waiting) {
      const give = (): (() => void) => {
        slots.held += 1;
        return () => {
          slots.held -= 1;
        };
      };
      if (slotFree) return Promise.resolve(give());
      waiting();
      return new Promise((resolve) => {
        slots.granted = () => resolve(give());
      });
    },
  };
  const context = { venue: createVenue(shell), instanceId: 'i', now: () => Date.now(), random: () => 0.5, afterPaint: (callback: () => void) => callback() };
  const failed: Error[] = [];
  const { store, task } = createStore(
    function* root() {
      yield* followFeed(context);
    },
    (error) => failed.push(error),
  );
  store.dispatch(session.signedIn({ connectionId: 'c-1', accessExpires: 0 }));
  const after = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    expect(failed).toEqual([]);
  };
  /** Waits for the n-th attach and returns it. */
  const nth = async (n: number, within = 30_000): Promise<Attach> => {
    for (let waited = 0; attaches.length < n && waited < within; waited += 10) await after(10);
    expect(attaches.length).toBe(n);
    return attaches[n - 1]!;
  };
  return { store, task, slots, attaches, acknowledged, after, nth, nudge: (why: Nudge) => nudge(why), feed: () => store.getState().feed };
}
