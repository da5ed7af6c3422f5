// The trades that the chart draws: of one instrument, while a chart is open. Without immer,
// which would walk thousands of trades for each print.
import { createAction, type UnknownAction } from '@reduxjs/toolkit';
import type { Problem } from '../../venue/problem';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { selection } from '../market/selection';
import type { Print } from '../market/slice';
import { session } from '../session/slice';
import { type Candle, extended, fold, type Interval } from './candles';

export interface ChartState {
  /** How many charts are open; without one nothing is kept. */
  open: number;
  interval: Interval;
  /** The instrument of these trades; the chosen one once any of its trades has arrived. */
  symbol: string;
  /** Oldest first. */
  trades: Print[];
  candles: Candle[];
  /** Loading is complete. */
  loaded: boolean;
  problem: Problem | undefined;
}

const initial: ChartState = { open: 0, interval: '1m', symbol: '', trades: [], candles: [], loaded: false, problem: undefined };

/** How many trades a chart draws, the newest. */
export const tradesKept = 10_000;

export const chart = {
  opened: createAction('chart/opened'),
  closed: createAction('chart/closed'),
  choseInterval: createAction<Interval>('chart/choseInterval'),
  /** The trades of another instrument are being loaded. */
  began: createAction<string>('chart/began'),
  /** A page of older trades, newest first as the venue gives them. */
  loaded: createAction<{ symbol: string; trades: Print[]; end: boolean }>('chart/loaded'),
  failed: createAction<Problem>('chart/failed'),
};

export function chartReducer(state: ChartState = initial, action: UnknownAction): ChartState {
  if (feed.received.match(action)) return state.open === 0 ? state : afterFrame(state, action.payload.items);
  if (chart.opened.match(action)) return { ...state, open: state.open + 1 };
  if (chart.closed.match(action)) return state.open > 1 ? { ...state, open: state.open - 1 } : { ...initial, interval: state.interval };
  if (chart.choseInterval.match(action)) return { ...state, interval: action.payload, candles: fold(state.trades, action.payload) };
  if (chart.began.match(action)) return { ...state, symbol: action.payload, trades: [], candles: [], loaded: false, problem: undefined };
  if (chart.loaded.match(action)) {
    const { symbol, trades, end } = action.payload;
    return symbol === state.symbol ? withTrades({ ...state, loaded: end, problem: undefined }, joined(trades.toReversed(), state.trades)) : state;
  }
  if (chart.failed.match(action)) return { ...state, problem: action.payload };
  if (selection.chosen.match(action)) return state.symbol === action.payload ? state : forgotten(state);
  return session.ended.match(action) ? { ...initial, open: state.open, interval: state.interval } : state;
}

function withTrades(state: ChartState, trades: Print[]): ChartState {
  const kept = trades.slice(-tradesKept);
  return { ...state, trades: kept, candles: fold(kept, state.interval) };
}

/** Adds older trades before those held; of a trade in both the held one is kept. */
function joined(older: Print[], live: Print[]): Print[] {
  const known = new Set(live.map(({ tradeId }) => tradeId));
  return [...older.filter(({ tradeId }) => !known.has(tradeId)), ...live];
}

function afterFrame(state: ChartState, items: readonly Item[]): ChartState {
  let after = state;
  for (const item of items) {
    // Trades during the gap before a snapshot are missing, so everything is loaded again.
    if (item.type === 'reset' || item.type === 'snapshotBegin') after = forgotten(after);
    else if (item.type === 'tradePrint' && item.body.symbol === after.symbol) after = withPrint(after, item.body);
  }
  return after;
}

function withPrint(state: ChartState, print: Print): ChartState {
  const { trades, candles, interval } = state;
  const at = trades.findLastIndex(({ tradeId }) => tradeId === print.tradeId);
  // A bust removes its trade from its candle, so the candles are computed again.
  if (at >= 0) return withTrades(state, trades.with(at, print));
  const room = trades.length < 2 * tradesKept ? trades : trades.slice(-tradesKept);
  return { ...state, trades: [...room, print], candles: extended(candles, print, interval) };
}

const forgotten = (state: ChartState): ChartState => ({ ...state, symbol: '', trades: [], candles: [], loaded: false });
