// Orders, executions and positions. An order is pending until the stream, not the reply,
// says what became of it.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { ExecType, OrderStatus, type OrderType, type Side, type TimeInForce } from '../../../gen/todoku/v1/types_pb';
import type { Problem } from '../../venue/problem';
import type { Item, ItemBody } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';

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

/** Why an order that never got through is not there: it was too old to be entered when the venue could be asked. */
export const notEntered = 'NOT_ENTERED';

/** A request on its way, by its client order id. */
export interface Pending {
  id: string;
  change: Change;
  /** Local clock, ms. */
  sentAt: number;
  /** The reply is missing: the request may or may not have happened; it is being asked again. */
  unknown: boolean;
  /** The venue took it; what came of it is still to come by the stream. */
  taken: boolean;
  /** It is too old to be carried out: the venue is being asked to take nothing under its name any more. */
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
  /** Orders that ended, newest first. */
  done: Order[];
  /** Newest first, each once. */
  executions: Execution[];
  /** By account and symbol. */
  positions: Record<string, Position>;
  limits: Record<string, RiskLimits>;
  /** By client order id. */
  pending: Record<string, Pending>;
  /** Newest first. */
  refusals: Refusal[];
  /** A snapshot was taken in: what is held of the accounts is all there is. */
  whole: boolean;
  incoming: { working: Record<string, Order>; positions: Record<string, Position>; limits: Record<string, RiskLimits> } | undefined;
}

const initial: OrdersState = {
  working: {},
  done: [],
  executions: [],
  positions: {},
  limits: {},
  pending: {},
  refusals: [],
  whole: false,
  incoming: undefined,
};

/** How many ended orders, executions and refusals a screen keeps; history has the rest. */
const kept = 1_000;

const slice = createSlice({
  name: 'orders',
  initialState: initial,
  reducers: {
    /** The user asks for something. id is the client order id, made by whoever asks. */
    requested: {
      reducer(state, { payload }: PayloadAction<Pending>) {
        state.pending[payload.id] = payload;
      },
      prepare: (change: Change, id: string, sentAt: number) => ({ payload: { id, change, sentAt, unknown: false, taken: false, withdrawn: false } }),
    },
    /** The user asks for everything to be cancelled: of one instrument, of one side of it, or all. */
    cancelAll(_state, _action: PayloadAction<{ account: string; symbol?: string; side?: Side }>) {},
    /** No answer came. */
    outcomeUnknown(state, { payload }: PayloadAction<string>) {
      const pending = state.pending[payload];
      if (pending) pending.unknown = true;
    },
    /** Nothing is to be entered under this name any more. */
    withdrawing(state, { payload }: PayloadAction<string>) {
      const pending = state.pending[payload];
      if (pending) pending.withdrawn = true;
    },
    /** The venue refused the request, and nothing was changed. */
    refused(state, { payload }: PayloadAction<Refusal>) {
      refuse(state, payload);
    },
    /** The venue took the request; the stream tells what came of it, or has already. */
    taken(state, { payload }: PayloadAction<string>) {
      const pending = state.pending[payload];
      if (pending) Object.assign(pending, { taken: true, unknown: false });
    },
    /**
     * What came of the request is known although no report of it will come: the stream began
     * after it. order is the one it entered or changed, where there is one.
     */
    settled(state, { payload }: PayloadAction<{ id: string; order?: Order }>) {
      delete state.pending[payload.id];
      const { order } = payload;
      // Working orders are the stream's alone to tell: an answer may be ahead of it.
      if (order && !works(order.status) && !state.working[order.orderId]) end(state, order);
    },
    /** Executions from history, for what happened before the stream began. */
    historyLoaded(state, { payload }: PayloadAction<Execution[]>) {
      const known = new Set(state.executions.map((execution) => execution.executionId));
      for (const execution of payload) if (!known.has(execution.executionId)) state.executions.push(execution);
      state.executions.sort((a, b) => (b.time ?? 0) - (a.time ?? 0));
      state.executions.length = Math.min(state.executions.length, kept);
    },
  },
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => {
        for (const item of payload.items) take(state, item, payload.at);
      })
      .addCase(session.ended, () => initial),
});

const keyOf = (position: Position): string => `${position.account} ${position.symbol}`;

/** Whether an order in this state still works. */
export function works(status: OrderStatus): boolean {
  return status === OrderStatus.NEW || status === OrderStatus.PARTIALLY_FILLED;
}

function take(state: OrdersState, item: Item, at: number): void {
  switch (item.type) {
    case 'snapshotBegin':
      state.incoming = { working: {}, positions: {}, limits: {} };
      break;
    case 'snapshotEnd':
      if (state.incoming) Object.assign(state, state.incoming, { whole: true });
      state.incoming = undefined;
      // What was on its way before the snapshot is in it or was not carried out; whoever
      // sent it asks again under the same name.
      break;
    case 'order':
      (state.incoming ?? state).working[item.body.orderId] = item.body;
      break;
    case 'positionUpdate':
      (state.incoming ?? state).positions[keyOf(item.body)] = item.body;
      break;
    case 'limitUpdate':
      (state.incoming ?? state).limits[item.body.account] = item.body;
      break;
    case 'executionReport':
      takeReport(state, item.body);
      break;
    case 'cancelReject': {
      const { requestId, reason, order } = item.body;
      if (order && works(order.status)) state.working[order.orderId] = order;
      if (state.pending[requestId])
        refuse(state, { id: requestId, change: state.pending[requestId].change, problem: problemOfReason(reason, state.pending[requestId]), at });
      break;
    }
  }
}

function takeReport(state: OrdersState, report: Execution): void {
  const { order, requestId } = report;
  if (!order) return;
  if (works(order.status)) state.working[order.orderId] = order;
  else end(state, order);
  const pending = state.pending[requestId];
  delete state.pending[requestId];
  if (report.execType === ExecType.REJECTED)
    refuse(state, {
      id: requestId,
      change: pending?.change,
      problem: problemOfReason(report.reason, pending),
      at: report.time ?? 0,
    });
  if (!state.executions.some((execution) => execution.executionId === report.executionId)) {
    state.executions.unshift(report);
    state.executions.length = Math.min(state.executions.length, kept);
  }
}

/** A refusal by the market in the form of one by the call. */
export function problemOfReason(reason: Execution['reason'], pending: Pending | undefined): Refusal['problem'] {
  // What was withdrawn was refused because this screen asked for that.
  if (pending?.withdrawn && reason?.name === 'STALE_VIEW') return { reason: notEntered, text: '', field: '' };
  return { reason: reason?.name ?? '', text: reason?.text ?? '', field: '' };
}

function refuse(state: OrdersState, refusal: Refusal): void {
  delete state.pending[refusal.id];
  if (state.refusals.some((known) => known.id === refusal.id && known.id !== '')) return;
  state.refusals.unshift(refusal);
  state.refusals.length = Math.min(state.refusals.length, kept);
}

/** Puts an order among the ended ones, in place of an older state of it. */
function end(state: OrdersState, order: Order): void {
  delete state.working[order.orderId];
  const at = state.done.findIndex((known) => known.orderId === order.orderId);
  if (at >= 0) state.done[at] = order;
  else {
    state.done.unshift(order);
    state.done.length = Math.min(state.done.length, kept);
  }
}

export const orders = slice.actions;
export const ordersReducer = slice.reducer;
