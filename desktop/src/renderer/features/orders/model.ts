// What the screen holds of orders, executions and positions, as plain data.
import { OrderStatus, type OrderType, type Side, type TimeInForce } from '../../../gen/todoku/v1/types_pb';
import type { Problem } from '../../venue/problem';
import type { ItemBody } from '../feed/items';

export type Order = ItemBody['order'];
export type Execution = ItemBody['executionReport'];
export type Position = ItemBody['positionUpdate'];
export type RiskLimits = ItemBody['limitUpdate'];

/** What a ticket asks for. Prices and quantities are decimal strings. */
export interface NewOrder {
  symbol: string;
  account: string;
  side: Side;
  type: OrderType;
  timeInForce: TimeInForce;
  postOnly: boolean;
  price: string;
  quantity: string;
  /** GTD: ms since the epoch. */
  expireTime?: number;
  /** Refuse the order if the best prices moved more often than maxBookMoves since this version. */
  seenBookVersion?: number;
  maxBookMoves?: number;
}

export type Change =
  | { kind: 'place'; order: NewOrder }
  | { kind: 'replace'; orderId: string; account: string; symbol: string; price: string; quantity: string }
  | { kind: 'cancel'; orderId: string; account: string; symbol: string }
  /** Everything that works: of one instrument, of one side, or all. */
  | { kind: 'cancelAll'; account: string; symbol: string; side: Side };

/** Why an order was not entered: it never reached the venue, and was too old when the venue was reachable again. */
export const notEntered = 'NOT_ENTERED';

/** Why a request was not sent: the screen was not current. */
export const notLive = 'NOT_LIVE';

/** Why a request was not sent: the book on the screen was from the stream before. */
export const bookAwaited = 'BOOK_AWAITED';

/** A pending request, by its client order id. */
export interface Pending {
  id: string;
  change: Change;
  /** Local clock, ms. */
  sentAt: number;
  /** There is no reply: the request may have been carried out or not; it is being sent again. */
  unknown: boolean;
  /** The venue accepted it; the stream has not reported the outcome yet. */
  taken: boolean;
  /** It is too old to be carried out: the venue is being asked to accept nothing under its id any more. */
  withdrawn: boolean;
}

export interface Refusal {
  id: string;
  change: Change | undefined;
  problem: Pick<Problem, 'reason' | 'text' | 'field'>;
  at: number;
}

export interface OrdersState {
  /** Working orders by order id. */
  working: Record<string, Order>;
  /** Orders that ended, the last entered first. */
  done: Order[];
  /** Newest first, each once. */
  executions: Execution[];
  /** How much history is loaded into done and executions. */
  history: Record<HistoryOf, HistoryState>;
  /** How many snapshots were received: history is loaded again after each. */
  snapshots: number;
  /** By account and symbol. */
  positions: Record<string, Position>;
  limits: Record<string, RiskLimits>;
  /** By client order id. */
  pending: Record<string, Pending>;
  /** Newest first. */
  refusals: Refusal[];
  /** A snapshot was received: working orders and positions are complete. */
  complete: boolean;
  incoming: { working: Record<string, Order>; positions: Record<string, Position>; limits: Record<string, RiskLimits> } | undefined;
  /** The journal's epoch changed: earlier rows belong to another journal. */
  newJournal: boolean;
}

/** The two lists that history is loaded for. */
export type HistoryOf = 'executions' | 'done';

export type HistoryState =
  /** A page is being loaded, or wanted. */
  | 'loading'
  /** There is more. */
  | 'more'
  /** There are no older rows. */
  | 'end'
  /** The venue did not answer; it can be asked again. */
  | 'failed'
  /** There is more than a screen keeps. */
  | 'full';

export const initial: OrdersState = {
  working: {},
  done: [],
  executions: [],
  history: { executions: 'loading', done: 'loading' },
  snapshots: 0,
  positions: {},
  limits: {},
  pending: {},
  refusals: [],
  complete: false,
  incoming: undefined,
  newJournal: false,
};

/** Whether an order in this state still works. */
export function works(status: OrderStatus): boolean {
  return status === OrderStatus.NEW || status === OrderStatus.PARTIALLY_FILLED;
}

/** A rejected order as a problem, like a refused call. */
export function problemOfReason(reason: Execution['reason'], pending: Pick<Pending, 'withdrawn'> | undefined): Refusal['problem'] {
  // This screen itself asked the venue to refuse a withdrawn order.
  if (pending?.withdrawn && reason?.name === 'STALE_VIEW') return { reason: notEntered, text: '', field: '' };
  return { reason: reason?.name ?? '', text: reason?.text ?? '', field: '' };
}
