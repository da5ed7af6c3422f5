// The loaded list of users online is combined with the messages of the stream.
import { expect, test } from 'vitest';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { presence, presenceReducer, type PresenceState } from './slice';

const change = (displayName: string, online: boolean, time: number) =>
  feed.received({ items: [{ type: 'userPresence', sequence: 1, index: 0, time, body: { displayName, online } } satisfies Item], cursor: '', unknown: 0, at: time });

const names = (state: PresenceState): string[] => Object.keys(state.online).toSorted();

test('a user who signed out while the list was loading is not on it', () => {
  let state = presenceReducer(undefined, presence.requested());
  state = presenceReducer(state, change('Bob', false, 10));
  state = presenceReducer(state, change('Carol', true, 20));
  state = presenceReducer(state, presence.listed([{ displayName: 'Alice', online: true }, { displayName: 'Bob', online: true }]));
  expect(names(state)).toEqual(['Alice', 'Carol']);
  expect(state.online['Carol']).toBe(20);
});

test('a list replaces the former one and keeps the times', () => {
  let state = presenceReducer(undefined, change('Bob', true, 10));
  state = presenceReducer(state, change('Carol', true, 11));
  state = presenceReducer(presenceReducer(state, presence.requested()), presence.listed([{ displayName: 'Bob', online: true }]));
  expect(state.online).toEqual({ Bob: 10 });
});
