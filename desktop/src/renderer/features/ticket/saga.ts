// Sends the ticket's order, if it is valid, the screen is live and the user has confirmed it.
import type { SagaIterator } from 'redux-saga';
import { put, select, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { request } from '../orders/request';
import { type NewOrder, orders } from '../orders/slice';
import { checksOf, orderNow } from './draft';
import { selectOff } from './selectors';
import { ticket } from './slice';

export function* ticketSaga(now: () => number): SagaIterator<void> {
  yield takeEvery([ticket.send.type, ticket.placeAt.type], send, now);
  yield takeEvery(ticket.confirmed.type, confirmed, now);
}

function* send(now: () => number): SagaIterator<void> {
  const state: RootState = yield select();
  const order = orderNow(state);
  if (!sendable(state, order, now())) yield put(ticket.attempted());
  else if (state.settings.confirmOrders) yield put(ticket.confirm(order));
  else yield* submit(order);
}

/** Checks again after the confirmation, because prices and limits may have changed meanwhile. */
function* confirmed(now: () => number): SagaIterator<void> {
  const state: RootState = yield select();
  const order = state.ticket.confirming;
  if (!order) return;
  if (sendable(state, order, now())) yield* submit(order);
  else {
    yield put(ticket.dismissed());
    yield put(ticket.attempted());
  }
}

function sendable(state: RootState, order: NewOrder, now: number): boolean {
  return selectOff(state, order.symbol) === undefined && checksOf(state, order, now).length === 0;
}

function* submit(order: NewOrder): SagaIterator<void> {
  const requested: ReturnType<typeof orders.requested> = request({ kind: 'place', order });
  yield put(requested);
  yield put(ticket.sent(requested.payload.id));
}
