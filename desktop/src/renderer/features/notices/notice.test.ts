// The notices for messages of the stream.
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { AnnouncementSchema, HelloSchema, ResetSchema, Reset_Cause, UserPresenceSchema } from '../../../gen/todoku/v1/notification_pb';
import {
  CancelRejectSchema,
  ExecType,
  ExecutionReportSchema,
  InstrumentSchema,
  OrderSchema,
  ReasonSchema,
  Side,
  TradePrintSchema,
  TradeSchema,
  TradeStatus,
  TradingStatus,
  UserSchema,
} from '../../../gen/todoku/v1/types_pb';
import { type Language } from '../settings/slice';
import { translator } from '../../i18n';
import { plain } from '../../venue/plain';
import { feed } from '../feed/slice';
import type { Item, ItemBody, ItemType } from '../feed/items';
import { orders } from '../orders/slice';
import { session } from '../session/slice';
import { type Known, noUser, noticeOf } from './notice';
import { burstMs, mostNotices, mostToasts, notices, noticesReducer, type NoticesState } from './slice';
import { wordsOf } from './words';

const me: Known = { ...noUser, displayName: 'Alice', accounts: ['A'] };
let sequence = 0;
const item = <K extends ItemType>(type: K, body: ItemBody[K]): Item => ({ type, sequence: ++sequence, index: 0, time: 1_000, body }) as Item;

const trade = (tradeId: string, more: Partial<ItemBody['trade']> = {}): Item =>
  item('trade', { ...plain(create(TradeSchema, { tradeId, symbol: 'USDJPY', account: 'A', side: Side.BUY, price: '151.25', quantity: '100', status: TradeStatus.CONCLUDED })), ...more });

const order = plain(create(OrderSchema, { orderId: '7', account: 'A', symbol: 'USDJPY', side: Side.SELL, quantity: '100', filledQuantity: '40' }));

const report = (execType: ExecType, reason: string, more: Partial<ItemBody['executionReport']> = {}): Item =>
  item('executionReport', { ...plain(create(ExecutionReportSchema, { execType, requestId: 'r-1', reason: create(ReasonSchema, { code: 301, name: reason, text: 'In English.' }) })), order, ...more });

const textOf = (thing: Item, known: Known = me, language: Language = 'en'): string => {
  const notice = noticeOf(thing, known, 5_000);
  if (!notice) return '';
  const { title, text, why } = wordsOf(translator(language), language, notice);
  return [`${title}:`, text, why].filter(Boolean).join(' ');
};

describe('one item', () => {
  test.each<[string, Item, string]>([
    ['a fill', trade('1'), 'Fill: Bought 100 USDJPY at 151.25'],
    ['a busted trade', trade('1', { status: TradeStatus.BUSTED, text: 'By mistake.' }), 'Fill: The venue busted the trade of 100 USDJPY at 151.25. By mistake.'],
    ['a refusal', report(ExecType.REJECTED, 'OUTSIDE_BAND'), 'Refused: Sell 100 USDJPY was refused. In English.'],
    ['a cancel by the venue', report(ExecType.CANCELED, 'BY_VENUE'), 'Order ended: Sell 100 USDJPY was canceled, 40 filled. In English.'],
    ['an expiry', report(ExecType.EXPIRED, 'DAY_ENDED'), 'Order ended: Sell 100 USDJPY expired, 40 filled. In English.'],
    ['a refused change', item('cancelReject', { ...plain(create(CancelRejectSchema, { requestId: 'r-2', reason: create(ReasonSchema, { name: 'TOO_LATE', text: 'Too late.' }) })), order }), 'Refused: The change of order 7 in USDJPY was refused; the order is unchanged. Too late.'],
    ['an announcement', item('announcement', plain(create(AnnouncementSchema, { from: 'Desk', text: 'Lunch.' }))), 'Announcement: Desk: Lunch.'],
    ['a user who signs in', item('userPresence', plain(create(UserPresenceSchema, { displayName: 'Bob', online: true }))), 'People: Bob signed in.'],
    ['a reset', item('reset', plain(create(ResetSchema, { cause: Reset_Cause.TOO_FAR_BEHIND }))), 'Connection: Too many events were missed to replay them; the present state was loaded instead.'],
  ])('%s is a notice with a text', (_name, thing, words) => {
    expect(textOf(thing)).toBe(words);
  });

  test.each<[string, Item]>([
    ['another account’s fill', trade('1', { account: 'B' })],
    ['another account’s order', report(ExecType.CANCELED, 'BY_VENUE', { order: { ...order, account: 'B' } })],
    ['a fill of an order, which the trade reports already', report(ExecType.TRADE, '')],
    ['the own sign-in', item('userPresence', plain(create(UserPresenceSchema, { displayName: 'Alice', online: true })))],
    ['a public trade print', item('tradePrint', plain(create(TradePrintSchema, { tradeId: '1' })))],
    ['an unchanged instrument', item('instrumentUpdate', plain(create(InstrumentSchema, { symbol: 'NEW', status: TradingStatus.HALTED })))],
  ])('%s is not a notice', (_name, thing) => {
    expect(noticeOf(thing, me, 0)).toBeUndefined();
  });

  test('numbers have the instrument\'s decimal places', () => {
    expect(textOf(trade('1', { quantity: '1000000', price: '151.2' }), { ...me, digits: { USDJPY: 3 } })).toBe('Fill: Bought 1,000,000 USDJPY at 151.200');
  });

  test('a change of status to halted is a notice, with the administrator\'s reason', () => {
    const halted = item('instrumentUpdate', plain(create(InstrumentSchema, { symbol: 'USDJPY', status: TradingStatus.HALTED, statusReason: 'News pending.' })));
    expect(textOf(halted, { ...me, statuses: { USDJPY: TradingStatus.OPEN } })).toBe('Market: USDJPY is halted. News pending.');
    expect(textOf(halted, { ...me, statuses: { USDJPY: TradingStatus.HALTED } })).toBe('');
  });

  test('reasons are in the user’s language; an unknown one has the venue’s text', () => {
    expect(textOf(report(ExecType.REJECTED, 'OUTSIDE_BAND'), me, 'ja')).toBe('拒否: USDJPY 売 100 の注文は拒否されました。 値段が基準値から離れすぎています（値幅制限）。');
    expect(textOf(report(ExecType.REJECTED, 'SOMETHING_NEW'), me, 'ja')).toContain('In English.');
  });
});

describe('the centre and the toasts', () => {
  const received = (items: Item[], at: number, unknown = 0) => feed.received({ items, cursor: 'e:1', unknown, at });
  const { attachNumber: _number, ...helloBody } = plain(create(HelloSchema, { epoch: 'e' }));
  const hello = item('hello', { ...helloBody, user: plain(create(UserSchema, { displayName: 'Alice', accounts: ['A'] })) });
  const begun = (): NoticesState => noticesReducer(undefined, received([hello], 0));

  test('200 fills at once are one toast with a count, and all of them are in the centre', () => {
    const fills = Array.from({ length: 200 }, (_, n) => trade(String(n)));
    let state = begun();
    for (let n = 0; n < 200; n += 20) state = noticesReducer(state, received(fills.slice(n, n + 20), n * 10));
    expect(state.toasts).toMatchObject([{ count: 200, notice: { id: 'trade:199:1' } }]);
    expect(state.history).toHaveLength(200);
  });

  test('fills one after the other have a toast each, up to the limit of the screen', () => {
    let state = begun();
    for (let n = 0; n < 10; n++) state = noticesReducer(state, received([trade(String(n))], n * (burstMs + 1)));
    expect(state.toasts).toHaveLength(mostToasts);
    expect(state.toasts.at(-1)).toMatchObject({ count: 1, notice: { id: 'trade:9:1' } });
  });

  test('a refusal in both the answer and the stream is one notice', () => {
    const change = { kind: 'cancel', orderId: '7', account: 'A', symbol: 'USDJPY' } as const;
    let state = noticesReducer(begun(), orders.refused({ id: 'r-1', change, problem: { reason: 'TOO_LATE', text: '', field: '' }, at: 1 }));
    state = noticesReducer(state, received([report(ExecType.REJECTED, 'TOO_LATE')], 2));
    expect(state.history).toHaveLength(1);
  });

  test('a refusal that this screen caused itself is not a notice', () => {
    const state = noticesReducer(noticesReducer(begun(), orders.withdrawing('r-1')), received([report(ExecType.REJECTED, 'STALE_VIEW')], 2));
    expect(state.history).toEqual([]);
  });

  test('messages of unknown types are one notice with a count', () => {
    let state = begun();
    for (let n = 0; n < 50; n++) state = noticesReducer(state, received([], n, 2));
    expect(state.history).toMatchObject([{ id: 'unknown', values: { n: 100 } }]);
    expect(state.toasts).toEqual([]);
  });

  test('opening the centre marks all as read; the history is bounded; the next user sees none of it', () => {
    let state = noticesReducer(begun(), received(Array.from({ length: mostNotices + 50 }, (_, n) => trade(String(n))), 1));
    expect(state.history).toHaveLength(mostNotices);
    state = noticesReducer(state, notices.allRead());
    expect(state.history.some(({ read }) => !read)).toBe(false);
    expect(noticesReducer(state, session.ended(undefined)).history).toEqual([]);
  });
});
