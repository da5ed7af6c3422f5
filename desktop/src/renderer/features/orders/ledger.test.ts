// However the stream and history are split into pieces, no row is shown twice or missing between
// two others, and a snapshot never shows an empty screen.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reset_Cause } from '../../../gen/todoku/v1/notification_pb';
import { ExecType, OrderStatus } from '../../../gen/todoku/v1/types_pb';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { Pager } from './history';
import { mostRows, newerExecution } from './ledger';
import { type Execution, initial, type Order, orders, ordersReducer, type OrdersState } from './slice';

const order = (id: number, status = OrderStatus.NEW, sequence = id): Order =>
  ({ orderId: String(id), clientOrderId: `c${id}`, account: 'alice', symbol: 'USDJPY', status, sequence, quantity: '5', filledQuantity: '0', leavesQuantity: '5' }) as Order;
const report = (sequence: number, of: Order = order(sequence), execType = ExecType.NEW, requestId = `r${sequence}`): Execution =>
  ({ executionId: `${sequence}-0`, execType, order: of, requestId, time: sequence }) as Execution;
const item = <T extends Item['type']>(type: T, body: unknown, sequence = 0): Item => ({ type, sequence, index: 0, time: 0, body }) as Item;
const frame = (state: OrdersState, ...items: Item[]): OrdersState => ordersReducer(state, feed.received({ items, cursor: '', unknown: 0, at: 1 }));
const snapshot = (...working: Order[]): Item[] => [item('snapshotBegin', {}), ...working.map((one) => item('order', one)), item('snapshotEnd', {})];
const ids = (rows: readonly Execution[]): string[] => rows.map(({ executionId }) => executionId);

test('a snapshot replaces what is shown at its end, all at once', () => {
  let state = frame(initial, ...snapshot(order(1), order(2)));
  state = frame(state, item('snapshotBegin', {}));
  state = frame(state, item('order', order(2)), item('order', order(3)));
  expect(Object.keys(state.working)).toEqual(['1', '2']);
  state = frame(state, item('snapshotEnd', {}));
  expect(Object.keys(state.working)).toEqual(['2', '3']);
});

test('a frame without messages about orders changes nothing', () => {
  const state = frame(initial, ...snapshot(order(1)));
  expect(frame(state, item('bestBidOffer', {}), item('heartbeat', { digests: [] }))).toBe(state);
});

test('a report sets the state of its request and its order', () => {
  let state = ordersReducer(initial, orders.requested({ kind: 'cancel', orderId: '1', account: 'alice', symbol: 'USDJPY' }, 'x', 0));
  state = frame(state, ...snapshot(order(1)));
  state = frame(state, item('executionReport', report(9, order(1, OrderStatus.CANCELED, 9), ExecType.CANCELED, 'x')));
  expect(state.pending).toEqual({});
  expect(state.working).toEqual({});
  expect(state.done.map((one) => one.status)).toEqual([OrderStatus.CANCELED]);
});

test('a thousand reports in a frame are one change', () => {
  const all = Array.from({ length: 1_000 }, (_, n) => order(n + 1));
  let state = frame(initial, ...snapshot(...all));
  state = frame(state, ...all.map((one, n) => item('executionReport', report(2_000 + n, { ...one, status: OrderStatus.CANCELED }, ExecType.CANCELED))));
  expect(Object.keys(state.working)).toHaveLength(0);
  expect(state.done).toHaveLength(1_000);
  expect(ids(state.executions).slice(0, 2)).toEqual(['2999-0', '2998-0']);
});

test('a new journal has a new history', () => {
  let state = frame(initial, ...snapshot(), item('executionReport', report(5)));
  state = frame(state, item('reset', { cause: Reset_Cause.UNKNOWN_EPOCH }), item('snapshotBegin', {}));
  expect(ids(state.executions)).toEqual(['5-0']);
  state = frame(state, item('snapshotEnd', {}), item('executionReport', report(2)));
  expect(ids(state.executions)).toEqual(['2-0']);
});

test('ended orders are sorted by their entry, whether the stream or history reports them', () => {
  const ended = (...names: number[]): Order[] => names.map((id) => order(id, OrderStatus.CANCELED));
  let state = frame(initial, ...snapshot(order(6)), ...ended(9, 3).map((one) => item('executionReport', report(20 + Number(one.orderId), one, ExecType.CANCELED))));
  state = ordersReducer(state, orders.doneLoaded({ rows: ended(10, 9, 8, 6, 2), newest: false, more: true }));
  // Order 6 works, as far as the stream has reported.
  expect(state.done.map(({ orderId }) => orderId)).toEqual(['10', '9', '8', '3', '2']);
});

test('a screen keeps a bounded number of rows and says so', () => {
  const rows = Array.from({ length: mostRows.executions }, (_, n) => report(mostRows.executions - n));
  let state = ordersReducer(initial, orders.executionsLoaded({ rows, newest: true, more: true }));
  expect(state.history.executions).toBe('more');
  state = frame(state, item('executionReport', report(mostRows.executions + 1)));
  expect(state.executions).toHaveLength(mostRows.executions);
  expect(state.history.executions).toBe('full');
  expect(ordersReducer(state, orders.olderWanted('executions')).history.executions).toBe('full');
});

test('stream and history join without a missing or double row, however often the stream begins with a snapshot', () => {
  // Steps: events by stream, events while there is no stream (then a snapshot), pages of history.
  const step = fc.oneof(fc.record({ streamed: fc.integer({ min: 1, max: 4 }) }), fc.record({ missed: fc.integer({ min: 0, max: 6 }), late: fc.boolean() }), fc.constant({ page: true }));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.array(step, { maxLength: 25 }), (before, steps) => {
      let head = before;
      let state = frame(initial, ...snapshot());
      let next = 0; // History's next page begins below this; 0 before the first.
      let newest = true;
      const page = (): void => {
        const from = newest ? head + 1 : next;
        const rows = Array.from({ length: Math.min(3, from - 1) }, (_, n) => report(from - 1 - n));
        next = from - rows.length;
        state = ordersReducer(state, orders.executionsLoaded({ rows, newest, more: next > 1 }));
        newest = false;
        // No row is missing between two others, and none is there twice.
        const shown = state.executions.map(({ executionId }) => Number(executionId.split('-')[0]));
        expect(shown).toEqual(Array.from({ length: shown.length }, (_, n) => head - n));
      };
      for (const one of steps) {
        if ('streamed' in one) for (let n = 0; n < one.streamed; n++) state = frame(state, item('executionReport', report(++head)));
        else if ('missed' in one) {
          head += one.missed;
          state = frame(state, ...snapshot());
          newest = true;
          // The stream may be faster than history.
          if (one.late) state = frame(state, item('executionReport', report(++head)));
        } else page();
      }
      do page();
      while (state.history.executions === 'more');
      expect(state.executions).toHaveLength(head);
    }),
  );
});

test('histories of several accounts are merged in order, also after failures', async () => {
  const history = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(history, fc.infiniteStream(fc.nat(4)), fc.integer({ min: 1, max: 7 }), async (owners, fates, size) => {
      const all = owners.map((owner, n) => ({ owner: `a${owner}`, row: report(n + 1) })).toReversed();
      const pager = new Pager<Execution>(
        ['a0', 'a1', 'a2'],
        (account, token) => {
          if (fates.next().value === 0) return Promise.reject(new Error('unavailable'));
          const rows = all.filter(({ owner }) => owner === account).map(({ row }) => row);
          const at = Number(token);
          return Promise.resolve({ rows: rows.slice(at, at + 2), next: at + 2 < rows.length ? String(at + 2) : '' });
        },
        newerExecution,
      );
      const got: Execution[] = [];
      for (let more = true; more; ) {
        const page = await pager.page(size).catch(() => undefined);
        if (!page) continue;
        got.push(...page.rows);
        ({ more } = page);
        if (more) expect(page.rows).toHaveLength(size);
      }
      expect(ids(got)).toEqual(ids(all.map(({ row }) => row)));
    }),
  );
});
