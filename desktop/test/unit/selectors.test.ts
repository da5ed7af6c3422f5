// A change of one book runs no selector of the others. Runs are counted, so that the result does
// not depend on the machine.
import { expect, test } from 'vitest';
import { Side } from '../../src/gen/todoku/v1/types_pb';
import { createStore, type RootState } from '../../src/renderer/app/store';
import type { Item } from '../../src/renderer/features/feed/items';
import { feed } from '../../src/renderer/features/feed/slice';
import * as market from '../../src/renderer/features/market/selectors';

const symbols = ['A', 'B', 'C'];

function setUp() {
  const { store, task } = createStore(
    function* idle() {},
    () => undefined,
  );
  const item = (type: Item['type'], body: object): Item => ({ type, sequence: 1, index: 0, time: 1, body }) as unknown as Item;
  const receive = (...items: Item[]): void => void store.dispatch(feed.received({ items, cursor: 'e:1', unknown: 0, at: 1 }));
  const level = (symbol: string, quantity: string): Item => item('bookUpdate', { symbol, side: Side.BUY, bookVersion: 1, level: { price: '9', quantity, orders: 1 } });
  receive(item('snapshotBegin', {}), ...symbols.map((symbol) => item('instrumentUpdate', { symbol, name: symbol, tickSize: '1' })), item('snapshotEnd', {}));
  receive(...symbols.flatMap((symbol) => [item('bookBegin', { symbol }), level(symbol, '1')]));
  return { store, receive, level, task };
}

/** Every memoized selector, by name. */
const remembering = Object.entries(market).filter(([, selector]) => 'recomputations' in selector) as unknown as [string, { (state: RootState, argument: string): unknown; recomputations(): number }][];

test('a hundred changes of one book change no other book, and run no selector', () => {
  const { store, receive, level, task } = setUp();
  const select = (): void => remembering.forEach(([, selector]) => void selector(store.getState(), 'A'));
  const count = (): Record<string, number> => Object.fromEntries(remembering.map(([name, selector]) => [name, selector.recomputations()]));
  select();
  const [before, computed] = [store.getState(), count()];
  for (let n = 0; n < 100; n++) {
    receive(level('A', String(2 + n)));
    select();
  }
  const after = store.getState();
  expect(remembering.length).toBeGreaterThan(2);
  expect(count()).toEqual(computed);
  expect(after.market.books['A']).not.toBe(before.market.books['A']);
  for (const symbol of ['B', 'C']) expect(after.market.books[symbol]).toBe(before.market.books[symbol]);
  for (const slice of ['orders', 'notices', 'presence', 'ticket', 'session', 'chart'] as const) expect(after[slice]).toBe(before[slice]);
  for (const part of ['instruments', 'quotes', 'begun', 'prints'] as const) expect(after.market[part]).toBe(before.market[part]);
  task.cancel();
});
