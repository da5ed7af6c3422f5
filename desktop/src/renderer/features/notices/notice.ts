// Which events become notices for the user, and with which text. The notification centre, the
// toasts, the sound and the operating system all use this decision.
import { Reset_Cause } from '../../../gen/todoku/v1/notification_pb';
import { ExecType, Side, TradeStatus, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { decimal, digitsOf, format, group } from '../../../shared/decimal';
import type { Key, Values } from '../../i18n';
import type { Item, ItemBody } from '../feed/items';

/** Groups for the filter; notices of one group that arrive together are one toast. */
export const groups = ['fill', 'order', 'refusal', 'market', 'people', 'venue', 'stream'] as const;
export type Group = (typeof groups)[number];

/** The importance: a warning interrupts a screen reader, the other levels wait for a pause. */
export type Level = 'info' | 'good' | 'warning';

export interface Notice {
  /** Identifies the event: two reports of the same event are one notice. */
  id: string;
  group: Group;
  level: Level;
  /** ms since the epoch. */
  at: number;
  text: Key;
  values: Values;
  /** Values that are keys of texts. */
  words?: Record<string, Key>;
  /** The venue's reason and its text, translated to the user's language if the reason is known. */
  why?: { reason: string; text: string };
  /** Only listed in the centre; does not pop up. */
  quiet?: boolean;
}

/** What the decision depends on: the user, and the state before the item. */
export interface Known {
  displayName: string;
  accounts: string[];
  /** By symbol. */
  statuses: Record<string, TradingStatus>;
  /** Places after the point of prices, by symbol. */
  digits: Record<string, number>;
  /** Requests that this screen itself asked the venue to refuse; they make no notice. */
  withdrawn: string[];
}

export const noUser: Known = { displayName: '', accounts: [], statuses: {}, digits: {}, withdrawn: [] };

const sideOf = (side: Side): Key => (side === Side.SELL ? 'notice.sold' : 'notice.bought');
const orderSideOf = (side: Side): Key => (side === Side.SELL ? 'side.sell' : 'side.buy');

/** The notice of an item; undefined if it makes none. at is the local clock, ms. */
export function noticeOf(item: Item, known: Known, at: number): Notice | undefined {
  const when = item.time || at;
  switch (item.type) {
    case 'trade':
      return known.accounts.includes(item.body.account) ? tradeNotice(item.body, known.digits[item.body.symbol] ?? 0, when) : undefined;
    case 'executionReport':
      return item.body.order && known.accounts.includes(item.body.order.account) ? reportNotice(item.body, item.body.order, known, when) : undefined;
    case 'cancelReject': {
      const { order, requestId, reason } = item.body;
      if (!order || !known.accounts.includes(order.account) || known.withdrawn.includes(requestId)) return undefined;
      return { ...refusalNotice(requestId, reason), at: when, text: 'notice.changeRefused', values: { symbol: order.symbol, id: order.orderId } };
    }
    case 'announcement':
      return { id: idOf(item), group: 'venue', level: 'warning', at: when, text: 'notice.announcement', values: { from: item.body.from, text: item.body.text } };
    case 'userPresence':
      if (item.body.displayName === known.displayName) return undefined;
      return {
        id: idOf(item),
        group: 'people',
        level: 'info',
        at: when,
        text: item.body.online ? 'notice.signedIn' : 'notice.signedOut',
        values: { name: item.body.displayName },
        ...(item.body.online ? {} : { quiet: true }),
      };
    case 'instrumentUpdate':
      return statusNotice(item.body, known.statuses[item.body.symbol], idOf(item), when);
    case 'reset':
      return { id: idOf(item), group: 'stream', level: 'warning', at, text: resets[item.body.cause] ?? 'notice.reset', values: {} };
    default:
      return undefined;
  }
}

/** The state after an item, for the decision on later ones. */
export function learned(known: Known, item: Item): Known {
  if (item.type === 'hello' && item.body.user) return { ...known, displayName: item.body.user.displayName, accounts: item.body.user.accounts };
  if (item.type !== 'instrumentUpdate') return known;
  const { symbol, status, tickSize } = item.body;
  return { ...known, statuses: { ...known.statuses, [symbol]: status }, digits: { ...known.digits, [symbol]: digitsOf(decimal(tickSize)) } };
}

const idOf = (item: Item): string => `${item.type}:${item.sequence}:${item.index}`;

function tradeNotice(trade: ItemBody['trade'], digits: number, at: number): Notice {
  const { tradeId, symbol, quantity, price, side, text } = trade;
  const values = { symbol, quantity: group(quantity), price: format(decimal(price), digits) };
  if (trade.status === TradeStatus.BUSTED) return { id: `bust:${tradeId}:${side}`, group: 'fill', level: 'warning', at, text: 'notice.busted', values: { ...values, why: text } };
  return { id: `trade:${tradeId}:${side}`, group: 'fill', level: 'good', at, text: 'notice.fill', values, words: { did: sideOf(side) } };
}

function reportNotice(report: ItemBody['executionReport'], order: ItemBody['order'], known: Known, at: number): Notice | undefined {
  const { execType, requestId, reason } = report;
  const values = { symbol: order.symbol, quantity: group(order.quantity), filled: group(order.filledQuantity), id: order.orderId };
  const words = { side: orderSideOf(order.side) };
  switch (execType) {
    case ExecType.REJECTED:
      if (known.withdrawn.includes(requestId)) return undefined;
      return { ...refusalNotice(requestId, reason), at, text: 'notice.orderRefused', values, words };
    case ExecType.CANCELED:
    case ExecType.EXPIRED:
      return {
        id: `ended:${order.orderId}`,
        group: 'order',
        // The user requested it, so it is no warning.
        level: reason?.name === 'REQUESTED' ? 'info' : 'warning',
        at,
        text: execType === ExecType.EXPIRED ? 'notice.expired' : 'notice.canceled',
        values,
        words,
        ...(reason ? { why: { reason: reason.name, text: reason.text } } : {}),
      };
    default:
      return undefined; // Accepted, replaced, traded: the blotter and the trade's own notice show it.
  }
}

function refusalNotice(requestId: string, reason: { name: string; text: string } | undefined): Pick<Notice, 'id' | 'group' | 'level' | 'why'> {
  return { id: `refused:${requestId}`, group: 'refusal', level: 'warning', why: { reason: reason?.name ?? '', text: reason?.text ?? '' } };
}

const statusTexts: Partial<Record<TradingStatus, Key>> = {
  [TradingStatus.OPEN]: 'notice.opened',
  [TradingStatus.HALTED]: 'notice.halted',
  [TradingStatus.CLOSED]: 'notice.closed',
  [TradingStatus.PRE_OPEN]: 'notice.preOpen',
};

function statusNotice(instrument: ItemBody['instrumentUpdate'], before: TradingStatus | undefined, id: string, at: number): Notice | undefined {
  const text = statusTexts[instrument.status];
  if (before === undefined || before === instrument.status || !text) return undefined;
  return { id, group: 'market', level: instrument.status === TradingStatus.HALTED ? 'warning' : 'info', at, text, values: { symbol: instrument.symbol, why: instrument.statusReason } };
}

const resets: Partial<Record<Reset_Cause, Key>> = {
  [Reset_Cause.UNKNOWN_EPOCH]: 'notice.reset.epoch',
  [Reset_Cause.TOO_FAR_BEHIND]: 'notice.reset.far',
  [Reset_Cause.COMPACTED]: 'notice.reset.compacted',
  [Reset_Cause.USER_CHANGED]: 'notice.reset.user',
  [Reset_Cause.DIVERGED]: 'notice.diverged',
};
