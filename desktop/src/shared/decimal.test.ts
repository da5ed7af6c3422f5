import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, compare, type Decimal, decimal, digitsOf, format, group, isMultiple, multiply, ofSteps, parseDecimal, places, stepFrom, stepsOf, subtract } from './decimal';

const scale = fc.integer({ min: 0, max: 2 * places });
const any: fc.Arbitrary<Decimal> = fc.record({ units: fc.bigInt({ min: -(1n << 127n), max: 1n << 127n }), scale });
const step: fc.Arbitrary<Decimal> = fc.record({ units: fc.bigInt({ min: 1n, max: 1n << 40n }), scale: fc.integer({ min: 0, max: places }) });
const near = (d: Decimal, e: Decimal): boolean => compare(d, e) === 0;

describe('a formatted number is parsed as the same number', () => {
  test('money of any size', () => {
    fc.assert(fc.property(any, (d) => near(decimal(format(d)), d)));
  });

  test('prices and quantities up to 63 bits', () => {
    const within = fc.bigInt({ min: -(1n << 63n) + 1n, max: (1n << 63n) - 1n });
    fc.assert(
      fc.property(within, (units) => {
        expect(parseDecimal(format({ units, scale: places }))).toEqual({ units, scale: places });
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 1n << 63n, max: 1n << 80n }), fc.boolean(), (units, negative) => {
        expect(parseDecimal(format({ units: negative ? -units : units, scale: places }))).toBeUndefined();
      }),
    );
  });

  test('any text is parsed as an exact decimal number or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+]?[0-9.,eE_ ]{0,24}$/)), (text) => {
        const d = parseDecimal(text);
        if (d) expect(text).toMatch(/^-?[0-9]+(\.[0-9]+)?$/);
        if (d) expect(near(decimal(text), d)).toBe(true);
      }),
    );
  });

  test('a minimum of digits does not change the number', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 0, max: 20 }), (d, digits) => {
        const text = format(d, digits);
        expect(text.split('.')[1]?.length ?? 0).toBeGreaterThanOrEqual(digits);
        expect(near(decimal(text), d)).toBe(true);
        expect(group(text).replaceAll(',', '')).toBe(text);
      }),
    );
  });
});

describe('arithmetic is exact', () => {
  test('addition, subtraction, comparison', () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(near(add(a, b), add(b, a))).toBe(true);
        expect(near(add(add(a, b), c), add(a, add(b, c)))).toBe(true);
        expect(near(subtract(add(a, b), b), a)).toBe(true);
        expect(near(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)))).toBe(true);
        expect(compare(a, b) + compare(b, a)).toBe(0);
        expect(compare(add(a, c), add(b, c))).toBe(compare(a, b));
      }),
    );
  });

  test('0.1 + 0.2 is 0.3', () => {
    expect(format(add(decimal('0.1'), decimal('0.2')))).toBe('0.3');
  });
});

describe('steps', () => {
  test('one step up and one step down give the next multiples on both sides', () => {
    fc.assert(
      fc.property(any, step, (d, by) => {
        const [up, down] = [stepFrom(d, by, 1), stepFrom(d, by, -1)];
        expect(isMultiple(up, by)).toBe(true);
        expect(isMultiple(down, by)).toBe(true);
        expect(compare(up, d)).toBe(1);
        expect(compare(down, d)).toBe(-1);
        expect(compare(subtract(up, d), by)).toBeLessThanOrEqual(0);
        expect(compare(subtract(d, down), by)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('a number of steps is converted to a decimal and back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), step, (n, by) => {
        expect(stepsOf(ofSteps(n, by), by)).toBe(n);
        expect(near(stepFrom(ofSteps(n, by), by, 7), add(ofSteps(n, by), ofSteps(7, by)))).toBe(true);
      }),
    );
  });

  test('the digits of a step are those after its point without trailing zeros', () => {
    expect(['0.25', '5', '0.00001', '0.50', '100'].map((text) => digitsOf(decimal(text)))).toEqual([2, 0, 5, 1, 0]);
  });
});
