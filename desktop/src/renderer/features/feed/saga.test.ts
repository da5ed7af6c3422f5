// The stream's states, with a venue that the test controls.
import { Code } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Hello_Start } from '../../../gen/todoku/v1/notification_pb';
import { TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { selectAnyAwaited, selectAwaited } from '../market/selectors';
import { session } from '../session/slice';
import { selectOff } from '../ticket/selectors';
import { setUp } from './fakeVenue';
import { feed as actions } from './slice';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', { hidden: true, addEventListener: () => undefined, removeEventListener: () => undefined });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a snapshot makes the screen live, and the next stream resumes at its cursor', async () => {
  const { nth, after, feed, task } = setUp();
  const first = await nth(1);
  expect(first.request).toMatchObject({ connectionId: 'c-1', instanceId: 'i', resumeAfter: '' });
  first.hello(Hello_Start.SNAPSHOT, 10);
  await after(300);
  expect(feed().phase).toBe('catchingUp');
  first.send('e:10', { case: 'snapshotBegin', value: {} as never }, { case: 'snapshotEnd', value: {} as never });
  await after(300);
  expect(feed()).toMatchObject({ phase: 'live', cursor: 'e:10', replayed: undefined });
  first.end('');
  const second = await nth(2);
  expect(second.request.resumeAfter).toBe('e:10');
  task.cancel();
});

test('a replay makes the screen live at the head of the stream\'s start, and its messages are counted', async () => {
  const { nth, after, feed, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.end('SLOW_CONSUMER', Code.ResourceExhausted);
  const second = await nth(2);
  second.hello(Hello_Start.REPLAY, 12, 'e:10');
  second.send('e:11', { case: 'announcement', value: { from: 'x', text: 'y' } as never });
  await after(300);
  expect(feed()).toMatchObject({ phase: 'catchingUp', replayed: 1 });
  second.send('e:12', { case: 'announcement', value: { from: 'x', text: 'y' } as never });
  await after(300);
  expect(feed()).toMatchObject({ phase: 'live', replayed: 2, cursor: 'e:12' });
  task.cancel();
});

test.each([
  ['a replay', Hello_Start.REPLAY],
  ['a snapshot', Hello_Start.SNAPSHOT],
])('after %s a book is old until it arrives, also if it arrives empty; until then orders are refused', async (_name, start) => {
  const { nth, after, feed, store, task } = setUp();
  const instruments = ['A', 'B'].map((symbol) => ({ case: 'instrumentUpdate' as const, value: { symbol, tickSize: '1', status: TradingStatus.OPEN } as never }));
  const books = ['A', 'B'].map((symbol) => ({ case: 'bookBegin' as const, value: { symbol } as never }));
  const first = await nth(1);
  first.hello(Hello_Start.SNAPSHOT, 10);
  first.send('e:10', { case: 'snapshotBegin', value: {} as never }, ...instruments, { case: 'snapshotEnd', value: {} as never });
  first.send('e:10', ...books);
  await after(300);
  const state = () => store.getState();
  expect([selectAnyAwaited(state()), selectOff(state(), 'A')]).toEqual([false, undefined]);
  first.end('SLOW_CONSUMER', Code.ResourceExhausted);
  const second = await nth(2);
  second.hello(start, 10, 'e:10');
  if (start === Hello_Start.SNAPSHOT) second.send('e:10', { case: 'snapshotBegin', value: {} as never }, ...instruments, { case: 'snapshotEnd', value: {} as never });
  second.send('e:10', books[1]!);
  await after(300);
  expect(feed().phase).toBe('live');
  expect(['A', 'B'].map((symbol) => selectAwaited(state(), symbol))).toEqual([true, false]);
  expect([selectAnyAwaited(state()), selectOff(state(), 'A'), selectOff(state(), 'B')]).toEqual([true, 'bookAwaited', undefined]);
  second.send('e:10', books[0]!);
  await after(300);
  expect([selectAnyAwaited(state()), selectOff(state(), 'A')]).toEqual([false, undefined]);
  task.cancel();
});

test('a silent stream is stale after eight seconds and closed after fifteen', async () => {
  const { nth, after, feed, attaches, task } = setUp();
  (await nth(1)).snapshot(10);
  await after(300);
  await after(7_000);
  expect(feed().silent).toBe(false);
  await after(1_100);
  expect(feed().silent).toBe(true);
  await after(6_000);
  expect(attaches).toHaveLength(1);
  await nth(2);
  expect(attaches[0]!.cancelled).toBe(true);
  task.cancel();
});

test('a stream without Hello is closed after five seconds', async () => {
  const { nth, after, attaches, task } = setUp();
  await nth(1);
  await after(4_900);
  expect(attaches).toHaveLength(1);
  await nth(2, 1_000);
  task.cancel();
});

test('a missing response is detected, and the screen begins with a new snapshot', async () => {
  const { nth, after, feed, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.lose();
  first.send('e:12', { case: 'announcement', value: { from: 'x', text: 'y' } as never });
  const second = await nth(2);
  expect(second.request.resumeAfter).toBe('');
  expect(feed().attempts).toBe(1);
  task.cancel();
});

test('the backoff grows with every failure, and a wake-up ends the wait', async () => {
  const { nth, after, feed, nudge, attaches, task } = setUp();
  for (let n = 1; n <= 7; n++) (await nth(n)).end('');
  await after(1);
  expect(feed()).toMatchObject({ phase: 'retrying', attempts: 7 });
  expect(feed().retryAt - Date.now()).toBeGreaterThan(4_000);
  nudge('online');
  await after(1);
  expect(attaches).toHaveLength(8);
  task.cancel();
});

test('a takeover by another window is shown, and the stream is not taken back by itself', async () => {
  const { nth, after, feed, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.end('SUPERSEDED', Code.Aborted);
  await after(60_000);
  expect(feed().phase).toBe('superseded');
  expect(attaches).toHaveLength(1);
  task.cancel();
});

test('a lost connection is replaced in the same session', async () => {
  const { nth, after, store, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.end('UNKNOWN_CONNECTION', Code.NotFound);
  const second = await nth(2);
  expect(second.request).toMatchObject({ connectionId: 'c-2', resumeAfter: '' });
  expect(store.getState().session.status).toBe('signedIn');
  task.cancel();
});

test('after the end of the session the user must sign in', async () => {
  const { nth, after, store, attaches, task } = setUp();
  (await nth(1)).end('SESSION_REVOKED', Code.Unauthenticated);
  await after(60_000);
  expect(store.getState().session).toMatchObject({ status: 'signedOut', problem: { reason: 'SESSION_REVOKED' } });
  expect(attaches).toHaveLength(1);
  task.cancel();
});

test('on a request to reconnect the next stream is opened before the old one is closed', async () => {
  const { nth, after, feed, store, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  first.send('e:10', { case: 'bookBegin', value: { symbol: 'A' } as never });
  await after(300);
  first.send('e:11', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  const second = await nth(2);
  expect(second.request.resumeAfter).toBe('e:11');
  expect(attaches[0]!.cancelled).toBe(false);
  // The old stream still delivers this event; the new one delivers it too, and it must count once.
  first.send('e:12', { case: 'announcement', value: { from: 'x', text: 'once' } as never });
  await after(300);
  second.hello(Hello_Start.REPLAY, 12, 'e:11');
  second.send('e:12', { case: 'announcement', value: { from: 'x', text: 'once' } as never });
  await after(600);
  expect(attaches[0]!.cancelled).toBe(true);
  expect(feed()).toMatchObject({ phase: 'live', cursor: 'e:12', replayed: 1 });
  // There was always a stream: the books do not become stale.
  expect(selectAwaited(store.getState(), 'A')).toBe(false);
  task.cancel();
});

test('if the next stream fails, the old one continues and loses nothing', async () => {
  const { nth, after, feed, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.send('e:11', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  const second = await nth(2);
  first.send('e:12', { case: 'announcement', value: { from: 'x', text: 'held' } as never });
  await after(300);
  second.end('');
  await after(300);
  expect(attaches[0]!.cancelled).toBe(false);
  expect(feed()).toMatchObject({ phase: 'live', cursor: 'e:12' });
  task.cancel();
});

test('a heartbeat is acknowledged at once, with the number of its attach', async () => {
  const { nth, after, acknowledged, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  first.send('e:10', { case: 'heartbeat', value: { conflated: 0n, headSequence: 10n, digests: [] } as never });
  await after(300);
  expect(acknowledged).toEqual([{ attach: 1n << 60n, number: 3n }]);
  task.cancel();
});

test('an acknowledgement says what was painted and how long ago, once', async () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined });
  vi.stubGlobal('requestAnimationFrame', (call: () => void) => frames.push(call));
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
  const { nth, after, acknowledged, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(100);
  for (const call of frames.splice(0)) call();
  await after(100);
  first.send('e:10', { case: 'heartbeat', value: { conflated: 0n, headSequence: 10n, digests: [] } as never });
  // No frame comes: the timer flushes the heartbeat, which is not painted.
  await after(260);
  expect(acknowledged).toEqual([{ attach: 1n << 60n, number: 3n, painted: 2n, agoMs: 350 }]);
  first.send('e:10', { case: 'heartbeat', value: { conflated: 0n, headSequence: 10n, digests: [] } as never });
  await after(300);
  expect(acknowledged[1]).toEqual({ attach: 1n << 60n, number: 4n });
  task.cancel();
});

test('the user can take the stream back, and missed events are replayed', async () => {
  const { nth, after, feed, store, slots, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.end('SUPERSEDED', Code.Aborted);
  await after(100);
  expect(feed().phase).toBe('superseded');
  // A page without a stream must not hold a slot that another page waits for.
  expect(slots.held).toBe(0);
  store.dispatch(actions.attachWanted());
  const second = await nth(2);
  expect(second.request.resumeAfter).toBe('e:10');
  second.hello(Hello_Start.REPLAY, 10, 'e:10');
  await after(300);
  expect(feed().phase).toBe('live');
  expect(slots.held).toBe(1);
  task.cancel();
});

test('a page waits for a slot, and gives back one that comes too late', async () => {
  const late = setUp({ slotFree: false });
  await late.after(10);
  expect(late.feed().phase).toBe('waiting');
  expect(late.attaches).toHaveLength(0);
  late.task.cancel();
  late.slots.granted();
  await late.after(10);
  expect(late.slots.held).toBe(0);
  const patient = setUp({ slotFree: false });
  await patient.after(10);
  patient.slots.granted();
  await patient.nth(1);
  patient.task.cancel();
  await patient.after(10);
  expect(patient.slots.held).toBe(0);
});

test('a stream that ends because its token expired refreshes the token before the session counts as ended', async () => {
  const { nth, after, store, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.end('SESSION_EXPIRED', Code.Unauthenticated);
  await after(100);
  expect(store.getState().session.status).toBe('signedIn');
  store.dispatch(session.refreshed(Date.now() + 900_000));
  const second = await nth(2, 1_000);
  expect(second.request.resumeAfter).toBe('e:10');
  task.cancel();
});

test('after a refusal with a retry delay the next attempt waits for that delay', async () => {
  const { nth, after, attaches, task } = setUp();
  (await nth(1)).end('ATTACH_RATE', Code.ResourceExhausted, 5);
  await after(4_900);
  expect(attaches).toHaveLength(1);
  await nth(2, 1_000);
  task.cancel();
});

test('a new session does not resume the stream of the session before', async () => {
  const { nth, after, store, feed } = setUp();
  (await nth(1)).snapshot(10);
  await after(300);
  expect(feed().cursor).toBe('e:10');
  store.dispatch(actions.stopped());
  expect(feed()).toMatchObject({ cursor: '', phase: 'off', attaches: 0 });
});

test('signing out while the next stream is opened closes both streams', async () => {
  const { nth, after, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.send('e:11', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  await nth(2);
  task.cancel();
  await after(10);
  expect(attaches.map(({ cancelled }) => cancelled)).toEqual([true, true]);
});

test('an old stream that ends before the first message of the next one is not waited for', async () => {
  const { nth, after, feed, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.send('e:11', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  const second = await nth(2);
  first.end('REPLACED', Code.Aborted);
  await after(300);
  second.hello(Hello_Start.REPLAY, 12, 'e:11');
  second.send('e:12', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  await after(300);
  expect(feed()).toMatchObject({ phase: 'live', cursor: 'e:12' });
  expect((await nth(3)).request.resumeAfter).toBe('e:12');
  task.cancel();
});

test('the old stream is shown until the next one delivers', async () => {
  const { nth, after, feed, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.send('e:11', { case: 'reconnect', value: { reason: 'STREAM_AGE' } as never });
  await after(300);
  first.send('e:12', { case: 'announcement', value: { from: 'x', text: 'y' } as never });
  await after(300);
  expect(attaches).toHaveLength(1);
  expect(feed().cursor).toBe('e:12');
  expect((await nth(2)).request.resumeAfter).toBe('e:12');
  task.cancel();
});

test('messages of a newer version are counted, ignored, and logged once', async () => {
  const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { nth, after, feed, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  first.send('e:11', { case: undefined });
  await after(300);
  first.send('e:12', { case: undefined }, { case: undefined });
  await after(300);
  expect(feed()).toMatchObject({ phase: 'live', unknown: 3, cursor: 'e:12' });
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();
  task.cancel();
});

test('a clock that jumps means that the machine slept: a new stream is opened', async () => {
  const { nth, after, feed, attaches, task } = setUp();
  const first = await nth(1);
  first.snapshot(10);
  await after(300);
  vi.setSystemTime(Date.now() + 3_600_000);
  await nth(2, 6_000);
  expect(attaches[0]!.cancelled).toBe(true);
  expect(attaches[1]!.request.resumeAfter).toBe('e:10');
  attaches[1]!.hello(Hello_Start.REPLAY, 10, 'e:10');
  await after(300);
  expect(feed().phase).toBe('live');
  task.cancel();
});
