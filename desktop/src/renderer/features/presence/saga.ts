// Loads who is online when a stream begins with a snapshot; afterwards the stream sends changes.
import type { Action } from '@reduxjs/toolkit';
import type { SagaIterator } from 'redux-saga';
import { call, delay, put, takeLatest } from 'redux-saga/effects';
import { plain } from '../../venue/plain';
import type { Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { presence } from './slice';

const retryMs = 5_000;

const snapshot = (action: Action): boolean => feed.received.match(action) && action.payload.items.some((item) => item.type === 'snapshotEnd');

export function* presenceSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  // An answer from before a snapshot misses changes in the gap before that snapshot.
  yield takeLatest(snapshot, loadList, venue);
}

/** Tries until there is an answer. */
function* loadList(venue: Venue): SagaIterator<void> {
  for (;;) {
    yield put(presence.requested());
    try {
      const reply: Awaited<ReturnType<Venue['market']['listUsers']>> = yield call(venue.market.listUsers, {});
      yield put(presence.listed(reply.users.map((user) => plain(user))));
      return;
    } catch {
      yield delay(retryMs); // Until then the list has only users whose presence the stream sent.
    }
  }
}
