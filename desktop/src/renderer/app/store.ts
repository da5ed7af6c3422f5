// The store: plain data, changed at most once a frame by the stream.
import { combineReducers, configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware, { type Saga } from 'redux-saga';
import { feedReducer } from '../features/feed/slice';
import { marketReducer } from '../features/market/slice';
import { selectionReducer } from '../features/market/selection';
import { ordersReducer } from '../features/orders/slice';
import { sessionReducer } from '../features/session/slice';
import { settingsReducer } from '../features/settings/slice';
import { ticketReducer } from '../features/ticket/slice';

const reducer = combineReducers({
  session: sessionReducer,
  feed: feedReducer,
  market: marketReducer,
  selection: selectionReducer,
  orders: ordersReducer,
  settings: settingsReducer,
  ticket: ticketReducer,
});

export type RootState = ReturnType<typeof reducer>;

export function createStore(root: Saga, onError: (error: Error) => void) {
  const saga = createSagaMiddleware({ onError });
  const store = configureStore({
    reducer,
    // The checks walk the whole state at every action: what they would find, the types and
    // the tests of plain() find.
    middleware: (defaults) => defaults({ thunk: false, serializableCheck: false, immutableCheck: false }).concat(saga),
    devTools: false,
  });
  const task = saga.run(root);
  return { store, task };
}

export type AppStore = ReturnType<typeof createStore>['store'];
