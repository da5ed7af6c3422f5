// Asks who is online when a stream begins with a snapshot; afterwards the stream says.
import type { SagaIterator } from 'redux-saga';
import { call, delay, put, race, take } from 'redux-saga/effects';
import { plain } from '../../venue/plain';
import { deadlines, type Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { presence } from './slice';

const retryMs = 5_000;

export function* presenceSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  yield call(untilSnapshot);
  for (;;) {
    yield put(presence.asked());
    let listed = true;
    try {
      const reply: Awaited<ReturnType<Venue['market']['listUsers']>> = yield call(venue.market.listUsers, {}, deadlines.read);
      yield put(presence.listed(reply.users.map((user) => plain(user))));
    } catch {
      listed = false; // Until then the list has those of whom the stream told.
    }
    yield listed ? call(untilSnapshot) : race({ waited: delay(retryMs), again: call(untilSnapshot) });
  }
}

function* untilSnapshot(): SagaIterator<void> {
  for (;;) {
    const { payload }: ReturnType<typeof feed.received> = yield take(feed.received.type);
    if (payload.items.some((item) => item.type === 'snapshotEnd')) return;
  }
}
