// History is loaded when the stream has begun, and again after a failure.
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { combineReducers, configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware from 'redux-saga';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OrderService } from '../../../gen/todoku/v1/order_pb';
import { ExecType } from '../../../gen/todoku/v1/types_pb';
import type { Shell } from '../../venue/shell';
import { createVenue } from '../../venue/venue';
import type { Item } from '../feed/items';
import { feed, feedReducer } from '../feed/slice';
import { sessionReducer } from '../session/slice';
import { keepHistory } from './history';
import { orders, ordersReducer } from './slice';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const item = (type: Item['type'], body: unknown): Item => ({ type, sequence: 0, index: 0, time: 0, body }) as Item;

test('a page that failed is loaded again, older ones are loaded when the user wants them, each row is there once', async () => {
  const requests: { pageToken: string; waitFor: string }[] = [];
  let failures = 2;
  const transport = createRouterTransport(({ service }) => {
    service(OrderService, {
      listExecutions: ({ pageToken, waitFor }) => {
        requests.push({ pageToken, waitFor });
        if (failures-- > 0) throw new ConnectError('unavailable', Code.Unavailable);
        const from = pageToken === '' ? 500 : Number(pageToken);
        return {
          executions: Array.from({ length: Math.min(200, from) }, (_, n) => ({ executionId: `${from - n}-0`, execType: ExecType.NEW })),
          nextPageToken: from > 200 ? String(from - 200) : '',
        };
      },
    });
  });
  const saga = createSagaMiddleware();
  const store = configureStore({ reducer: combineReducers({ orders: ordersReducer, feed: feedReducer, session: sessionReducer }), middleware: (defaults) => defaults({ thunk: false, serializableCheck: false, immutableCheck: false }).concat(saga) });
  const task = saga.run(keepHistory, createVenue({ kind: 'web', transport } as Shell), 'executions');
  const held = () => store.getState().orders;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toEqual([]);

  store.dispatch(feed.received({ items: [item('hello', { user: { user: 'alice', accounts: ['alice'], roles: [] } }), item('snapshotBegin', {}), item('snapshotEnd', {})], cursor: 'e:500', unknown: 0, at: 1 }));
  await vi.advanceTimersByTimeAsync(100);
  expect(held().history.executions).toBe('failed');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(held().executions).toHaveLength(200);
  expect(held().history.executions).toBe('more');
  // History includes what the stream has reported.
  expect(requests.every(({ pageToken, waitFor }) => waitFor === (pageToken === '' ? 'e:500' : ''))).toBe(true);

  for (const rows of [400, 500]) {
    store.dispatch(orders.olderWanted('executions'));
    expect(held().history.executions).toBe('loading');
    await vi.advanceTimersByTimeAsync(100);
    expect(held().executions).toHaveLength(rows);
  }
  expect(held().history.executions).toBe('end');
  expect(new Set(held().executions.map(({ executionId }) => executionId)).size).toBe(500);
  task.cancel();
});
