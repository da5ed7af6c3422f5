// The root saga: runs the session, and while a user is signed in the stream and all features
// that depend on it.
import type { SagaIterator } from 'redux-saga';
import { call, fork } from 'redux-saga/effects';
import { chartSaga } from '../features/chart/saga';
import { adminSaga } from '../features/admin/saga';
import { type FeedContext, followFeed } from '../features/feed/saga';
import { type NoticesContext, noticesSaga } from '../features/notices/saga';
import { marketSaga } from '../features/market/saga';
import { ordersSaga, type OrdersContext } from '../features/orders/saga';
import { presenceSaga } from '../features/presence/saga';
import { type SessionContext, sessions } from '../features/session/saga';
import { accountSaga, upstreamSaga } from '../features/settings/saga';
import { ticketSaga } from '../features/ticket/saga';

export type AppContext = FeedContext & SessionContext & OrdersContext & NoticesContext;

export function rootSaga(context: AppContext) {
  return function* root(): SagaIterator<void> {
    yield fork(upstreamSaga, context);
    yield call(sessions, context, function* life(): SagaIterator<void> {
      yield fork(marketSaga, context);
      yield fork(chartSaga, context);
      yield fork(ordersSaga, context);
      yield fork(ticketSaga, context.now);
      yield fork(noticesSaga, context);
      yield fork(presenceSaga, context);
      yield fork(accountSaga, context);
      yield fork(adminSaga, context);
      yield fork(followFeed, context);
    });
  };
}
