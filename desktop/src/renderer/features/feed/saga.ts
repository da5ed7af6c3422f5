// Keeps the stream: attach, follow, acknowledge, notice silence, resume. Both shells use it.
import { buffers, type Channel, channel, type EventChannel, eventChannel, type SagaIterator, type Task } from 'redux-saga';
import { call, cancel, delay, fork, put, race, select, take } from 'redux-saga/effects';
import { SessionService } from '../../../gen/todoku/v1/session_pb';
import type { RootState } from '../../app/store';
import { duration } from '../../venue/plain';
import { type Problem, problemOf, sessionOver } from '../../venue/problem';
import { timeoutOf, type Venue } from '../../venue/venue';
import { session } from '../session/slice';
import { backoff, healthyMs } from './backoff';
import { divergent } from './digest';
import type { Item } from './items';
import { measurePaint, oldest } from './paint';
import { feed, type FeedState } from './slice';
import { type Arrival, openStream, type StreamEvent } from './stream';

/** What the stream's sagas need from outside. Tests replace now and random. */
export interface FeedContext {
  venue: Venue;
  /** Identifies this page: a stream that replaces one of the same page is not shown as a takeover. */
  instanceId: string;
  now: () => number;
  random: () => number;
  /** Calls back when the present frame has been painted. */
  afterPaint: (callback: () => void) => void;
}

/** A reason to open a new stream at once. */
type Nudged = 'resume' | 'online' | 'jumped';

/** If the clock jumps by more than this, the machine was asleep. */
const jumpMs = 30_000;
const tickMs = 5_000;

/** How a stream ended. */
interface Ended {
  problem: Problem | undefined;
  /** When its first message came; 0 when none did. */
  since: number;
  /** The server announced the end; the next attach follows at once. */
  announced: boolean;
  nudged: boolean;
}

/**
 * Keeps a stream open until cancelled. Puts session.ended when only signing in helps. After a
 * takeover by another window, or a refusal, it waits until the user asks for the stream.
 */
export function* followFeed(context: FeedContext): SagaIterator<void> {
  yield put(feed.stopped()); // The data here belongs to the session before.
  const nudges: EventChannel<Nudged> = yield call(nudgeChannel, context);
  try {
    yield fork(watchSilence);
    for (;;) {
      yield call(holdStream, context, nudges);
      yield take(feed.attachWanted.type);
    }
  } finally {
    nudges.close();
  }
}

/** Waits for a stream slot, and keeps a stream open until trying again would not help. */
function* holdStream(context: FeedContext, nudges: EventChannel<Nudged>): SagaIterator<void> {
  const slot: EventChannel<Slot> = yield call(slotChannel, context.venue);
  try {
    for (;;) {
      const got: Slot = yield take(slot);
      if (got === 'granted') break;
      yield put(feed.waiting());
    }
    const resync: Resync = { waitMs: 0, next: 0 };
    for (let attempts = 0; ; ) {
      const ended: Ended = yield call(followOnce, context, nudges, resync);
      const goOn: boolean = yield call(judge, context, ended.problem);
      if (!goOn) return;
      if (ended.since > 0 && context.now() - ended.since >= healthyMs) attempts = 0;
      if (ended.nudged) attempts = 0;
      const soon = ended.announced || ended.nudged ? 0 : attempts;
      const wait = Math.max(backoff(soon, context.random()), ended.problem?.retryAfterMs ?? 0);
      attempts += 1;
      yield put(feed.lost({ retryAt: context.now() + wait, attempts, problem: ended.problem }));
      const { nudged }: { nudged?: Nudged } = yield race({ waited: delay(wait), nudged: take(nudges) });
      if (nudged) attempts = 0;
    }
  } finally {
    slot.close();
  }
}

/** Decides what follows from the end of a stream. Returns whether to connect again. */
function* judge(context: FeedContext, problem: Problem | undefined): SagaIterator<boolean> {
  switch (problem?.reason) {
    case 'SUPERSEDED':
      yield put(feed.superseded());
      return false;
    case 'BAD_SUBSCRIPTION':
    case 'NOT_PERMITTED':
      yield put(feed.refused(problem));
      return false;
    case 'BAD_CURSOR':
      yield put(feed.forgot());
      return true;
    case 'UNKNOWN_CONNECTION':
    case 'NOT_YOUR_CONNECTION': {
      // The session may still be valid although the connection is gone.
      try {
        const opened: { connectionId: string } = yield call(context.venue.session.openConnection, {});
        yield put(session.connectionOpened(opened.connectionId));
        yield put(feed.forgot());
        return true;
      } catch (error) {
        const why = problemOf(error);
        if (!sessionOver(why)) return true;
        yield put(session.ended(why));
        return false;
      }
    }
    case 'TOKEN_EXPIRED':
    case 'SESSION_EXPIRED':
      // The access token expired while the page slept; a refresh shows whether the session did.
      yield put(session.refreshWanted());
      yield race({ refreshed: take(session.refreshed.type), waited: delay(timeoutOf(SessionService.method.refreshSession) ?? 0) });
      return true;
  }
  if (problem && sessionOver(problem)) {
    yield put(session.ended(problem));
    return false;
  }
  return true;
}

/** Attaches and follows the stream to its end. */
function* followOnce(context: FeedContext, nudges: EventChannel<Nudged>, resync: Resync): SagaIterator<Ended> {
  yield put(feed.connecting());
  let stream: EventChannel<StreamEvent> = yield call(attach, context);
  const progress: Progress = { attach: 0n, number: 0n, painted: undefined };
  const beats: Channel<true> = yield call(channel<true>, buffers.sliding(1));
  const acknowledged: Task = yield fork(acknowledge, context, progress, beats);
  let since = 0;
  let announced = false;
  let moveAt: number | undefined;
  try {
    for (;;) {
      const state: FeedState = yield select((s: RootState) => s.feed);
      // Hello is due within five seconds; later the server's watchdog interval holds.
      const patience = since === 0 ? helloMs : state.watchdogMs;
      const { event, nudged, due }: { event?: StreamEvent; nudged?: Nudged; due?: true } = yield race({
        event: take(stream),
        nudged: take(nudges),
        silent: delay(patience),
        ...(moveAt === undefined ? {} : { due: delay(Math.min(Math.max(0, moveAt - context.now()), moveWithinMs)) }),
      });
      if (due) {
        moveAt = undefined;
        stream = yield call(move, context, stream);
        continue;
      }
      if (nudged) return { problem: undefined, since, announced, nudged: true };
      if (!event) return { problem: silence, since, announced, nudged: false };
      switch (event.kind) {
        case 'attached':
          Object.assign(progress, { attach: event.attach, number: 0n, painted: undefined } satisfies Progress);
          break;
        case 'arrival': {
          const at = context.now();
          since ||= at;
          yield put(feed.received({ items: event.items, cursor: event.cursor, unknown: event.unknown, at }));
          // oxlint-disable-next-line no-console -- Once a session: nothing else shows that a newer venue sends more than this version knows.
          if (event.unknown > 0 && state.unknown === 0) console.warn('Todoku: the venue sends messages of a type that this version does not know; they are ignored.');
          progress.number = event.number;
          if (event.framed) notePaint(context, progress, event, state);
          if (event.items.some((item) => item.type === 'heartbeat')) yield put(beats, true);
          const different: string[] = yield call(compareDigests, event.items);
          if (different.length > 0 && mayResync(resync, context.now())) {
            // A defect in the venue or here: begin with a new snapshot.
            yield put(feed.diverged(different));
            return { problem: diverged, since, announced, nudged: true };
          }
          if (event.items.some((item) => item.type === 'reconnect')) {
            announced = true;
            moveAt = context.now() + context.random() * moveWithinMs;
          }
          break;
        }
        case 'gap':
          yield put(feed.forgot());
          return { problem: { code: 15, reason: 'GAP', text: event.text, field: '', retryAfterMs: 0 }, since, announced, nudged: false };
        case 'end':
          return { problem: event.problem, since, announced: announced || attachAtOnce.has(event.problem?.reason ?? ''), nudged: false };
      }
    }
  } finally {
    stream.close();
    yield cancel(acknowledged);
  }
}

/** Compares the accounts here with the venue's last digest, unless events came after it. Returns those that differ. */
function* compareDigests(items: Item[]): SagaIterator<string[]> {
  const at = items.findLastIndex((item) => item.type === 'heartbeat');
  const beat = items[at];
  if (beat?.type !== 'heartbeat' || beat.body.digests.length === 0) return [];
  if (items.slice(at + 1).some((item) => changesHoldings.has(item.type))) return [];
  const { working, positions, complete }: RootState['orders'] = yield select((s: RootState) => s.orders);
  if (!complete) return [];
  return divergent({ orders: Object.values(working), positions: Object.values(positions) }, beat.body.digests);
}

const changesHoldings = new Set<Item['type']>(['executionReport', 'order', 'positionUpdate', 'snapshotBegin', 'reset']);

/** When the next snapshot may be requested because of a digest. */
interface Resync {
  waitMs: number;
  next: number;
}

const firstResyncMs = 60_000;
const mostResyncMs = 3_600_000;

/** Whether a digest that differs now may request a snapshot: they are expensive for a venue, so the wait doubles. */
function mayResync(resync: Resync, now: number): boolean {
  if (now < resync.next) return false;
  resync.waitMs = Math.min(Math.max(2 * resync.waitMs, firstResyncMs), mostResyncMs);
  resync.next = now + resync.waitMs;
  return true;
}

const diverged: Problem = { code: 15, reason: 'DIVERGED', text: 'What was shown is not what the venue holds.', field: '', retryAfterMs: 0 };
const helloMs = 5_000;
const silence: Problem = { code: 4, reason: 'WATCHDOG', text: 'Nothing came for longer than the server promises.', field: '', retryAfterMs: 0 };
/** Reasons after which to attach again at once, with jitter. */
const attachAtOnce = new Set(['SHUTDOWN', 'STREAM_AGE', 'REPLACED', 'SLOW_CONSUMER', 'NOT_ACKNOWLEDGING']);

function* attach(context: FeedContext): SagaIterator<EventChannel<StreamEvent>> {
  const state: RootState = yield select();
  return yield call(openStream, context.venue, {
    connectionId: state.session.connectionId,
    instanceId: context.instanceId,
    resumeAfter: state.feed.cursor,
    subscription: state.session.subscription,
  });
}

/**
 * Opens the next stream before the server ends the old one, and changes over when the next
 * one delivers; if that fails, the old one continues to its end. The server ends the old one
 * when it accepts the next. Events of the old one are held until it is known which of the
 * two counts, so that no event is shown twice.
 */
function* move(context: FeedContext, old: EventChannel<StreamEvent>): SagaIterator<EventChannel<StreamEvent>> {
  const held: StreamEvent[] = [];
  const next: EventChannel<StreamEvent> = yield call(attach, context);
  let moved = false;
  try {
    const until = context.now() + helloMs;
    for (;;) {
      const { fromNew, fromOld }: { fromNew?: StreamEvent; fromOld?: StreamEvent } = yield race({
        fromNew: take(next),
        fromOld: take(old),
        late: delay(Math.min(Math.max(0, until - context.now()), helloMs)),
      });
      if (fromNew && fromNew.kind !== 'end' && fromNew.kind !== 'gap') {
        moved = true;
        old.close();
        return yield call(prepended, [fromNew], next);
      }
      if (!fromOld) return yield call(prepended, held, old);
      held.push(fromOld);
    }
  } finally {
    if (!moved) next.close();
  }
}

const moveWithinMs = 2_000;

/** A channel that first delivers what was already taken from it. */
function prepended(first: StreamEvent[], rest: EventChannel<StreamEvent>): EventChannel<StreamEvent> {
  const waiting = [...first];
  return {
    take(cb) {
      const next = waiting.shift();
      if (next) cb(next);
      else rest.take(cb);
    },
    flush: (cb) => rest.flush(cb),
    close() {
      waiting.length = 0;
      rest.close();
    },
  } as EventChannel<StreamEvent>;
}

/** How far the present stream is. Not in the store, because of its 64-bit numbers. */
interface Progress {
  attach: bigint;
  /** Of the last response that was processed; 0 before there was one. */
  number: bigint;
  /** The last response that was painted, and when; undefined once it is acknowledged. */
  painted: { number: bigint; at: number } | undefined;
}

/** Records when what arrived in this frame is painted, and measures how old it is then. */
function notePaint({ afterPaint, now }: FeedContext, progress: Progress, { items, number }: Arrival, { phase, clockOffset }: FeedState): void {
  const under = progress.attach;
  const committed = phase === 'live' ? oldest(items) : undefined;
  afterPaint(() => {
    const at = now();
    if (progress.attach === under) progress.painted = { number, at };
    if (committed !== undefined) measurePaint(committed, at, clockOffset);
  });
}

/** Acknowledges what has arrived: after each heartbeat, and at least as often as the server asks. */
function* acknowledge(context: FeedContext, progress: Progress, beats: Channel<true>): SagaIterator<void> {
  let sent: Pick<Progress, 'attach' | 'number'> = { attach: 0n, number: 0n };
  for (;;) {
    const every: number = yield select((s: RootState) => s.feed.acknowledgeMs);
    yield race({ beat: take(beats), due: delay(every / 2) });
    const { attach: attachNumber, number, painted } = progress;
    if (number === 0n || (sent.attach === attachNumber && sent.number === number)) continue;
    const connectionId: string = yield select((s: RootState) => s.session.connectionId);
    // Only what is new on the screen is reported as painted; a hidden page paints nothing.
    const seen = painted ? { paintedNumber: painted.number, paintedAgo: duration(context.now() - painted.at) } : {};
    progress.painted = undefined;
    try {
      yield call(context.venue.notifications.acknowledgeNotifications, { connectionId, attachNumber, responseNumber: number, ...seen });
      sent = { attach: attachNumber, number };
    } catch {
      // Ignored: the next acknowledgement covers this one, and a lost stream ends by itself.
    }
  }
}

/** Marks the screen stale when nothing has come for the venue's stale interval. */
function* watchSilence(): SagaIterator<void> {
  for (;;) {
    const limit: number = yield select((s: RootState) => s.feed.staleMs);
    const { silent }: { silent?: true } = yield race({ came: take(feed.received.type), silent: delay(limit) });
    if (silent) {
      yield put(feed.silent());
      yield take(feed.received.type);
    }
  }
}

/** Emits when the machine wakes up, the network returns, or the clock jumps. */
function nudgeChannel({ venue, now }: FeedContext): EventChannel<Nudged> {
  return eventChannel((emit) => {
    const stop = venue.shell.onNudge(emit);
    let last = now();
    const timer = setInterval(() => {
      const at = now();
      if (Math.abs(at - last - tickMs) > jumpMs) emit('jumped');
      last = at;
    }, tickMs);
    return () => {
      stop();
      clearInterval(timer);
    };
  });
}

type Slot = 'waiting' | 'granted';

/** Emits when this page may open a stream; closing the channel gives the slot back. */
function slotChannel(venue: Venue): EventChannel<Slot> {
  return eventChannel((emit) => {
    const abort = new AbortController();
    let release: (() => void) | undefined;
    venue.shell
      .acquireStream(() => emit('waiting'), abort.signal)
      .then(
        (give) => {
          release = give;
          // The channel is closed already: give the slot back at once.
          if (abort.signal.aborted) give();
          else emit('granted');
        },
        () => undefined,
      );
    return () => {
      abort.abort();
      release?.();
    };
  }, buffers.expanding(2));
}
