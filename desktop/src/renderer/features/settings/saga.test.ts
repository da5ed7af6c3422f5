// What a change of the connection settings does to the session.
import { combineReducers, configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware from 'redux-saga';
import { expect, test, vi } from 'vitest';
import type { ShellSettings } from '../../../shared/bridge';
import type { Venue } from '../../venue/venue';
import { session, sessionReducer } from '../session/slice';
import { upstreamSaga } from './saga';
import { upstream, upstreamReducer } from './upstream';

const stored: ShellSettings = { endpoint: '127.0.0.1:7443', tls: false, caFile: '', certFile: '', keyFile: '', keepalive: { timeMs: 20_000, timeoutMs: 10_000, permitWithoutStream: true } };

async function begin() {
  const saga = createSagaMiddleware();
  const store = configureStore({
    reducer: combineReducers({ session: sessionReducer, upstream: upstreamReducer }),
    middleware: (defaults) => defaults({ thunk: false }).concat(saga),
  });
  const settings = { get: () => Promise.resolve(stored), set: (value: ShellSettings) => Promise.resolve(value.endpoint === '' ? { refused: { reason: 'ENDPOINT', field: 'endpoint' } } : value.tls ? { signedOut: true } : {}) };
  const venue = { shell: { settings, onConnectivity: () => () => undefined } } as unknown as Venue;
  const task = saga.run(upstreamSaga, { venue });
  store.dispatch(session.signedIn({ connectionId: 'c', accessExpires: 1 }));
  await vi.waitFor(() => expect(store.getState().upstream.settings).toEqual(stored), 4_000);
  const save = async (change: Partial<ShellSettings>): Promise<void> => {
    store.dispatch(upstream.save({ ...stored, ...change }));
    await vi.waitFor(() => expect(store.getState().upstream.status).not.toBe('saving'), 4_000);
  };
  return { save, task, status: () => store.getState().session.status };
}

test('settings for which main forgets the session sign out; others, or a refusal, do not', async () => {
  const { save, status, task } = await begin();
  await save({ keepalive: { timeMs: 0, timeoutMs: 1_000, permitWithoutStream: false } });
  await save({ endpoint: '' });
  expect(status()).toBe('signedIn');
  await save({ tls: true });
  expect(status()).toBe('signedOut');
  task.cancel();
});
