// What a ladder shows: a window of prices in ticks. Only its rows are rendered, however long
// the book is.
import { createSelector } from '@reduxjs/toolkit';
import { Side } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { add, type Decimal, decimal, format, parseDecimal, stepsOf } from '../../../shared/decimal';
import type { Book, Level, Quote } from '../market/slice';
import type { Order } from '../orders/slice';

/** One side of a row. */
export interface Cell {
  quantity: string;
  /** Of the largest quantity in the window, in percent. */
  share: number;
}

/** Prices from top to bottom, in ticks; the top is the highest. */
export interface Window {
  top: number;
  rows: number;
}

export function windowAround(centre: number, rows: number): Window {
  // No price is below one tick.
  return { top: Math.max(rows, centre + Math.floor(rows / 2)), rows };
}

/** The levels of a book within a window, by tick, with their share of the largest quantity. */
export function cellsOf(book: Book | undefined, { top, rows }: Window): { bids: Map<number, Cell>; offers: Map<number, Cell> } {
  const bottom = top - rows + 1;
  const bids: Level[] = [];
  const offers: Level[] = [];
  for (const level of book?.bids ?? []) {
    if (level.ticks < bottom) break;
    if (level.ticks <= top) bids.push(level);
  }
  for (const level of book?.offers ?? []) {
    if (level.ticks > top) break;
    if (level.ticks >= bottom) offers.push(level);
  }
  const units = (level: Level): bigint => parseDecimal(level.quantity)?.units ?? 0n;
  let most = 1n;
  for (const level of [...bids, ...offers]) if (units(level) > most) most = units(level);
  const cells = (levels: Level[]): Map<number, Cell> => new Map(levels.map((level) => [level.ticks, { quantity: level.quantity, share: Number((units(level) * 100n) / most) }]));
  return { bids: cells(bids), offers: cells(offers) };
}

/** The middle of the market in ticks: between the best prices, else the only one, the last trade or the reference price. */
export function middleOf(book: Book | undefined, quote: Quote | undefined, reference: string, tick: Decimal): number | undefined {
  const bid = book?.bids[0]?.ticks;
  const offer = book?.offers[0]?.ticks;
  if (bid !== undefined && offer !== undefined) return Math.floor((bid + offer) / 2);
  return bid ?? offer ?? ticksOf(quote?.last ?? '', tick) ?? ticksOf(reference, tick);
}

/** A price in ticks, rounded down; undefined if it is empty. */
export function ticksOf(price: string, tick: Decimal): number | undefined {
  const p = price === '' ? undefined : parseDecimal(price);
  if (!p || p.units <= 0n) return undefined;
  const exact = stepsOf(p, tick);
  if (exact !== undefined) return exact;
  const step = parseDecimal(format(tick));
  return step && step.units > 0n ? Number(p.units / step.units) : undefined;
}

/** Moves the window only when the market leaves its middle half: rows that move with every tick are hard to click. */
export function recentred(centre: number, middle: number, rows: number): number {
  return Math.abs(middle - centre) > rows / 4 ? middle : centre;
}

/** Own orders at one price. */
export interface Own {
  buys: Order[];
  sells: Order[];
  /** The open quantity of each side; empty if zero. */
  buying: string;
  selling: string;
}

/** The account's working orders in an instrument by tick. */
export const selectOwn: (state: RootState, symbol: string, account: string) => ReadonlyMap<number, Own> = createSelector(
  [
    (state: RootState) => state.orders.working,
    (state: RootState, symbol: string) => state.market.instruments[symbol]?.tickSize ?? '',
    (_state: RootState, symbol: string) => symbol,
    (_state: RootState, _symbol: string, account: string) => account,
  ],
  (working, tickSize, symbol, account) => {
    const own = new Map<number, Own>();
    const tick = decimal(tickSize);
    for (const order of Object.values(working)) {
      if (order.symbol !== symbol || order.account !== account) continue;
      const ticks = ticksOf(order.price, tick);
      if (ticks === undefined) continue;
      const at = own.get(ticks) ?? { buys: [], sells: [], buying: '', selling: '' };
      (order.side === Side.BUY ? at.buys : at.sells).push(order);
      own.set(ticks, at);
    }
    for (const at of own.values()) {
      at.buying = open(at.buys);
      at.selling = open(at.sells);
    }
    return own;
  },
);

function open(orders: Order[]): string {
  if (orders.length === 0) return '';
  return format(orders.map((order) => decimal(order.leavesQuantity)).reduce(add));
}

/** A row, and the action of a click in it; empty if none. */
export interface ClickCell {
  ticks: number;
  act: string;
}

/** Whether it is a cell with own orders. */
export const isOwn = ({ act }: ClickCell): boolean => act === 'ownBuy' || act === 'ownSell';

/** Own orders that are being moved to another price. */
export interface Move {
  side: Side;
  from: number;
  to: number;
}

/**
 * The action of a pointer that was pressed at one cell and released at another, with a move in
 * progress or without. A move may have been started by a key: then a click is its target, and a
 * click at its own row ends it.
 */
export function pointerAction(pressed: ClickCell | undefined, at: ClickCell | undefined, held: Move | undefined): 'cancel' | 'amend' | 'click' | 'nothing' {
  if (!pressed || !at) return 'nothing';
  if (!held) return at.ticks === pressed.ticks && at.act === pressed.act ? 'click' : 'nothing';
  if (at.ticks !== held.from) return 'amend';
  return isOwn(pressed) ? 'cancel' : 'nothing';
}

/** Order ids with a pending request. */
export const selectBusy: (state: RootState) => ReadonlySet<string> = createSelector([(state: RootState) => state.orders.pending], (pending) => {
  const busy = new Set<string>();
  for (const { change } of Object.values(pending)) if (change.kind === 'replace' || change.kind === 'cancel') busy.add(change.orderId);
  return busy;
});
