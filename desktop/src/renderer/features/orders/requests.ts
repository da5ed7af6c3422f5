// Sends each kind of request as a call.
import { OrderStatus } from '../../../gen/todoku/v1/types_pb';
import type { OrderAnswer } from '../../../gen/todoku/v1/order_pb';
import type { Venue } from '../../venue/venue';
import type { Change, Execution, NewOrder } from './slice';

/** The answer to a request of any kind. */
export interface Reply {
  /** Why the venue refused; undefined if it accepted. */
  refusal: Execution['reason'];
  /** The request's field that is wrong, or empty. */
  field: string;
  /** A stream that has reached this cursor has delivered the outcome. */
  cursor: string;
}

/** Sends a request. Under the same id it can be sent again and again. */
export async function submit(venue: Venue, id: string, change: Change): Promise<Reply> {
  switch (change.kind) {
    case 'place':
      return replyOf((await venue.orders.placeOrder(placeOf(id, change.order))).answer);
    case 'replace':
      return replyOf((await venue.orders.replaceOrder(replaceOf(id, change))).answer);
    case 'cancel':
      return replyOf((await venue.orders.cancelOrder({ clientOrderId: id, orderId: change.orderId, account: change.account })).answer);
    case 'cancelAll': {
      const { account, symbol, side } = change;
      const { cursor } = await venue.orders.massCancelOrders({ requestId: id, account, symbol, side });
      return { refusal: undefined, field: '', cursor };
    }
  }
}

/** A version that no book has: an order with it is always refused, as STALE_VIEW. */
const neverSeen = (1n << 64n) - 1n;

/**
 * Uses up the id of an order that must not be entered any more: refused if the id is new,
 * and REQUEST_REUSED if it is not.
 */
export async function submitWithdrawn(venue: Venue, id: string, change: Change): Promise<Reply> {
  if (change.kind === 'place')
    return replyOf((await venue.orders.placeOrder({ ...placeOf(id, change.order), seenBookVersion: neverSeen, maxBookMoves: 0n })).answer);
  if (change.kind === 'replace')
    return replyOf((await venue.orders.replaceOrder({ ...replaceOf(id, change), seenBookVersion: neverSeen, maxBookMoves: 0n })).answer);
  return submit(venue, id, change);
}

function placeOf(id: string, { expireTime, seenBookVersion, maxBookMoves, ...order }: NewOrder) {
  return {
    clientOrderId: id,
    ...order,
    ...(expireTime === undefined ? {} : { expireTime: { seconds: BigInt(Math.floor(expireTime / 1000)), nanos: (expireTime % 1000) * 1_000_000 } }),
    ...(seenBookVersion === undefined ? {} : { seenBookVersion: BigInt(seenBookVersion), maxBookMoves: BigInt(maxBookMoves ?? 0) }),
  };
}

function replaceOf(id: string, { orderId, account, price, quantity }: Extract<Change, { kind: 'replace' }>) {
  return { clientOrderId: id, orderId, account, price, quantity };
}

/** Reasons from this number on are why an order ended, not why it was refused. */
const endings = 700;

function replyOf(answer: OrderAnswer | undefined): Reply {
  const { reason, field = '', cursor = '' } = answer ?? {};
  const refused = answer?.status === OrderStatus.REJECTED || (reason !== undefined && reason.code !== 0 && reason.code < endings);
  return { refusal: refused ? { code: reason?.code ?? 0, name: reason?.name ?? '', text: reason?.text ?? '' } : undefined, field, cursor };
}
