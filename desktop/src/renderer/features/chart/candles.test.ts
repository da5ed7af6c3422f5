// Candles compared with a naive computation from the trades, with busts and live prints.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Side, TradeStatus } from '../../../gen/todoku/v1/types_pb';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import type { Print } from '../market/slice';
import { extended, fold, type Interval, intervals, summary } from './candles';
import { chart, chartReducer, type ChartState } from './slice';

const print = (id: number, time: number, ticks: number, lots: number, busted = false): Print => ({
  tradeId: String(id),
  symbol: 'A',
  price: (ticks / 4).toFixed(2),
  quantity: String(lots),
  aggressor: Side.BUY,
  status: busted ? TradeStatus.BUSTED : TradeStatus.CONCLUDED,
  time,
});
const trades = fc
  .array(fc.record({ after: fc.integer({ min: 0, max: 90_000 }), ticks: fc.integer({ min: 1, max: 400 }), lots: fc.integer({ min: 1, max: 50 }), busted: fc.boolean() }), { maxLength: 40 })
  .map((list) => {
    let time = 1_700_000_000_000;
    return list.map(({ after, ticks, lots, busted }, n) => print(n + 1, (time += after), ticks, lots, busted));
  });
const interval = fc.constantFrom(...(Object.keys(intervals) as Interval[]));

test('a candle has the trades of its interval without busted ones', () => {
  fc.assert(
    fc.property(trades, interval, (list, of) => {
      const groups = new Map<number, Print[]>();
      for (const trade of list.filter(({ status }) => status === TradeStatus.CONCLUDED)) {
        const start = Math.floor(trade.time! / intervals[of]) * intervals[of];
        groups.set(start, [...(groups.get(start) ?? []), trade]);
      }
      const naive = [...groups].map(([start, some]) => {
        const prices = some.map(({ price }) => Number(price));
        return [start, Number(some[0]!.price), Math.max(...prices), Math.min(...prices), Number(some.at(-1)!.price), some.reduce((sum, { quantity }) => sum + Number(quantity), 0)];
      });
      expect(fold(list, of).map((c) => [c.start, Number(c.open), Number(c.high), Number(c.low), Number(c.close), Number(c.volume)])).toEqual(naive);
    }),
  );
});

test('adding trades one by one gives the same candles as all at once', () => {
  fc.assert(
    fc.property(trades, interval, (list, of) => {
      let candles = fold([], of);
      for (const trade of list) candles = extended(candles, trade, of);
      expect(candles).toEqual(fold(list, of));
    }),
  );
});

test('the summary has last, high, low and volume of all candles', () => {
  const list = [print(1, 0, 8, 5), print(2, 61_000, 12, 1), print(3, 122_000, 10, 2)];
  expect(summary(fold(list, '1m'))).toEqual({ last: '2.50', high: '3.00', low: '2.00', volume: '8', since: 0 });
  expect(summary([])).toBeUndefined();
});

test('pages of history and the stream join: no trade is missing or doubled, no busted one returns', () => {
  const frame = (state: ChartState, ...prints: Print[]): ChartState =>
    chartReducer(state, feed.received({ items: prints.map((body): Item => ({ type: 'tradePrint', sequence: 1, index: 0, time: 0, body })), cursor: '', unknown: 0, at: 0 }));
  let state = chartReducer(chartReducer(undefined, chart.opened()), chart.began('A'));
  state = frame(state, print(4, 4_000, 10, 1), print(3, 3_000, 99, 1, true));
  // History was requested before the stream reported the bust of 3.
  state = chartReducer(state, chart.loaded({ symbol: 'A', trades: [print(4, 4_000, 10, 1), print(3, 3_000, 99, 1), print(2, 2_000, 8, 1)], end: false }));
  state = chartReducer(state, chart.loaded({ symbol: 'A', trades: [print(1, 1_000, 6, 1)], end: true }));
  expect(summary(state.candles)).toMatchObject({ last: '2.50', high: '2.50', low: '1.50', volume: '3' });
  state = frame(state, print(4, 4_000, 10, 1, true), print(5, 5_000, 7, 2));
  expect(summary(state.candles)).toMatchObject({ last: '1.75', high: '2.00', low: '1.50', volume: '4' });
  // Trades of another instrument, or late ones of an instrument that is no longer shown.
  expect(chartReducer(state, chart.loaded({ symbol: 'B', trades: [print(9, 9_000, 1, 1)], end: true }))).toBe(state);
});
