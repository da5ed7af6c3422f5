// The activity lists every event once, in the order of the events.
import { expect, test } from 'vitest';
import { Reset_Cause } from '../../../gen/todoku/v1/notification_pb';
import { ExecType, OrderStatus, OrderType, Side, TimeInForce } from '../../../gen/todoku/v1/types_pb';
import { cancelAllReducer } from '../cancelAll/slice';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { type Change, type Execution, notEntered, notLive, type Order, orders } from '../orders/slice';
import { activityReducer, type ActivityState } from './activity';
import { activityRows } from './rows';

const place: Change = { kind: 'place', order: { symbol: 'USDJPY', account: '', side: Side.BUY, type: OrderType.LIMIT, timeInForce: TimeInForce.DAY, postOnly: false, price: '150', quantity: '5' } };
const order = { orderId: '7', account: 'alice', symbol: 'USDJPY', side: Side.BUY, price: '150', quantity: '5', status: OrderStatus.NEW } as Order;
const report = (sequence: number, execType: ExecType, requestId = '', name = ''): Execution =>
  ({ executionId: `${sequence}-0`, execType, order, requestId, lastQuantity: '', tradeId: '', time: sequence, reason: name === '' ? undefined : { code: 1, name, text: '' } }) as unknown as Execution;
const item = <T extends Item['type']>(type: T, body: unknown, sequence = 0): Item => ({ type, sequence, index: 0, time: sequence, body }) as Item;
const received = (sequence: number, ...items: Item[]) => feed.received({ items, cursor: `e:${sequence}`, unknown: 0, at: 0 });
const after = (...actions: Parameters<typeof activityReducer>[1][]): ActivityState => actions.reduce<ActivityState>(activityReducer, activityReducer(undefined, { type: 'begin' }));
const listed = (state: ActivityState, executions: Execution[]): string[] => activityRows(executions, state.notes).map(({ execution, note }) => (execution ? `${ExecType[execution.execType]} ${execution.executionId}` : `${note?.kind} ${note?.id}`));

test('a request is listed before its outcome, whatever the clocks say', () => {
  const accepted = report(11, ExecType.NEW, 'a');
  const filled = report(12, ExecType.TRADE, 'a');
  const state = after(received(10), orders.requested(place, 'a', 9e15), received(12, item('executionReport', accepted), item('executionReport', filled)), orders.requested(place, 'b', 0));
  expect(listed(state, [filled, accepted, report(5, ExecType.NEW)])).toEqual(['sent b', 'TRADE 12-0', 'NEW 11-0', 'sent a', 'NEW 5-0']);
});

test('an unknown outcome is listed once', () => {
  const state = after(orders.requested(place, 'a', 0), orders.outcomeUnknown('a'), orders.outcomeUnknown('a'), orders.settled({ id: 'a' }));
  expect(listed(state, [])).toEqual(['settled a', 'unknown a', 'sent a']);
});

test('a refusal in the answer is not listed again when the stream reports it', () => {
  const refusal = { id: 'a', change: place, problem: { reason: 'OFF_TICK', text: '', field: '' }, at: 0 };
  const rejected = report(11, ExecType.REJECTED, 'a', 'OFF_TICK');
  const state = after(received(10), orders.requested(place, 'a', 0), orders.refused(refusal), received(11, item('executionReport', rejected)));
  expect(listed(state, [rejected])).toEqual(['REJECTED 11-0', 'sent a']);
});

test('a request that was not sent, because the screen was not live, is not listed as sent', () => {
  const state = after(orders.requested(place, 'a', 0), orders.refused({ id: 'a', change: place, problem: { reason: notLive, text: '', field: '' }, at: 0 }));
  expect(listed(state, [])).toEqual(['refused a']);
});

test('a withdrawn order is listed as too late, not as refused because the market moved', () => {
  const rejected = report(11, ExecType.REJECTED, 'a', 'STALE_VIEW');
  const state = after(received(10), orders.requested(place, 'a', 0), orders.withdrawing('a'), received(11, item('executionReport', rejected)));
  expect(activityRows([rejected], state.notes)[0]?.problem?.reason).toBe(notEntered);
});

test('a refused cancel is listed in the order of events', () => {
  const state = after(received(10), orders.requested({ kind: 'cancel', orderId: '7', account: '', symbol: 'USDJPY' }, 'x', 0), received(12, item('cancelReject', { requestId: 'x', order, reason: { code: 1, name: 'TOO_LATE', text: '' } }, 11), item('executionReport', report(12, ExecType.TRADE))));
  expect(listed(state, [report(12, ExecType.TRADE)])).toEqual(['TRADE 12-0', 'refused x', 'sent x']);
});

test('events of a new journal are listed after those of the old one', () => {
  const state = after(received(900), orders.requested(place, 'a', 0), received(3, item('reset', { cause: Reset_Cause.UNKNOWN_EPOCH })), orders.requested(place, 'b', 0));
  expect(listed(state, [report(3, ExecType.NEW), report(2, ExecType.NEW)])).toEqual(['sent b', 'NEW 3-0', 'NEW 2-0', 'sent a']);
});

test('the number of cancelled orders counts the reports of the stream for this request', () => {
  const all: Change = { kind: 'cancelAll', account: 'alice', symbol: '', side: Side.UNSPECIFIED };
  const run = (...actions: Parameters<typeof cancelAllReducer>[1][]) => actions.reduce<ReturnType<typeof cancelAllReducer>>(cancelAllReducer, cancelAllReducer(undefined, { type: 'begin' })).rounds[0];
  const begun = orders.requested(all, 'x', 0);
  expect(run(begun)).toMatchObject({ state: 'sent', cancelled: 0 });
  expect(run(begun, received(9, item('executionReport', report(8, ExecType.CANCELED, 'x')), item('executionReport', report(8, ExecType.CANCELED, 'x')), item('executionReport', report(9, ExecType.CANCELED, 'other'))))).toMatchObject({ state: 'done', cancelled: 2 });
  expect(run(begun, orders.outcomeUnknown('x'))).toMatchObject({ state: 'unknown' });
  expect(run(begun, orders.settled({ id: 'x' }))).toMatchObject({ state: 'done', cancelled: 0, uncounted: false });
  expect(run(begun, received(1, item('snapshotBegin', {})), orders.settled({ id: 'x' }))).toMatchObject({ state: 'done', uncounted: true });
});
