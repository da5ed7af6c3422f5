// The value of a position is exact: compared with arithmetic on integers.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, decimal, divide, format } from '../../../shared/decimal';
import type { Instrument, Quote } from '../market/slice';
import type { Position } from '../orders/slice';
import { averagePrice, openResult, positionRow } from './result';

/** A number in steps of 10^-scale as the venue writes it. */
const text = (units: bigint, scale: number): string => format({ units, scale });
const units = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

test('the open result is the result of closing at the price, to the last digit', () => {
  fc.assert(
    fc.property(units, units, fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.nat(8), fc.nat(8), (quantity, cost, price, lots, ticks) => {
      const got = openResult({ quantity: text(quantity, lots), cost: text(cost, lots + ticks) }, text(price, ticks));
      const want = quantity === 0n ? 0n : quantity * price - cost;
      expect(format(got!)).toBe(text(want, lots + ticks));
    }),
  );
});

test('a position bought at one price has this average price, and result zero at it', () => {
  fc.assert(
    fc.property(units.filter((q) => q !== 0n), fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.nat(4), fc.nat(6), (quantity, price, lots, ticks) => {
      const held = { quantity: text(quantity, lots), cost: text(quantity * price, lots + ticks) };
      expect(format(averagePrice(held)!)).toBe(text(price, ticks));
      expect(openResult(held, text(price, ticks))!.units).toBe(0n);
    }),
  );
});

test('a quotient is rounded to the nearest value with its number of places', () => {
  fc.assert(
    fc.property(units, units.filter((u) => u !== 0n), fc.nat(9), fc.nat(9), fc.nat(9), (a, b, s, r, scale) => {
      const [x, y] = [{ units: a, scale: s }, { units: b, scale: r }];
      const q = divide(x, y, scale);
      // |x/y - q| <= half a step, in whole numbers: |x·10^(scale+r) - q·y·10^s| · 2 <= |y|·10^s.
      const off = a * 10n ** BigInt(scale + r) - q.units * b * 10n ** BigInt(s);
      const abs = (n: bigint): bigint => (n < 0n ? -n : n);
      expect(2n * abs(off) <= abs(b) * 10n ** BigInt(s)).toBe(true);
    }),
  );
  expect(format(divide(decimal('1'), decimal('3'), 8))).toBe('0.33333333');
  expect(format(divide(decimal('-2'), decimal('3'), 8))).toBe('-0.66666667');
  expect(() => divide(decimal('1'), decimal('0.00'), 2)).toThrow(RangeError);
});

test('a long position closes at the bid and a short one at the offer; without that price there is no result', () => {
  const instrument = { symbol: 'USDJPY', tickSize: '0.001', lotSize: '1', currency: 'JPY' } as Instrument;
  const quote = { bid: { price: '151.2' }, offer: { price: '151.3' } } as Quote;
  const held = (quantity: string, cost: string): Position => ({ account: 'alice', symbol: 'USDJPY', quantity, cost, realised: '-1.5', sequence: 1 });
  expect(positionRow(held('1000', '151000'), instrument, quote)).toMatchObject({ close: '151.200', average: '151.000', open: '200.000', realised: '-1.500', currency: 'JPY' });
  expect(positionRow(held('-1000', '-151000'), instrument, quote)).toMatchObject({ close: '151.300', average: '151.000', open: '-300.000' });
  expect(positionRow(held('3', '100'), instrument, quote)).toMatchObject({ average: '33.33333333' });
  expect(positionRow(held('1000', '151000'), instrument, undefined)).toMatchObject({ close: '', open: '' });
  expect(positionRow(held('0', '0'), instrument, quote)).toMatchObject({ average: '', close: '', open: '0.000' });
  expect(compare(decimal(positionRow(held('1000', '151000'), instrument, quote).open), decimal('200'))).toBe(0);
});
