// The market as the stream tells it: instruments, books, best prices, prints.
import { createSlice } from '@reduxjs/toolkit';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { compare, decimal, digitsOf, stepsOf } from '../../../shared/decimal';
import type { Item, ItemBody } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';

export type Instrument = ItemBody['instrumentUpdate'];
export type Print = ItemBody['tradePrint'];

export interface Level {
  price: string;
  /** The price in ticks: where it stands on a ladder. */
  ticks: number;
  quantity: string;
  orders: number;
}

export interface Book {
  /** Best first, on both sides. */
  bids: Level[];
  offers: Level[];
  /** Counts the moves of the best prices; orders may say which they were decided on. */
  version: number;
  /** Changes with every update, so that views know. */
  sequence: number;
}

export interface Quote {
  bid: ItemBody['bestBidOffer']['bid'];
  offer: ItemBody['bestBidOffer']['offer'];
  last: string;
  /** Of the last trade against the one before. */
  direction: -1 | 0 | 1;
}

export interface MarketState {
  /** By symbol. */
  instruments: Record<string, Instrument>;
  books: Record<string, Book>;
  quotes: Record<string, Quote>;
  /** Newest first, by symbol. */
  prints: Record<string, Print[]>;
  /** What a snapshot has told so far; undefined outside of one. */
  incoming: Record<string, Instrument> | undefined;
}

const initial: MarketState = { instruments: {}, books: {}, quotes: {}, prints: {}, incoming: undefined };

/** How many prints are kept of an instrument. */
const printsKept = 200;

const slice = createSlice({
  name: 'market',
  initialState: initial,
  reducers: {},
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => {
        for (const item of payload.items) take(state, item);
      })
      .addCase(session.ended, () => initial),
});

function take(state: MarketState, item: Item): void {
  switch (item.type) {
    case 'snapshotBegin':
      state.incoming = {};
      break;
    case 'snapshotEnd':
      if (state.incoming) state.instruments = state.incoming;
      state.incoming = undefined;
      break;
    case 'instrumentUpdate':
      (state.incoming ?? state.instruments)[item.body.symbol] = item.body;
      break;
    case 'bookBegin':
      state.books[item.body.symbol] = { bids: [], offers: [], version: 0, sequence: item.sequence };
      break;
    case 'bookUpdate': {
      const book = (state.books[item.body.symbol] ??= { bids: [], offers: [], version: 0, sequence: 0 });
      const { level, side } = item.body;
      const tick = decimal(state.instruments[item.body.symbol]?.tickSize ?? '');
      book.version = item.body.bookVersion;
      book.sequence = item.sequence;
      const ticks = level && stepsOf(decimal(level.price), tick);
      if (level === undefined || ticks === undefined) break;
      setLevel(side === Side.BUY ? book.bids : book.offers, { ...level, ticks }, side === Side.BUY ? -1 : 1);
      break;
    }
    case 'bestBidOffer': {
      const { symbol, bid, offer, lastPrice, bookVersion } = item.body;
      const before = state.quotes[symbol];
      state.quotes[symbol] = { bid, offer, last: lastPrice, direction: directionOf(before, lastPrice) };
      const book = state.books[symbol];
      if (book) book.version = bookVersion;
      break;
    }
    case 'tradePrint': {
      const prints = (state.prints[item.body.symbol] ??= []);
      // A correction takes the place of what it corrects.
      const at = prints.findIndex((print) => print.tradeId === item.body.tradeId);
      if (at >= 0) prints[at] = item.body;
      else {
        prints.unshift(item.body);
        if (prints.length > printsKept) prints.pop();
      }
      break;
    }
  }
}

function directionOf(before: Quote | undefined, last: string): -1 | 0 | 1 {
  if (!before || before.last === last) return before?.direction ?? 0;
  if (before.last === '' || last === '') return 0;
  return compare(decimal(last), decimal(before.last)) || before.direction;
}

/** Puts a level where it belongs, or takes it out. order is 1 for rising prices, -1 for falling. */
function setLevel(levels: Level[], level: Level, order: 1 | -1): void {
  let low = 0;
  let high = levels.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((levels[middle]!.ticks - level.ticks) * order < 0) low = middle + 1;
    else high = middle;
  }
  const found = levels[low]?.ticks === level.ticks;
  if (level.quantity === '0') {
    if (found) levels.splice(low, 1);
  } else levels.splice(low, found ? 1 : 0, level);
}

/** Digits after the point in which an instrument's prices are shown. */
export function priceDigits(instrument: Instrument | undefined): number {
  return instrument ? digitsOf(decimal(instrument.tickSize)) : 0;
}

export const marketReducer = slice.reducer;
