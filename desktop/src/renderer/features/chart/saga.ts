// Loads the trades that a chart draws, page by page, newest first.
import type { SagaIterator } from 'redux-saga';
import { call, delay, put, race, select, take } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { problemOf } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { selectTradable } from '../feed/selectors';
import { feed } from '../feed/slice';
import { selection } from '../market/selection';
import { chart, tradesKept } from './slice';

const pageSize = 1_000;
/** How long to wait after a failure before trying again, ms. */
const againMs = 5_000;

/** The instrument whose trades an open chart has not loaded yet. */
function selectWanted(state: RootState): string | undefined {
  const { open, symbol, loaded } = state.chart;
  const wanted = state.selection.symbol;
  return open > 0 && wanted !== '' && !(loaded && symbol === wanted) && selectTradable(state) ? wanted : undefined;
}

export function* chartSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  for (;;) {
    const symbol: string | undefined = yield select(selectWanted);
    if (symbol === undefined) yield take([feed.received.type, selection.chosen.type, chart.opened.type]);
    else {
      // Choosing another instrument, or closing the chart, ends this loading.
      const { failed }: { failed?: boolean } = yield race({ failed: call(load, venue, symbol), other: take([selection.chosen.type, chart.closed.type]) });
      if (failed) yield race({ waited: delay(againMs), other: take([selection.chosen.type, chart.closed.type]) });
    }
  }
}

/** Returns whether it failed. */
function* load(venue: Venue, symbol: string): SagaIterator<boolean> {
  yield put(chart.began(symbol));
  // The stream delivers what is after this cursor, history has what is before.
  const waitFor: string = yield select((s: RootState) => s.feed.cursor);
  try {
    for (let pageToken = '', left = tradesKept / pageSize; left > 0; left--) {
      const page: Awaited<ReturnType<Venue['market']['listTrades']>> = yield call(venue.market.listTrades, { symbol, pageSize, pageToken, waitFor });
      pageToken = page.nextPageToken;
      const end = pageToken === '' || left === 1;
      yield put(chart.loaded({ symbol, trades: page.trades.map((trade) => plain(trade)), end }));
      if (end) return false;
    }
    return false;
  } catch (error) {
    yield put(chart.failed(problemOf(error)));
    return true;
  }
}
