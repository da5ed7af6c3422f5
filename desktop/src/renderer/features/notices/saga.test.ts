// Tones and system notifications: one for notices that come together, and only where switched on.
import { combineReducers, configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware from 'redux-saga';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Hello_Start } from '../../../gen/todoku/v1/notification_pb';
import type { RootState } from '../../app/store';
import type { Venue } from '../../venue/venue';
import type { Item } from '../feed/items';
import { feed, feedReducer } from '../feed/slice';
import { settings, settingsReducer } from '../settings/slice';
import type { Notice } from './notice';
import { noticesSaga } from './saga';
import { notices, noticesReducer } from './slice';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begin({ watched = false } = {}) {
  const tones: string[] = [];
  const shown: string[][] = [];
  const saga = createSagaMiddleware();
  const store = configureStore({
    reducer: combineReducers({ feed: feedReducer, notices: noticesReducer, settings: settingsReducer }),
    middleware: (defaults) => defaults({ thunk: false }).concat(saga),
  });
  const venue = { shell: { notify: (...words: string[]) => shown.push(words) } } as unknown as Venue;
  const task = saga.run(noticesSaga, { venue, now: () => 7, chime: (level) => tones.push(level), watched: () => watched });
  const state = (): Pick<RootState, 'notices'> => store.getState() as never;
  return { store, tones, shown, task, state };
}

const notice = (id: string, level: Notice['level'] = 'good'): Notice => ({ id, group: 'fill', level, at: 1, text: 'notice.fill', values: { quantity: '1', symbol: 'X', price: '2' }, words: { did: 'notice.bought' } });

test('sound and system notifications are off until the user switches them on', async () => {
  const { store, tones, shown, task } = begin();
  store.dispatch(notices.noted(notice('a')));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([tones, shown]).toEqual([[], []]);
  task.cancel();
});

test('notices that come together have one tone, that of the most urgent, and one notification', async () => {
  const { store, tones, shown, task } = begin();
  store.dispatch(settings.changed({ sound: true, systemNotices: true }));
  for (let n = 0; n < 30; n++) store.dispatch(notices.noted(notice(String(n), n === 3 ? 'warning' : 'good')));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(tones).toEqual(['warning']);
  expect(shown).toEqual([['Fill', 'Bought 1 X at 2 And 29 more.']]);
  store.dispatch(notices.noted(notice('later')));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(tones).toEqual(['warning', 'good']);
  task.cancel();
});

test('a window in front shows no system notification', async () => {
  const { store, shown, task } = begin({ watched: true });
  store.dispatch(settings.changed({ systemNotices: true }));
  store.dispatch(notices.noted(notice('a')));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(shown).toEqual([]);
  task.cancel();
});

const hello = (headSequence: number): Item =>
  ({ type: 'hello', sequence: 5, index: 0, time: 0, body: { epoch: 'e', headSequence, start: Hello_Start.REPLAY, serverVersion: '', supersededAnother: false } }) as unknown as Item;
const missed = (sequence: number): Item => ({ type: 'userPresence', sequence, index: 0, time: 1, body: { displayName: 'Bob', online: true } });

test('a resume shows how many messages were replayed, after the last one', () => {
  const { store, state, task } = begin();
  store.dispatch(feed.connecting());
  store.dispatch(feed.received({ items: [hello(9), missed(8)], cursor: 'e:8', unknown: 0, at: 1 }));
  expect(state().notices.history.some(({ group }) => group === 'stream')).toBe(false);
  store.dispatch(feed.received({ items: [missed(9)], cursor: 'e:9', unknown: 0, at: 2 }));
  expect(state().notices.history[0]).toMatchObject({ group: 'stream', text: 'feed.replayed.other', values: { n: 2 } });
  task.cancel();
});

test('a resume in a single frame is one notice; a resume without messages is none', () => {
  const { store, state, task } = begin();
  const resumes = (): object[] => state().notices.history.filter(({ group }) => group === 'stream').map(({ values }) => values);
  store.dispatch(feed.connecting());
  store.dispatch(feed.received({ items: [hello(9), missed(8), missed(9)], cursor: 'e:9', unknown: 0, at: 1 }));
  store.dispatch(feed.received({ items: [missed(10)], cursor: 'e:10', unknown: 0, at: 2 }));
  expect(resumes()).toEqual([{ n: 2 }]);
  store.dispatch(feed.connecting());
  store.dispatch(feed.received({ items: [hello(10)], cursor: 'e:10', unknown: 0, at: 3 }));
  expect(resumes()).toEqual([{ n: 2 }]);
  // A stream that replaces a live one is not a resume.
  store.dispatch(feed.received({ items: [hello(11), missed(11)], cursor: 'e:11', unknown: 0, at: 4 }));
  expect(resumes()).toEqual([{ n: 2 }]);
  task.cancel();
});

test('a takeover and a differing digest are notices', () => {
  const { store, state, task } = begin();
  store.dispatch(feed.superseded());
  store.dispatch(feed.diverged(['A']));
  expect(state().notices.history.map(({ text }) => text)).toEqual(['notice.diverged', 'notice.superseded']);
  task.cancel();
});
