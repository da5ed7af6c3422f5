// Loads what the stream does not contain: the trades of an instrument from before it began.
import type { SagaIterator } from 'redux-saga';
import { call, delay, put, race, select, take } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import type { Venue } from '../../venue/venue';
import { selectTradable } from '../feed/selectors';
import { feed } from '../feed/slice';
import { selection } from './selection';
import { market, printsKept } from './slice';

/** How long to wait after a failure before trying again, ms. */
const againMs = 5_000;

/** The chosen instrument, while its earlier prints are missing and the stream is current. */
function selectWanted(state: RootState): string | undefined {
  const { symbol } = state.selection;
  return symbol !== '' && !state.market.printsLoaded[symbol] && selectTradable(state) ? symbol : undefined;
}

/** Loads the prints of every instrument when it is first chosen, and again after a snapshot. */
export function* marketSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  for (;;) {
    const symbol: string | undefined = yield select(selectWanted);
    if (symbol === undefined) {
      yield take([feed.received.type, selection.chosen.type]);
      continue;
    }
    const waitFor: string = yield select((s: RootState) => s.feed.cursor);
    try {
      // History answers once it contains all that the stream has delivered, so that there is no gap.
      const reply: Awaited<ReturnType<Venue['market']['listTrades']>> = yield call(venue.market.listTrades, { symbol, pageSize: printsKept, waitFor });
      yield put(market.printsLoaded({ symbol, prints: reply.trades.map((trade) => plain(trade)) }));
    } catch {
      // Prints of the stream are shown meanwhile.
      yield race({ waited: delay(againMs), chosen: take(selection.chosen.type) });
    }
  }
}
