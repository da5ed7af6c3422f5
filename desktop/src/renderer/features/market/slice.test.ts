// Books compared with a naive implementation: a map of prices, sorted when read.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Side, TradeStatus } from '../../../gen/todoku/v1/types_pb';
import type { Item, ItemBody, ItemType } from '../feed/items';
import { feed } from '../feed/slice';
import { market, type MarketState, marketReducer, type Print, printsKept } from './slice';

let sequence = 0;
const item = <K extends ItemType>(type: K, body: Partial<ItemBody[K]>): Item => ({ type, sequence: (sequence += 1), index: 0, time: 0, body }) as unknown as Item;
const frame = (state: MarketState | undefined, ...items: Item[]): MarketState => marketReducer(state, feed.received({ items, cursor: `e:${sequence}`, unknown: 0, at: 0 }));
const instrument = (symbol: string, tickSize: string): Item => item('instrumentUpdate', { symbol, tickSize });
const level = (symbol: string, side: Side, price: string, quantity: string, orders = 1): Item => item('bookUpdate', { symbol, side, level: { price, quantity, orders }, bookVersion: sequence });
const print = (tradeId: string, more: Partial<Print> = {}): Print => ({ tradeId, symbol: 'A', price: '1', quantity: '1', aggressor: Side.BUY, status: TradeStatus.CONCLUDED, time: Number(tradeId), ...more });

const begun = (): MarketState => frame(undefined, item('snapshotBegin', {}), instrument('A', '0.25'), instrument('B', '5'), item('snapshotEnd', {}), item('bookBegin', { symbol: 'A' }), item('bookBegin', { symbol: 'B' }));

test('a book has the levels of its updates, best first, however they are split into frames', () => {
  const update = fc.record({ buy: fc.boolean(), ticks: fc.integer({ min: 1, max: 30 }), quantity: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(fc.array(update, { maxLength: 12 }), { maxLength: 12 }), (frames) => {
      let state = begun();
      const naive = { bids: new Map<number, string>(), offers: new Map<number, string>() };
      for (const updates of frames) {
        const before = JSON.stringify(state);
        const held = state;
        state = frame(
          state,
          ...updates.map(({ buy, ticks, quantity }) => level('A', buy ? Side.BUY : Side.SELL, String(ticks * 0.25), String(quantity))),
        );
        // The state of an earlier frame does not change, because views compare with it.
        expect(JSON.stringify(held)).toBe(before);
        for (const { buy, ticks, quantity } of updates) {
          const side = buy ? naive.bids : naive.offers;
          if (quantity === 0) side.delete(ticks);
          else side.set(ticks, String(quantity));
        }
      }
      const sorted = (side: Map<number, string>, order: number): [number, string][] => [...side].toSorted(([a], [b]) => (a - b) * order);
      const { bids, offers } = state.books['A']!;
      expect(bids.map(({ ticks, quantity }) => [ticks, quantity])).toEqual(sorted(naive.bids, -1));
      expect(offers.map(({ ticks, quantity }) => [ticks, quantity])).toEqual(sorted(naive.offers, 1));
    }),
  );
});

test('a frame copies only what it changes', () => {
  const one = frame(begun(), level('A', Side.BUY, '1', '5'), level('A', Side.BUY, '0.75', '5'), level('B', Side.BUY, '10', '1'));
  const two = frame(one, level('A', Side.BUY, '1', '6'));
  expect(two.books['B']).toBe(one.books['B']);
  expect(two.books['A']!.bids[1]).toBe(one.books['A']!.bids[1]);
  expect(two.instruments).toBe(one.instruments);
  expect(frame(two, item('userPresence', {}))).toBe(two);
});

test('a new full book replaces the old one at any time', () => {
  const held = frame(begun(), level('A', Side.BUY, '1', '5'), level('A', Side.SELL, '2', '5'));
  const again = frame(held, item('bookBegin', { symbol: 'A' }), level('A', Side.SELL, '3', '7'));
  expect(again.books['A']!.bids).toEqual([]);
  expect(again.books['A']!.offers.map(({ price }) => price)).toEqual(['3']);
});

test('after a reset no data of the ended journal is left', () => {
  const held = frame(begun(), level('A', Side.BUY, '1', '5'), item('tradePrint', print('7')), item('bestBidOffer', { symbol: 'A', lastPrice: '1' }));
  const reset = frame(marketReducer(held, market.printsLoaded({ symbol: 'A', prints: [] })), item('reset', {}), item('snapshotBegin', {}), instrument('A', '0.25'), item('snapshotEnd', {}));
  expect(reset).toMatchObject({ books: {}, quotes: {}, prints: {}, printsLoaded: {} });
  expect(Object.keys(reset.instruments)).toEqual(['A']);
});

test('another tick size empties the book, and a removed level is gone', () => {
  const held = frame(begun(), level('A', Side.BUY, '1.25', '5'));
  const changed = frame(held, instrument('A', '0.5'), level('A', Side.BUY, '1.25', '0', 0), level('A', Side.BUY, '1.5', '2'));
  expect(changed.books['A']!.bids).toMatchObject([{ price: '1.5', ticks: 3, quantity: '2' }]);
});

test('prints are listed once, newest first, and a bust replaces its trade', () => {
  let state = frame(begun(), item('tradePrint', print('8')), item('tradePrint', print('9')));
  state = frame(state, item('tradePrint', print('8', { status: TradeStatus.BUSTED })));
  // History was requested before the stream reported the bust.
  state = marketReducer(state, market.printsLoaded({ symbol: 'A', prints: ['10', '8', '7'].map((id) => print(id)) }));
  expect(state.prints['A']!.map(({ tradeId, status }) => [tradeId, status])).toEqual([
    ['10', TradeStatus.CONCLUDED],
    ['9', TradeStatus.CONCLUDED],
    ['8', TradeStatus.BUSTED],
    ['7', TradeStatus.CONCLUDED],
  ]);
  state = frame(state, ...Array.from({ length: 2 * printsKept }, (_, n) => item('tradePrint', print(String(100 + n)))));
  expect(state.prints['A']).toHaveLength(printsKept);
  expect(state.prints['A']![0]!.tradeId).toBe(String(99 + 2 * printsKept));
});

test('the last price has the direction of its last change', () => {
  const quoted = (state: MarketState, lastPrice: string): MarketState => frame(state, item('bestBidOffer', { symbol: 'A', lastPrice, bookVersion: 1 }));
  let state = quoted(begun(), '10');
  expect(state.quotes['A']!.direction).toBe(0);
  state = quoted(state, '9.75');
  expect(state.quotes['A']!.direction).toBe(-1);
  state = quoted(state, '9.75');
  expect(state.quotes['A']!.direction).toBe(-1);
  expect(quoted(state, '10.5').quotes['A']!.direction).toBe(1);
});
