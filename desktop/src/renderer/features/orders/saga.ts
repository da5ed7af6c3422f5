// Sends the user's requests, each carried out at most once however often it is sent, and finds
// out the outcome when no answer arrives.
import type { SagaIterator } from 'redux-saga';
import { call, delay, fork, put, race, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { outcomeUnknown, type Problem, problemOf } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { backoff } from '../feed/backoff';
import { hasReached } from '../feed/cursor';
import { selectTradable } from '../feed/selectors';
import { feed } from '../feed/slice';
import { selectAwaited } from '../market/selectors';
import { session } from '../session/slice';
import { keepHistory } from './history';
import { type Reply, submit, submitWithdrawn } from './requests';
import { bookAwaited, type Change, notEntered, notLive, type Order, orders, type Pending, problemOfReason } from './slice';
import { OrderStatus } from '../../../gen/todoku/v1/types_pb';

export interface OrdersContext {
  venue: Venue;
  now: () => number;
  random: () => number;
  newId: () => string;
}

export function* ordersSaga(context: OrdersContext): SagaIterator<void> {
  yield fork(keepHistory, context.venue, 'executions');
  yield fork(keepHistory, context.venue, 'done');
  yield takeEvery(orders.cancelAll.type, cancelAll, context);
  yield takeEvery(orders.requested.type, send, context);
}

/**
 * How long after the user's click an order may still be entered, ms. After that the market is
 * no longer the one that the user decided on.
 */
export const resendMs = 10_000;

/**
 * Sends one request, if the screen is current, until the venue has answered. Because the client
 * order id is the same, every further attempt only asks for the outcome and enters no second
 * order. An old request is not sent again; only its outcome is asked for.
 */
function* send(context: OrdersContext, { payload }: ReturnType<typeof orders.requested>): SagaIterator<void> {
  const { id, change } = payload;
  const reason: string | undefined = yield select(outOfDate, change);
  if (reason !== undefined) {
    yield put(orders.refused({ id, change, problem: { reason, text: '', field: '' }, at: context.now() }));
    return;
  }
  for (let attempt = 0; ; attempt++) {
    try {
      const old = attempt > 0 && context.now() - payload.sentAt > resendMs;
      // A late cancel is harmless.
      if (old && (change.kind === 'place' || change.kind === 'replace')) yield call(recall, context, payload);
      else {
        const reply: Reply = yield call(submit, context.venue, id, change);
        yield call(conclude, context, payload, reply);
      }
      return;
    } catch (error) {
      const problem: Problem = problemOf(error);
      if (problem.reason === 'TOKEN_EXPIRED') {
        yield put(session.refreshWanted());
        yield race({ refreshed: take(session.refreshed.type), waited: delay(refreshMs) });
        continue;
      }
      if (!outcomeUnknown(problem)) {
        const pending: Pending | undefined = yield select(pendingOf, id);
        if (pending) yield put(orders.refused({ id, change, problem, at: context.now() }));
        return;
      }
      yield put(orders.outcomeUnknown(id));
      const { delivered }: { delivered?: true } = yield race({ delivered: call(untilDelivered, id), waited: delay(backoff(attempt + 1, context.random())) });
      if (delivered) return;
    }
  }
}

/** Why the screen that the user decided on is not current; undefined if it is. */
function outOfDate(state: RootState, change: Change): string | undefined {
  // Also a mass cancel: it would cancel orders that this screen has not shown.
  if (!selectTradable(state)) return notLive;
  // Orders and replaces depend on the book. A cancel depends on the order only, which is current by now.
  if (change.kind === 'place' && selectAwaited(state, change.order.symbol)) return bookAwaited;
  if (change.kind === 'replace' && selectAwaited(state, change.symbol)) return bookAwaited;
  return undefined;
}

const refreshMs = 5_000;

const pendingOf = (state: RootState, id: string): Pending | undefined => state.orders.pending[id];

/** Waits until the stream has delivered the outcome of a request. */
function* untilDelivered(id: string): SagaIterator<true> {
  for (;;) {
    const pending: Pending | undefined = yield select(pendingOf, id);
    if (!pending) return true;
    yield take(feed.received.type);
  }
}

/** The venue has answered: a refusal is shown at once, an acceptance when the stream has it too. */
function* conclude(context: OrdersContext, { id, change }: Pending, reply: Reply): SagaIterator<void> {
  const pending: Pending | undefined = yield select(pendingOf, id);
  if (!pending) return; // The stream was faster.
  if (reply.refusal) {
    yield put(orders.refused({ id, change, problem: { ...problemOfReason(reply.refusal, pending), field: reply.field }, at: context.now() }));
    return;
  }
  yield put(orders.taken(id));
  for (;;) {
    const state: RootState = yield select();
    if (!state.orders.pending[id]) return;
    if (hasReached(state.feed.cursor, reply.cursor)) break;
    yield take(feed.received.type);
  }
  // The stream is past the answer without a report of it: it began with a later snapshot.
  const order: Order | undefined = change.kind === 'place' || change.kind === 'replace' ? yield call(lookUp, context, id, change, reply.cursor) : undefined;
  yield put(orders.settled({ id, ...(order ? { order } : {}) }));
}

/** The order at the cursor or later; undefined if the venue does not answer. */
function* lookUp({ venue }: OrdersContext, id: string, change: Change, waitFor: string): SagaIterator<Order | undefined> {
  try {
    return yield call(find, venue, id, change, waitFor);
  } catch {
    return undefined; // The blotter shows the order itself; this would only be sooner.
  }
}

async function find(venue: Venue, id: string, change: Change, waitFor: string): Promise<Order | undefined> {
  const account = change.kind === 'place' ? change.order.account : change.account;
  const reply = await venue.orders.getOrder({ account, clientOrderId: id, waitFor });
  return reply.order && plain(reply.order);
}

/**
 * Finds out whether an old request was carried out. If not, its id is used for a request that
 * the venue always refuses, so that a copy still on its way can never be carried out.
 */
function* recall(context: OrdersContext, payload: Pending): SagaIterator<void> {
  const { id, change } = payload;
  const held: string = yield select((s: RootState) => s.feed.cursor);
  try {
    const order: Order | undefined = yield call(find, context.venue, id, change, held);
    const pending: Pending | undefined = yield select(pendingOf, id);
    // The rejected order is either an earlier attempt to use up the id, or the order itself, whose reason the stream has.
    const reason = pending?.withdrawn ? notEntered : '';
    if (order?.status === OrderStatus.REJECTED) yield put(orders.refused({ id, change, problem: { reason, text: '', field: '' }, at: context.now() }));
    else yield put(orders.settled({ id, ...(order ? { order } : {}) }));
    return;
  } catch (error) {
    if (problemOf(error).reason !== 'UNKNOWN_ORDER') throw error;
  }
  yield put(orders.withdrawing(id));
  try {
    const reply: Reply = yield call(submitWithdrawn, context.venue, id, change);
    yield call(conclude, context, payload, reply);
  } catch (error) {
    const problem = problemOf(error);
    // It was carried out between the two calls: the first call finds it now.
    if (problem.reason === 'REQUEST_REUSED') yield call(recall, context, payload);
    else if (outcomeUnknown(problem) || problem.reason === 'TOKEN_EXPIRED') throw error;
    else yield put(orders.refused({ id, change, problem: { reason: notEntered, text: '', field: '' }, at: context.now() }));
  }
}

/** A mass cancel is a request like the others. */
function* cancelAll({ now, newId }: OrdersContext, { payload }: ReturnType<typeof orders.cancelAll>): SagaIterator<void> {
  const { account, symbol = '', side = 0 } = payload;
  yield put(orders.requested({ kind: 'cancelAll', account, symbol, side }, newId(), now()));
}
