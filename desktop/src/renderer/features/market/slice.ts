// The market as the stream delivers it: instruments, books, best prices, prints.
//
// Written without immer, whose proxies took six times the CPU for a frame of 250 updates
// (docs/performance.md). Each frame copies what it changes once, by hand.
import { createAction, type UnknownAction } from '@reduxjs/toolkit';
import { compare, decimal, digitsOf } from '../../../shared/decimal';
import type { Item, ItemBody } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';
import { type Book, Books, type Level } from './book';

export type { Book, Level };
export type Instrument = ItemBody['instrumentUpdate'];
export type Print = ItemBody['tradePrint'];

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
  /**
   * Symbols whose book and best prices have arrived since the stream was last lost. The venue
   * sends each one whole, some time after the events; until then the one held is old.
   */
  begun: Record<string, true>;
  /** Newest first, by symbol. */
  prints: Record<string, Print[]>;
  /** Symbols whose prints from before the stream began are loaded. */
  printsLoaded: Record<string, true>;
  /** Instruments of a snapshot that is arriving; undefined outside of one. */
  incoming: Record<string, Instrument> | undefined;
}

const initial: MarketState = { instruments: {}, books: {}, quotes: {}, begun: {}, prints: {}, printsLoaded: {}, incoming: undefined };

/** How many prints are kept of an instrument. */
export const printsKept = 200;

export const market = {
  /** Prints from before the stream began, newest first. */
  printsLoaded: createAction<{ symbol: string; prints: Print[] }>('market/printsLoaded'),
};

export function marketReducer(state: MarketState = initial, action: UnknownAction): MarketState {
  if (feed.received.match(action)) return afterFrame(state, action.payload.items);
  // A stream that replaces a live one continues its books.
  if (feed.connecting.match(action)) return { ...state, begun: {} };
  if (market.printsLoaded.match(action)) {
    const { symbol, prints } = action.payload;
    return {
      ...state,
      prints: { ...state.prints, [symbol]: joined(state.prints[symbol] ?? [], prints) },
      printsLoaded: { ...state.printsLoaded, [symbol]: true },
    };
  }
  return session.ended.match(action) ? initial : state;
}

function afterFrame(state: MarketState, items: readonly Item[]): MarketState {
  const books = new Books(state.books);
  // All copies are shallow; maps are copied when first written to.
  const after = { ...state };
  const own = <K extends 'instruments' | 'quotes' | 'begun' | 'prints'>(key: K): MarketState[K] =>
    after[key] === state[key] ? (after[key] = { ...state[key] }) : after[key];
  for (const item of items)
    switch (item.type) {
      case 'reset':
        // The data may belong to another journal, or may be incomplete.
        books.clear();
        Object.assign(after, { quotes: {}, begun: {}, prints: {}, printsLoaded: {} });
        break;
      case 'snapshotBegin':
        after.incoming = {};
        // Trades between the last stream and this snapshot are missing.
        after.printsLoaded = {};
        break;
      case 'snapshotEnd':
        if (after.incoming) after.instruments = { ...after.incoming };
        after.incoming = undefined;
        break;
      case 'instrumentUpdate': {
        const { symbol, tickSize } = item.body;
        const before = after.instruments[symbol];
        if (after.incoming) after.incoming = { ...after.incoming, [symbol]: item.body };
        else own('instruments')[symbol] = item.body;
        // A venue changes the tick size only while the book is empty.
        if (before && before.tickSize !== tickSize) books.begin(symbol, item.sequence);
        break;
      }
      case 'bookBegin':
        books.begin(item.body.symbol, item.sequence);
        own('begun')[item.body.symbol] = true;
        break;
      case 'bookUpdate':
        books.update(item.body, item.sequence, after.instruments[item.body.symbol]?.tickSize ?? '');
        break;
      case 'bestBidOffer': {
        const { symbol, bid, offer, lastPrice, bookVersion } = item.body;
        own('quotes')[symbol] = { bid, offer, last: lastPrice, direction: directionOf(after.quotes[symbol], lastPrice) };
        books.moved(symbol, bookVersion);
        break;
      }
      case 'tradePrint': {
        const { symbol } = item.body;
        own('prints')[symbol] = withPrint(after.prints[symbol] ?? [], item.body);
        break;
      }
    }
  after.books = books.all;
  for (const key in after) if (after[key as keyof MarketState] !== state[key as keyof MarketState]) return after;
  return state;
}

/** A correction replaces its print; a new print comes first. */
function withPrint(prints: Print[], print: Print): Print[] {
  const at = prints.findIndex((known) => known.tradeId === print.tradeId);
  return at >= 0 ? prints.with(at, print) : [print, ...prints.slice(0, printsKept - 1)];
}

/** Merges prints of the stream and of history; the stream's win, because they include corrections. */
function joined(live: Print[], history: Print[]): Print[] {
  const known = new Set(live.map(({ tradeId }) => tradeId));
  const all = [...live, ...history.filter(({ tradeId }) => !known.has(tradeId))];
  return all.toSorted((a, b) => (b.time ?? 0) - (a.time ?? 0) || newer(b.tradeId, a.tradeId)).slice(0, printsKept);
}

/** Trades are numbered in their order. */
function newer(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function directionOf(before: Quote | undefined, last: string): -1 | 0 | 1 {
  if (!before || before.last === last) return before?.direction ?? 0;
  if (before.last === '' || last === '') return 0;
  return compare(decimal(last), decimal(before.last)) || before.direction;
}

/** Digits after the point in which an instrument's prices are shown. */
export function priceDigits(instrument: Instrument | undefined): number {
  return instrument ? digitsOf(decimal(instrument.tickSize)) : 0;
}
