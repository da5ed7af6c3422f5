// No panel shows old data as if it were current.
import { Provider } from 'react-redux';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Hello_Start } from '../../gen/todoku/v1/notification_pb';
import { OrderStatus, OrderType, Side, TimeInForce, TradeStatus, TradingStatus } from '../../gen/todoku/v1/types_pb';
import type { Item } from '../features/feed/items';
import { FeedStatus } from '../features/feed/FeedStatus';
import { feed } from '../features/feed/slice';
import { Row } from '../features/ladder/Row';
import { panels } from './panels';
import { createStore } from './store';

// There is no window to ask for its width here: the screen is wide.
vi.mock('../ui/useMedia', () => ({ useMedia: () => false, smallScreen: '' }));
beforeEach(() => void vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined }));
afterEach(() => vi.unstubAllGlobals());

function desk() {
  const { store, task } = createStore(
    function* idle() {},
    () => undefined,
  );
  const item = (type: Item['type'], body: object): Item => ({ type, sequence: 1, index: 0, time: 1, body }) as unknown as Item;
  const instrument = { symbol: 'X', name: 'X', tickSize: '1', lotSize: '1', minQuantity: '1', maxQuantity: '100', referencePrice: '10', lowLimitPrice: '', highLimitPrice: '', bandBasisPoints: 0, status: TradingStatus.OPEN, statusReason: '', currency: 'JPY', assetClass: 1 };
  const order = { orderId: '1', clientOrderId: 'c', account: 'a', user: 'u', symbol: 'X', side: Side.BUY, type: OrderType.LIMIT, timeInForce: TimeInForce.DAY, price: '9', quantity: '5', leavesQuantity: '5', filledQuantity: '0', status: OrderStatus.NEW };
  const items = [
    item('hello', { epoch: 'e', headSequence: 1, start: Hello_Start.SNAPSHOT, serverVersion: '', user: { user: 'u', displayName: 'U', accounts: ['a'], roles: [] } }),
    item('snapshotBegin', {}),
    item('instrumentUpdate', instrument),
    item('order', order),
    item('snapshotEnd', {}),
    item('bookBegin', { symbol: 'X' }),
    item('bookUpdate', { symbol: 'X', side: Side.BUY, bookVersion: 1, level: { price: '9', quantity: '5', orders: 1 } }),
  ];
  store.dispatch(feed.received({ items, cursor: 'e:1', unknown: 0, at: Date.now() - 7_000 }));
  return { store, task };
}

test.each(['instruments', 'depth', 'ladder', 'prints', 'orders', 'positions', 'executions', 'activity'] as const)('%s shows its age while it is not current, and only then', (id) => {
  const { store, task } = desk();
  const View = panels[id].view;
  const shown = (): string => renderToStaticMarkup(<Provider store={store}><View /></Provider>);
  expect(shown()).not.toContain('s old');
  store.dispatch(feed.lost({ retryAt: 0, attempts: 1, problem: undefined }));
  expect(shown()).toMatch(/\d s old/);
  task.cancel();
});

test('a ladder that is not current shows every figure in grey', () => {
  const row = { id: 'r', ticks: 1, price: '1', bid: '1', bidShare: 1, offer: '1', offerShare: 1, buying: '1', selling: '1', busy: false, last: undefined, cursor: false, target: false };
  const cells = renderToStaticMarkup(<Row {...row} />).match(/role="gridcell" class="[^"]*"/g) ?? [];
  expect(cells).toHaveLength(5);
  expect(cells.filter((cell) => !/\blive\b/.test(cell))).toEqual([]);
});

test('screen readers announce a change of the connection, not every event', () => {
  const { store, task } = desk();
  const at = Date.now();
  const read: string[] = [];
  const shown: string[] = [];
  for (const late of [12, 34]) {
    const print = { type: 'tradePrint', sequence: 2 + late, index: 0, time: at - late, body: { tradeId: String(late), symbol: 'X', price: '9', quantity: '1', aggressor: Side.BUY, status: TradeStatus.CONCLUDED } } as Item;
    store.dispatch(feed.received({ items: [print], cursor: `e:${2 + late}`, unknown: 0, at }));
    const status = renderToStaticMarkup(<Provider store={store}><FeedStatus /></Provider>);
    shown.push(status);
    read.push(/role="status"[^>]*>.*?<\/(?:span|div)>/.exec(status)?.[0] ?? '');
  }
  expect(shown[0]).not.toBe(shown[1]);
  expect(read[0]).toContain('Live');
  expect(read[0]).toBe(read[1]);
  expect(shown[0]).toMatch(/12 ms/);
  expect(read[0]).not.toContain('ms');
  task.cancel();
});
