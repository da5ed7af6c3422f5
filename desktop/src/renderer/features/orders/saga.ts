// Sends what the user asks for, once however often it has to be asked, and finds out what
// became of it when no answer comes.
import type { SagaIterator } from 'redux-saga';
import { call, delay, fork, put, race, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { type OrderAnswer } from '../../../gen/todoku/v1/order_pb';
import { OrderStatus } from '../../../gen/todoku/v1/types_pb';
import { plain } from '../../venue/plain';
import { outcomeUnknown, type Problem, problemOf } from '../../venue/problem';
import { deadlines, type Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { backoff } from '../feed/backoff';
import { type Change, orders, type Pending } from './slice';

export interface OrdersContext {
  venue: Venue;
  now: () => number;
  random: () => number;
  newId: () => string;
}

export function* ordersSaga(context: OrdersContext): SagaIterator<void> {
  yield fork(loadHistory, context);
  yield takeEvery(orders.cancelAll.type, cancelAll, context);
  yield takeEvery(orders.requested.type, send, context);
}

/**
 * Sends one request until the venue has said what became of it. The same client order id
 * makes every further attempt a question, not a second order.
 */
function* send({ venue, now, random }: OrdersContext, { payload }: ReturnType<typeof orders.requested>): SagaIterator<void> {
  const { id, change } = payload;
  for (let attempt = 0; ; attempt++) {
    try {
      const answer: OrderAnswer | undefined = yield call(submit, venue, id, change);
      if (answer?.status === OrderStatus.REJECTED || (answer?.reason && answer.reason.code !== 0 && change.kind !== 'place')) {
        const problem = { reason: answer.reason?.name ?? '', text: answer.reason?.text ?? '', field: answer.field };
        const pending: Pending | undefined = yield select((s: RootState) => s.orders.pending[id]);
        // The stream may have said so already, in the same words.
        if (pending) yield put(orders.refused({ id, change, problem, at: now() }));
      } else if (attempt > 0) {
        // The report of an attempt whose answer was lost may lie before the stream's beginning.
        yield put(orders.answered({ id, seen: true }));
      }
      return;
    } catch (error) {
      const problem: Problem = problemOf(error);
      if (!outcomeUnknown(problem)) {
        yield put(orders.refused({ id, change, problem, at: now() }));
        return;
      }
      yield put(orders.outcomeUnknown(id));
      yield race({ waited: delay(backoff(attempt + 1, random())), live: take(feed.received.type) });
      const pending: Pending | undefined = yield select((s: RootState) => s.orders.pending[id]);
      if (!pending) return; // The stream has told.
      yield delay(backoff(attempt + 1, random()));
    }
  }
}

function submit(venue: Venue, id: string, change: Change): Promise<OrderAnswer | undefined> {
  switch (change.kind) {
    case 'place': {
      const { expireTime, seenBookVersion, maxBookMoves, ...order } = change.order;
      return venue.orders
        .placeOrder(
          {
            clientOrderId: id,
            ...order,
            ...(expireTime === undefined ? {} : { expireTime: { seconds: BigInt(Math.floor(expireTime / 1000)), nanos: (expireTime % 1000) * 1_000_000 } }),
            ...(seenBookVersion === undefined ? {} : { seenBookVersion: BigInt(seenBookVersion), maxBookMoves: BigInt(maxBookMoves ?? 0) }),
          },
          deadlines.write,
        )
        .then((reply) => reply.answer);
    }
    case 'replace':
      return venue.orders
        .replaceOrder({ clientOrderId: id, orderId: change.orderId, account: change.account, price: change.price, quantity: change.quantity }, deadlines.write)
        .then((reply) => reply.answer);
    case 'cancel':
      return venue.orders.cancelOrder({ clientOrderId: id, orderId: change.orderId, account: change.account }, deadlines.write).then((reply) => reply.answer);
  }
}

function* cancelAll({ venue, now, random, newId }: OrdersContext, { payload }: ReturnType<typeof orders.cancelAll>): SagaIterator<void> {
  const id = newId();
  for (let attempt = 0; ; attempt++) {
    try {
      yield call(
        venue.orders.massCancelOrders,
        { requestId: id, account: payload.account, symbol: payload.symbol ?? '', side: payload.side ?? 0 },
        deadlines.write,
      );
      return;
    } catch (error) {
      const problem: Problem = problemOf(error);
      if (!outcomeUnknown(problem)) {
        yield put(orders.refused({ id, change: undefined, problem, at: now() }));
        return;
      }
      yield delay(backoff(attempt + 1, random()));
    }
  }
}

/** What happened before the stream began is in history: the newest page of it is enough for a screen. */
function* loadHistory({ venue }: OrdersContext): SagaIterator<void> {
  for (;;) {
    const { payload }: ReturnType<typeof feed.received> = yield take(feed.received.type);
    if (!payload.items.some((item) => item.type === 'snapshotEnd')) continue;
    try {
      const reply: Awaited<ReturnType<Venue['orders']['listExecutions']>> = yield call(venue.orders.listExecutions, { pageSize: 500 }, deadlines.read);
      yield put(orders.historyLoaded(reply.executions.map((execution) => plain(execution))));
    } catch {
      // The blotter then begins with what the stream tells.
    }
  }
}
