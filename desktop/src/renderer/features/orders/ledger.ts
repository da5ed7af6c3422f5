// How a frame of the stream, a page of history and a refusal change orders, executions and
// positions. Pure functions without immer: a mass cancel is a thousand reports in one frame,
// and each would walk thousands of proxies.
import { ExecType } from '../../../gen/todoku/v1/types_pb';
import type { Received } from '../feed/slice';
import { Reset_Cause } from '../../../gen/todoku/v1/notification_pb';
import { type Execution, type HistoryOf, type Order, type OrdersState, type Position, problemOfReason, type Refusal, works } from './model';

/** How many rows a screen keeps; history has the others. */
export const mostRows = { executions: 10_000, done: 5_000, refusals: 1_000 } as const;

/** A page of history. */
export interface Loaded<T> {
  /** Newest first. */
  rows: T[];
  /** Whether it is the newest page: there may be a gap between it and the rows held. */
  newest: boolean;
  /** There are older pages. */
  more: boolean;
}

/** What a snapshot contains and events change. */
type Current = Pick<OrdersState, 'working' | 'positions' | 'limits'>;

const keyOf = (position: Position): string => `${position.account} ${position.symbol}`;

/** Compares execution ids, which are a sequence and an index: the newest first. */
export function newerExecution(a: Pick<Execution, 'executionId'>, b: Pick<Execution, 'executionId'>): number {
  const [s = '', i = ''] = a.executionId.split('-');
  const [t = '', j = ''] = b.executionId.split('-');
  return Number(t) - Number(s) || Number(j) - Number(i);
}

/** Compares order ids, which are numbers in the order of entry: the newest first. */
export function newerOrder(a: Pick<Order, 'orderId'>, b: Pick<Order, 'orderId'>): number {
  return b.orderId.length - a.orderId.length || (a.orderId < b.orderId ? 1 : a.orderId > b.orderId ? -1 : 0);
}

/** Merges two lists that are sorted newest first; of a row in both lists the first list's is kept. */
function joined<T>(first: readonly T[], second: readonly T[], newer: (a: T, b: T) => number): T[] {
  if (first.length === 0 || second.length === 0) return [...first, ...second];
  // Rows of the stream are usually newer than all others.
  if (newer(first.at(-1)!, second[0]!) < 0) return [...first, ...second];
  const all: T[] = [];
  let i = 0;
  let j = 0;
  while (i < first.length && j < second.length) {
    const order = newer(first[i]!, second[j]!);
    if (order <= 0) all.push(first[i++]!);
    else all.push(second[j]!);
    if (order >= 0) j++;
  }
  return [...all, ...first.slice(i), ...second.slice(j)];
}

/** The state after the items of one frame; the same object if none of them concerns it. */
export function afterFrame(state: OrdersState, { items, at }: Received): OrdersState {
  let after = state;
  // Each map is copied when it is first written to.
  const owned = new Map<object, object>();
  const own = <T extends object>(map: T): T => {
    if (!owned.has(map)) {
      const copy = { ...map };
      owned.set(map, copy).set(copy, copy);
    }
    return owned.get(map) as T;
  };
  const change = (): OrdersState => (after = own(after));
  /** The map that a snapshot or an event writes into. */
  const into = <K extends keyof Current>(key: K): Current[K] => {
    const to = change();
    const current: Current = to.incoming ? (to.incoming = own(to.incoming)) : to;
    return (current[key] = own(current[key]));
  };
  let fresh: Execution[] = [];
  let ended: Order[] = [];
  for (const item of items)
    switch (item.type) {
      case 'reset':
        change().newJournal ||= item.body.cause === Reset_Cause.UNKNOWN_EPOCH;
        break;
      case 'snapshotBegin':
        change().incoming = { working: {}, positions: {}, limits: {} };
        break;
      case 'snapshotEnd': {
        const to = change();
        Object.assign(to, to.incoming, { incoming: undefined, complete: true, snapshots: to.snapshots + 1, history: { executions: 'loading', done: 'loading' } });
        // A request from before the snapshot is in it or was not carried out; the saga that
        // sent it asks again under the same id.
        if (to.newJournal) {
          [fresh, ended] = [[], []];
          Object.assign(to, { executions: [], done: [], newJournal: false });
        }
        break;
      }
      case 'order':
        into('working')[item.body.orderId] = item.body;
        break;
      case 'positionUpdate':
        into('positions')[keyOf(item.body)] = item.body;
        break;
      case 'limitUpdate':
        into('limits')[item.body.account] = item.body;
        break;
      case 'cancelReject': {
        const { requestId, reason, order } = item.body;
        if (order && works(order.status)) into('working')[order.orderId] = order;
        const pending = after.pending[requestId];
        if (pending) after = withRefusal(after, { id: requestId, change: pending.change, problem: problemOfReason(reason, pending), at });
        break;
      }
      case 'executionReport': {
        const { order, requestId, execType, reason, time } = item.body;
        if (!order) break;
        fresh.push(item.body);
        if (works(order.status)) into('working')[order.orderId] = order;
        else {
          delete into('working')[order.orderId];
          ended.push(order);
        }
        const pending = after.pending[requestId];
        if (execType === ExecType.REJECTED) after = withRefusal(after, { id: requestId, change: pending?.change, problem: problemOfReason(reason, pending), at: time ?? 0 });
        else if (pending) {
          const to = change();
          to.pending = own(to.pending);
          delete to.pending[requestId];
        }
        break;
      }
    }
  return fresh.length === 0 ? after : withEnded(withExecutions(after, fresh), ended);
}

function withExecutions(state: OrdersState, fresh: Execution[]): OrdersState {
  return bounded(state, 'executions', joined(fresh.toSorted(newerExecution), state.executions, newerExecution));
}

/** Adds ended orders, replacing older states of the same orders. */
export function withEnded(state: OrdersState, ended: readonly Order[]): OrdersState {
  // The last state of each order counts.
  const last = new Map(ended.map((order) => [order.orderId, order]));
  return ended.length === 0 ? state : bounded(state, 'done', joined([...last.values()].toSorted(newerOrder), state.done, newerOrder));
}

/** Adds a page of history. */
export function withHistory<K extends HistoryOf>(state: OrdersState, of: K, { rows, newest, more }: Loaded<OrdersState[K][number]>): OrdersState {
  type Row = OrdersState[K][number];
  const newer = (of === 'executions' ? newerExecution : newerOrder) as (a: Row, b: Row) => number;
  const oldest = rows.at(-1);
  let known = state[of] as Row[];
  // There may be a gap between the newest page and the rows held, so they are loaded again.
  if (newest && more && oldest) known = known.filter((row) => newer(row, oldest) <= 0);
  // An order that still works here has ended in history: the stream will report it shortly.
  const added = of === 'done' ? rows.filter((row) => !state.working[(row as Order).orderId]) : rows;
  return bounded({ ...state, history: { ...state.history, [of]: more ? 'more' : 'end' } }, of, joined(known, added, newer));
}

function bounded<K extends HistoryOf>(state: OrdersState, of: K, rows: OrdersState[K][number][]): OrdersState {
  if (rows.length <= mostRows[of]) return { ...state, [of]: rows };
  return { ...state, [of]: rows.slice(0, mostRows[of]), history: { ...state.history, [of]: 'full' } };
}

/** Adds a refusal once, and removes the pending request. */
export function withRefusal(state: OrdersState, refusal: Refusal): OrdersState {
  const { [refusal.id]: _, ...pending } = state.pending;
  if (refusal.id !== '' && state.refusals.some((known) => known.id === refusal.id)) return { ...state, pending };
  return { ...state, pending, refusals: [refusal, ...state.refusals.slice(0, mostRows.refusals - 1)] };
}
