// Rows of the blotters, derived from the slices. An unchanged row stays the same object, so that
// a table renders only changed rows.
import { createSelector } from '@reduxjs/toolkit';
import { Side } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { type Execution, notEntered, type Order, type Pending, type Refusal } from '../orders/slice';
import { type Note } from './activity';
import { positionRow, type PositionRow } from './result';

/** An order, or a requested order that the stream has not reported yet. */
export interface OrderRow {
  key: string;
  order: Order | undefined;
  /** A pending request for it. */
  pending: Pending | undefined;
}

/** The request that concerns an order: the latest, if there are several. */
function concerning(pendings: readonly Pending[], order: Order): Pending | undefined {
  return pendings.findLast(({ change }) => {
    switch (change.kind) {
      case 'place':
        return false;
      case 'cancelAll':
        return (change.account === '' || change.account === order.account) && (change.symbol === '' || change.symbol === order.symbol) && (change.side === Side.UNSPECIFIED || change.side === order.side);
      default:
        return change.orderId === order.orderId;
    }
  });
}

const quiet = new WeakMap<Order, OrderRow>();

function orderRow(order: Order, pendings: readonly Pending[]): OrderRow {
  const pending = pendings.length === 0 ? undefined : concerning(pendings, order);
  if (pending) return { key: order.orderId, order, pending };
  let row = quiet.get(order);
  if (!row) quiet.set(order, (row = { key: order.orderId, order, pending: undefined }));
  return row;
}

/** Pending new orders, then working orders, the last entered first. */
export const selectWorkingRows: (state: RootState) => OrderRow[] = createSelector(
  [(state: RootState) => state.orders.working, (state: RootState) => state.orders.pending],
  (working, pending) => {
    const pendings = Object.values(pending);
    const placed = pendings.filter(({ change }) => change.kind === 'place').map((one): OrderRow => ({ key: one.id, order: undefined, pending: one }));
    // Objects list integer keys in rising order.
    const rows = Object.values(working)
      .map((order) => orderRow(order, pendings))
      .toReversed();
    return [...placed.toReversed(), ...rows];
  },
);

/** The same, followed by the ended orders. */
export const selectAllOrderRows: (state: RootState) => OrderRow[] = createSelector(
  [selectWorkingRows, (state: RootState) => state.orders.done],
  (working, done) => [...working, ...done.map((order) => orderRow(order, []))],
);

/** Something that happened: an execution, or a request of this screen or its answer. */
export interface ActivityRow {
  key: string;
  time: number;
  symbol: string;
  side: Side;
  price: string;
  quantity: string;
  orderId: string;
  requestId: string;
  execution: Execution | undefined;
  note: Note | undefined;
  problem: Refusal['problem'] | undefined;
}

const ofExecution = new WeakMap<Execution, ActivityRow>();

export function executionRow(execution: Execution): ActivityRow {
  const known = ofExecution.get(execution);
  if (known) return known;
  const { order, reason } = execution;
  const traded = execution.lastQuantity !== '' && execution.lastQuantity !== '0';
  const row: ActivityRow = {
    key: execution.executionId,
    time: execution.time ?? 0,
    symbol: order?.symbol ?? '',
    side: order?.side ?? Side.UNSPECIFIED,
    price: (traded ? execution.lastPrice : order?.price) ?? '',
    quantity: (traded ? execution.lastQuantity : order?.quantity) ?? '',
    orderId: order?.orderId ?? '',
    requestId: execution.requestId,
    execution,
    note: undefined,
    problem: reason && reason.name !== '' ? { reason: reason.name, text: reason.text, field: '' } : undefined,
  };
  ofExecution.set(execution, row);
  return row;
}

function noteRow(note: Note): ActivityRow {
  const { change, order } = note;
  const requested = change?.kind === 'place' ? change.order : change?.kind === 'replace' ? change : undefined;
  return {
    key: `note-${note.number}`,
    time: note.time,
    symbol: order?.symbol ?? (change?.kind === 'place' ? change.order.symbol : (change?.symbol ?? '')),
    side: order?.side ?? (change?.kind === 'place' ? change.order.side : change?.kind === 'cancelAll' ? change.side : Side.UNSPECIFIED),
    price: requested?.price ?? order?.price ?? '',
    quantity: requested?.quantity ?? order?.quantity ?? '',
    orderId: order?.orderId ?? (change?.kind === 'replace' || change?.kind === 'cancel' ? change.orderId : ''),
    requestId: note.id,
    execution: undefined,
    note,
    problem: note.problem,
  };
}

/** Trades, newest first. */
export const selectExecutionRows: (state: RootState) => ActivityRow[] = createSelector([(state: RootState) => state.orders.executions], (executions) =>
  executions.filter((one) => one.tradeId !== '' && one.tradeId !== '0').map(executionRow),
);

const sequenceOf = ({ executionId }: Execution): number => Number(executionId.slice(0, executionId.indexOf('-')));

/** Everything that happened, newest first, in the venue's order. */
export function activityRows(executions: readonly Execution[], notes: readonly Note[]): ActivityRow[] {
  const withdrawn = new Set(notes.filter(({ kind }) => kind === 'withdrawing').map(({ id }) => id));
  const rows: ActivityRow[] = [];
  let next = 0;
  const until = (sequence: number): void => {
    for (; next < executions.length && sequenceOf(executions[next]!) > sequence; next++) {
      const row = executionRow(executions[next]!);
      // This screen itself asked the venue to refuse the late order, so the reason STALE_VIEW is not shown.
      rows.push(row.problem?.reason === 'STALE_VIEW' && withdrawn.has(row.requestId) ? { ...row, problem: { reason: notEntered, text: '', field: '' } } : row);
    }
  };
  for (const note of notes) {
    until(note.sequence);
    rows.push(noteRow(note));
  }
  until(-1);
  return rows;
}

export const selectActivityRows: (state: RootState) => ActivityRow[] = createSelector(
  [(state: RootState) => state.orders.executions, (state: RootState) => state.activity.notes],
  activityRows,
);

/** Positions with their present value; unchanged ones are the same objects. */
export function positionRows(): (state: RootState) => PositionRow[] {
  let before: { rows: PositionRow[]; made: Map<string, { of: unknown[]; row: PositionRow }> } = { rows: [], made: new Map() };
  return ({ orders, market }) => {
    const made: typeof before.made = new Map();
    const rows = Object.values(orders.positions).map((position) => {
      const quote = market.quotes[position.symbol];
      const instrument = market.instruments[position.symbol];
      const key = `${position.account} ${position.symbol}`;
      const awaited = !market.begun[position.symbol];
      const of = [position, instrument, quote?.bid?.price, quote?.offer?.price, awaited];
      const known = before.made.get(key);
      const row = known?.of.every((one, at) => one === of[at]) ? known.row : positionRow(position, instrument, quote, awaited);
      made.set(key, { of, row });
      return row;
    });
    rows.sort((a, b) => (a.key < b.key ? -1 : 1));
    const same = rows.length === before.rows.length && rows.every((row, at) => row === before.rows[at]);
    before = { rows: same ? before.rows : rows, made };
    return before.rows;
  };
}
