// The screens check numbers and orders as the venue does: test/vectors has the venue's answers,
// and a test of the engine keeps those files current.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Side } from '../../src/gen/todoku/v1/types_pb';
import { checkOrder, checkPrice, checkQuantity, type Rules } from '../../src/renderer/features/ticket/rules';
import { notional } from '../../src/renderer/features/ticket/steps';
import { en } from '../../src/renderer/i18n/words/reason';
import type { Instrument } from '../../src/renderer/features/market/slice';
import type { NewOrder, RiskLimits } from '../../src/renderer/features/orders/slice';
import { add, compare, type Decimal, decimal, format, multiply, parseDecimal, subtract } from '../../src/shared/decimal';

function vectors<T>(name: string): T[] {
  return JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../vectors', name), 'utf8')) as T[];
}

interface ParseVector {
  text: string;
  units: string | null;
  shown: string | null;
}

test.each(vectors<ParseVector>('parse.json'))('$text is read as the venue reads it', ({ text, units, shown }) => {
  const d = parseDecimal(text);
  expect(d?.units.toString() ?? null).toBe(units);
  expect(d ? format(d) : null).toBe(shown);
});

interface NotionalVector {
  price: string;
  quantity: string;
  notional: string;
  other: string;
  sum: string;
  difference: string;
  order: number;
  tick: string;
  lot: string;
  priceReason: string;
  quantityReason: string;
}

describe('money, ticks and lots', () => {
  const all = vectors<NotionalVector>('notionals.json');
  test('products, sums and comparisons equal the venue’s to the last digit', () => {
    for (const v of all) {
      const product = multiply(decimal(v.price), decimal(v.quantity));
      expect(format(product)).toBe(v.notional);
      if (v.other === '') continue;
      expect(format(add(product, decimal(v.other)))).toBe(v.sum);
      expect(format(subtract(product, decimal(v.other)))).toBe(v.difference);
      expect(compare(product, decimal(v.other))).toBe(v.order);
    }
  });

  test('the value in the ticket equals the venue’s', () => {
    for (const v of all) if (v.notional !== '0') expect(notional(v.price, v.quantity)).toBe(v.notional);
  });

  test('the same numbers are multiples of a tick or lot as in the venue', () => {
    for (const v of all) {
      const instrument = { tickSize: v.tick, lotSize: v.lot, minQuantity: '0.00000001', maxQuantity: '92233720368.54775807' } as Instrument;
      expect(checkPrice(v.price, instrument)[0]?.reason ?? '', JSON.stringify(v)).toBe(v.priceReason);
      expect(checkQuantity(v.quantity, instrument)[0]?.reason ?? '', JSON.stringify(v)).toBe(v.quantityReason);
    }
  });
});

interface PositionVector {
  fills: { side: Side; price: string; quantity: string }[];
  quantity: string;
  cost: string;
  realised: string;
}

test('the money paid and received in fills is exactly the result minus the cost of the open quantity', () => {
  for (const v of vectors<PositionVector>('positions.json')) {
    let cash: Decimal = decimal('');
    let held: Decimal = decimal('');
    for (const { side, price, quantity } of v.fills) {
      const money = multiply(decimal(price), decimal(quantity));
      cash = side === 1 ? subtract(cash, money) : add(cash, money);
      held = side === 1 ? add(held, decimal(quantity)) : subtract(held, decimal(quantity));
    }
    expect(format(held)).toBe(v.quantity);
    expect(format(cash)).toBe(format(subtract(decimal(v.realised), decimal(v.cost))));
  }
});

interface OrderVector extends Pick<Rules, 'reference' | 'openOrders'> {
  instrument: Instrument;
  limits: RiskLimits;
  now: number;
  order: Pick<NewOrder, 'side' | 'type' | 'timeInForce' | 'postOnly' | 'price' | 'quantity' | 'expireTime'>;
  reason: string;
  field: string;
}

test('an order is refused at the field and for the reason of the venue', () => {
  for (const v of vectors<OrderVector>('orders.json')) {
    const rules = { instrument: { ...v.instrument, statusReason: '' }, reference: v.reference, limits: v.limits, openOrders: v.openOrders };
    const [first] = checkOrder(v.order, rules, v.now);
    expect(first?.reason ?? '', JSON.stringify(v)).toBe(v.reason);
    if (v.field !== '') expect(first?.field, JSON.stringify(v)).toBe(v.field);
  }
});

test('every reason of the venue has a text', () => {
  const words: Record<string, string> = en;
  const reasons = vectors<{ name: string; text: string }>('reasons.json');
  for (const { name, text } of reasons) expect(words[`reason.${name}`], name).toBe(text);
  expect(Object.keys(words)).toHaveLength(reasons.length);
});
