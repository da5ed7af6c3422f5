// After every snapshot the list of users online is loaded.
import { combineReducers, configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware from 'redux-saga';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Venue } from '../../venue/venue';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { presenceSaga } from './saga';
import { presenceReducer } from './slice';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface ListRequest {
  answer: (...online: string[]) => Promise<unknown>;
  fail: () => Promise<unknown>;
}

function begin() {
  const requests: ListRequest[] = [];
  const listUsers = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
      requests.push({
        answer(...online) {
          resolve({ users: online.map((displayName) => ({ displayName, online: true })) });
          return settled();
        },
        fail() {
          reject(new Error('unavailable'));
          return settled();
        },
      });
    });
  const saga = createSagaMiddleware();
  const store = configureStore({
    reducer: combineReducers({ presence: presenceReducer }),
    middleware: (defaults) => defaults({ thunk: false }).concat(saga),
  });
  const task = saga.run(presenceSaga, { venue: { market: { listUsers } } as unknown as Venue });
  const snapshot = () => store.dispatch(feed.received({ items: [{ type: 'snapshotEnd', sequence: 1, index: 0, time: 0, body: {} } satisfies Item], cursor: 'e:1', unknown: 0, at: 0 }));
  return { requests, snapshot, task, online: () => Object.keys(store.getState().presence.online).toSorted() };
}

test('a snapshot during the load of the list loads it again, and the first answer is ignored', async () => {
  const { requests, snapshot, task, online } = begin();
  snapshot();
  snapshot();
  expect(requests).toHaveLength(2);
  await requests[1]!.answer('Bob');
  await requests[0]!.answer('Alice');
  expect(online()).toEqual(['Bob']);
  task.cancel();
});

test('a list that fails to load is requested again until it arrives', async () => {
  const { requests, snapshot, task, online } = begin();
  snapshot();
  await requests[0]!.fail();
  expect(requests).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(requests).toHaveLength(2);
  await requests[1]!.answer('Alice');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(2);
  expect(online()).toEqual(['Alice']);
  task.cancel();
});
