// The outcome of a request, as far as the screen knows it.
import type { RootState } from '../../app/store';
import { OrderStatus } from '../../../gen/todoku/v1/types_pb';
import { type Execution, type Order, type Refusal, works } from './slice';

export type Outcome =
  | { state: 'pending' | 'taken' | 'unknown' }
  | { state: 'refused'; problem: Refusal['problem'] }
  | { state: 'works' | 'filled' | 'ended'; order: Order; reason: Execution['reason'] };

/** The outcome of the request with this client order id; undefined if there is no such request. */
export function outcomeOf({ pending, refusals, executions, working, done }: RootState['orders'], id: string): Outcome | undefined {
  const waiting = pending[id];
  if (waiting) return { state: waiting.unknown ? 'unknown' : waiting.taken ? 'taken' : 'pending' };
  const refusal = refusals.find((one) => one.id === id);
  if (refusal) return { state: 'refused', problem: refusal.problem };
  const report = executions.find((one) => one.requestId === id);
  const orderId = report?.order?.orderId ?? Object.values(working).find((one) => one.clientOrderId === id)?.orderId;
  const order = (orderId && working[orderId]) || done.find((one) => one.orderId === orderId || one.clientOrderId === id) || report?.order;
  if (!order) return undefined;
  if (works(order.status)) return { state: 'works', order, reason: undefined };
  // The reason of its end may be from long after the request.
  const ending = executions.find((one) => one.order?.orderId === order.orderId);
  return { state: order.status === OrderStatus.FILLED ? 'filled' : 'ended', order, reason: ending?.reason };
}
