// The store: plain data, changed at most once a frame by the stream.
import { combineReducers, configureStore, type Middleware } from '@reduxjs/toolkit';
import createSagaMiddleware, { type Saga } from 'redux-saga';
import { adminReducer } from '../features/admin/slice';
import { activityReducer } from '../features/blotters/activity';
import { cancelAllReducer } from '../features/cancelAll/slice';
import { chartReducer } from '../features/chart/slice';
import { feedReducer } from '../features/feed/slice';
import { keyboardReducer } from '../features/keyboard/slice';
import { marketReducer } from '../features/market/slice';
import { selectionReducer } from '../features/market/selection';
import { noticesReducer } from '../features/notices/slice';
import { ordersReducer } from '../features/orders/slice';
import { presenceReducer } from '../features/presence/slice';
import { sessionReducer } from '../features/session/slice';
import { accountReducer } from '../features/settings/account';
import { settingsReducer } from '../features/settings/slice';
import { upstreamReducer } from '../features/settings/upstream';
import { ticketReducer } from '../features/ticket/slice';

const reducer = combineReducers({
  activity: activityReducer,
  cancelAll: cancelAllReducer,
  session: sessionReducer,
  feed: feedReducer,
  keyboard: keyboardReducer,
  market: marketReducer,
  chart: chartReducer,
  selection: selectionReducer,
  orders: ordersReducer,
  notices: noticesReducer,
  presence: presenceReducer,
  settings: settingsReducer,
  upstream: upstreamReducer,
  account: accountReducer,
  ticket: ticketReducer,
  admin: adminReducer,
});

/** The name of each action's mark, for profilers and performance observers. */
export const dispatchMark = 'todoku: dispatch';

/** Marks every action in the browser's timeline. Marks are cleared at once, so that they take no memory. */
const marks: Middleware = () => (next) => (action) => {
  performance.mark(dispatchMark, { detail: (action as { type: string }).type });
  performance.clearMarks(dispatchMark);
  return next(action);
};

export type RootState = ReturnType<typeof reducer>;

export function createStore(root: Saga, onError: (error: Error) => void) {
  const saga = createSagaMiddleware({ onError });
  const store = configureStore({
    reducer,
    // Off, because the checks walk the whole state at every action. Types and the tests of
    // plain() find the same mistakes.
    middleware: (defaults) => defaults({ thunk: false, serializableCheck: false, immutableCheck: false }).concat(marks, saga),
    devTools: false,
  });
  const task = saga.run(root);
  return { store, task };
}

export type AppStore = ReturnType<typeof createStore>['store'];
