import { describe, expect, test } from 'vitest';
import { OrderStatus, Side } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { decimal } from '../../../shared/decimal';
import type { Book } from '../market/slice';
import { cellsOf, pointerAction, middleOf, recentred, selectOwn, ticksOf, windowAround } from './model';

const level = (ticks: number, quantity: string) => ({ price: String(ticks), ticks, quantity, orders: 1 });
const book = (bids: [number, string][], offers: [number, string][]): Book => ({
  bids: bids.map(([ticks, quantity]) => level(ticks, quantity)),
  offers: offers.map(([ticks, quantity]) => level(ticks, quantity)),
  version: 1,
  sequence: 1,
});

describe('the window', () => {
  test('shows only levels within it, each with its share of the largest', () => {
    const { bids, offers } = cellsOf(book([[99, '50'], [98, '200'], [10, '9000']], [[101, '100'], [500, '9000']]), windowAround(100, 20));
    expect([...bids]).toEqual([[99, { quantity: '50', share: 25 }], [98, { quantity: '200', share: 100 }]]);
    expect([...offers]).toEqual([[101, { quantity: '100', share: 50 }]]);
  });

  test('shares are exact where floats are not', () => {
    const { bids } = cellsOf(book([[99, '92233720368.54775807'], [98, '46116860184.27387904']], []), windowAround(100, 20));
    expect(bids.get(98)?.share).toBe(50);
    expect(bids.get(99)?.share).toBe(100);
  });

  test('shows no price below one tick', () => {
    const { top, rows } = windowAround(3, 20);
    expect(top - rows + 1).toBeGreaterThanOrEqual(1);
  });

  test('stays while the market is in its middle half, and follows when the market leaves it', () => {
    expect(recentred(100, 105, 20)).toBe(100);
    expect(recentred(100, 95, 20)).toBe(100);
    expect(recentred(100, 106, 20)).toBe(106);
  });
});

describe('the middle', () => {
  const tick = decimal('0.5');
  const quote = { bid: undefined, offer: undefined, last: '12.5', direction: 0 } as const;
  test('is between the best prices, or at the only one, or at the last trade, or at the reference price', () => {
    expect(middleOf(book([[99, '1']], [[103, '1']]), quote, '7', tick)).toBe(101);
    expect(middleOf(book([[99, '1']], []), quote, '7', tick)).toBe(99);
    expect(middleOf(book([], []), quote, '7', tick)).toBe(25);
    expect(middleOf(undefined, undefined, '7.2', tick)).toBe(14);
    expect(middleOf(undefined, undefined, '', tick)).toBeUndefined();
  });

  test('prices are counted in ticks without floats', () => {
    expect(ticksOf('0.3', decimal('0.1'))).toBe(3);
    expect(ticksOf('1.08425', decimal('0.00001'))).toBe(108_425);
  });
});

test('own orders of the account and instrument are summed exactly at their prices', () => {
  const order = (id: string, side: Side, price: string, leavesQuantity: string, account = 'alice', symbol = 'X') => [id, { orderId: id, account, symbol, side, price, leavesQuantity, status: OrderStatus.NEW }];
  const state = {
    market: { instruments: { X: { tickSize: '0.1' } } },
    orders: {
      working: Object.fromEntries([
        order('1', Side.BUY, '10.1', '0.1'),
        order('2', Side.BUY, '10.1', '0.2'),
        order('3', Side.SELL, '10.3', '5'),
        order('4', Side.SELL, '10.3', '5', 'bob'),
        order('5', Side.SELL, '10.3', '5', 'alice', 'Y'),
      ]),
    },
  } as unknown as RootState;
  const own = selectOwn(state, 'X', 'alice');
  expect([...own.keys()]).toEqual([101, 103]);
  expect(own.get(101)?.buying).toBe('0.3');
  expect(own.get(103)).toMatchObject({ buying: '', selling: '5' });
  expect(selectOwn(state, 'X', 'alice')).toBe(own);
});

describe('releasing the pointer', () => {
  const held = { side: Side.BUY, from: 100, to: 100 };
  const at = (ticks: number, act: string) => ({ ticks, act });

  test('cancels an own order that was pressed, but not one that was picked up by key', () => {
    expect(pointerAction(at(100, 'ownBuy'), at(100, 'ownBuy'), held)).toBe('cancel');
    for (const act of ['buy', 'sell', '']) expect(pointerAction(at(100, act), at(100, act), held)).toBe('nothing');
  });

  test('moves a picked-up order to another row, by drag or by click', () => {
    expect(pointerAction(at(100, 'ownBuy'), at(98, ''), held)).toBe('amend');
    expect(pointerAction(at(98, 'sell'), at(98, 'sell'), held)).toBe('amend');
  });

  test('is a click only in the cell that was pressed, and does nothing without a press', () => {
    expect(pointerAction(at(100, 'buy'), at(100, 'buy'), undefined)).toBe('click');
    expect(pointerAction(at(100, 'buy'), at(101, 'buy'), undefined)).toBe('nothing');
    expect(pointerAction(at(100, 'buy'), at(100, 'sell'), undefined)).toBe('nothing');
    expect([pointerAction(undefined, at(100, 'ownBuy'), held), pointerAction(at(100, 'ownBuy'), undefined, held)]).toEqual(['nothing', 'nothing']);
  });
});
