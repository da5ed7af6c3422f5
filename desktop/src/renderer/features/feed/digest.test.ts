import { expect, test } from 'vitest';
import page from '../../../../../docs/protocol.md?raw';
import { divergent, orderHash, positionHash } from './digest';

/** The value of a name in the table of test vectors in docs/protocol.md. */
function vector(name: string): bigint {
  const line = page.split('\n').find((text) => text.startsWith(`| ${name} |`));
  return BigInt(`0x${/`([0-9a-f]{16})`/.exec(line ?? '')?.[1]}`);
}

test('hashes have the values in docs/protocol.md', () => {
  expect(orderHash({ orderId: '1', sequence: 1 })).toBe(vector('order 1, sequence 1'));
  expect(orderHash({ orderId: '353', sequence: 504 })).toBe(vector('order 353, sequence 504'));
  expect(positionHash({ account: 'alice', symbol: 'USDJPY', sequence: 504 })).toBe(vector('position alice USDJPY, sequence 504'));
  expect(positionHash({ account: 'desk-7', symbol: 'BRK.B/USD', sequence: 1 })).toBe(vector('position desk-7 BRK.B/USD, sequence 1'));
});

const holdings = {
  orders: [{ orderId: '353', account: 'alice', sequence: 504 }],
  positions: [{ account: 'alice', symbol: 'USDJPY', sequence: 504 }],
};
const sum = String(vector('order 353 at 504 and alice USDJPY at 504'));

test('an account has the digest in docs/protocol.md', () => {
  expect(divergent(holdings, [{ account: 'alice', digest: sum }])).toEqual([]);
  expect(divergent(holdings, [{ account: '', digest: sum }])).toEqual([]);
  expect(divergent({ orders: [], positions: [] }, [{ account: 'alice', digest: '0' }])).toEqual([]);
});

test('a missing, additional or outdated order changes the digest', () => {
  const digests = [{ account: 'alice', digest: sum }];
  expect(divergent({ ...holdings, orders: [] }, digests)).toEqual(['alice']);
  expect(divergent({ ...holdings, orders: [{ orderId: '353', account: 'alice', sequence: 503 }] }, digests)).toEqual(['alice']);
  expect(divergent({ ...holdings, orders: [...holdings.orders, { orderId: '7', account: 'alice', sequence: 9 }] }, digests)).toEqual(['alice']);
});
