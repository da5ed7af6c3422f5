// Sends what the user asks for, once however often it has to be asked, and finds out what
// became of it when no answer comes.
import type { SagaIterator } from 'redux-saga';
import { call, delay, fork, put, race, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { outcomeUnknown, type Problem, problemOf } from '../../venue/problem';
import { deadlines, type Venue } from '../../venue/venue';
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
 * How long after the user asked an order may still be entered, ms. Whoever has waited longer
 * for an answer has looked at another market since.
 */
export const resendMs = 10_000;

/**
 * Sends one request, if what the user sees is current, until the venue has said what became of it. The same client order id
 * makes every further attempt a question, not a second order; once it is old it is only a
 * question.
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
      // To cancel late does no harm.
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
      const { told }: { told?: true } = yield race({ told: call(untilTold, id), waited: delay(backoff(attempt + 1, context.random())) });
      if (told) return;
    }
  }
}

/** Why what the user decided on is not current, whichever way it was asked for; undefined when it is. */
function outOfDate(state: RootState, change: Change): string | undefined {
  // A cancel too: late it would meet orders that nobody here has seen.
  if (!selectTradable(state)) return notLive;
  // Prices are decided on by the book. What a cancel is decided on, the stream has told by now.
  if (change.kind === 'place' && selectAwaited(state, change.order.symbol)) return bookAwaited;
  if (change.kind === 'replace' && selectAwaited(state, change.symbol)) return bookAwaited;
  return undefined;
}

const refreshMs = 5_000;

const pendingOf = (state: RootState, id: string): Pending | undefined => state.orders.pending[id];

/** Waits until the stream has said what became of a request. */
function* untilTold(id: string): SagaIterator<true> {
  for (;;) {
    const pending: Pending | undefined = yield select(pendingOf, id);
    if (!pending) return true;
    yield take(feed.received.type);
  }
}

/** The venue has answered: a no is told at once, a yes when the stream has it too. */
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
  // The stream is past the answer and has not told: it began with a snapshot after it.
  const order: Order | undefined = change.kind === 'place' || change.kind === 'replace' ? yield call(lookUp, context, id, change, reply.cursor) : undefined;
  yield put(orders.settled({ id, ...(order ? { order } : {}) }));
}

/** The order as it stands at the cursor or later; undefined when nobody can say now. */
function* lookUp({ venue }: OrdersContext, id: string, change: Change, waitFor: string): SagaIterator<Order | undefined> {
  try {
    return yield call(find, venue, id, change, waitFor);
  } catch {
    return undefined; // The order itself is shown by its blotter; this was to say so sooner.
  }
}

async function find(venue: Venue, id: string, change: Change, waitFor: string): Promise<Order | undefined> {
  const account = change.kind === 'place' ? change.order.account : change.account;
  const reply = await venue.orders.getOrder({ account, clientOrderId: id, waitFor }, deadlines.read);
  return reply.order && plain(reply.order);
}

/**
 * Finds out whether an old request was carried out. If not, its name is used up with a
 * request that the venue is sure to refuse: what may still be on its way somewhere can then
 * never be carried out.
 */
function* recall(context: OrdersContext, payload: Pending): SagaIterator<void> {
  const { id, change } = payload;
  const held: string = yield select((s: RootState) => s.feed.cursor);
  try {
    const order: Order | undefined = yield call(find, context.venue, id, change, held);
    const pending: Pending | undefined = yield select(pendingOf, id);
    // An earlier try to use up its name is what was rejected; or it was, and the stream has why.
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
    // It was carried out between the two questions: the first one finds it now.
    if (problem.reason === 'REQUEST_REUSED') yield call(recall, context, payload);
    else if (outcomeUnknown(problem) || problem.reason === 'TOKEN_EXPIRED') throw error;
    else yield put(orders.refused({ id, change, problem: { reason: notEntered, text: '', field: '' }, at: context.now() }));
  }
}

/** Cancelling many is a request like the others. */
function* cancelAll({ now, newId }: OrdersContext, { payload }: ReturnType<typeof orders.cancelAll>): SagaIterator<void> {
  const { account, symbol = '', side = 0 } = payload;
  yield put(orders.requested({ kind: 'cancelAll', account, symbol, side }, newId(), now()));
}
