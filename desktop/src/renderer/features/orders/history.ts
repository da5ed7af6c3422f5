// Loads executions and ended orders from before the stream began, in pages, newest first: the
// newest page after each snapshot, and an older one whenever the user scrolls that far.
import type { SagaIterator } from 'redux-saga';
import { call, delay, put, race, select, take } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { outcomeUnknown, type Problem, problemOf } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { newerExecution, newerOrder } from './ledger';
import { type Execution, type HistoryOf, type Order, orders, works } from './slice';

/** How many rows a page has. */
const pageSize = 200;

export interface Page<T> {
  /** Newest first. */
  rows: T[];
  /** For the next page; empty at the end. */
  next: string;
}

/** Reads one page of one account; token is empty for the newest. */
export type Load<T> = (account: string, token: string) => Promise<Page<T>>;

interface Source<T> {
  account: string;
  rows: T[];
  token: string;
  ended: boolean;
}

/** Reads the history of several accounts as one. */
export class Pager<T> {
  readonly #sources: Source<T>[];
  readonly #load: Load<T>;
  readonly #newer: (a: T, b: T) => number;

  constructor(accounts: readonly string[], load: Load<T>, newer: (a: T, b: T) => number) {
    this.#sources = accounts.map((account) => ({ account, rows: [], token: '', ended: false }));
    this.#load = load;
    this.#newer = newer;
  }

  /** Up to size rows; fewer only at the end. After a failure the next call continues without skipping a row. */
  async page(size: number): Promise<{ rows: T[]; more: boolean }> {
    const taken: { source: Source<T>; row: T }[] = [];
    try {
      for (;;) {
        await this.#fill();
        const [source] = this.#sources.filter(({ rows }) => rows.length > 0).toSorted((a, b) => this.#newer(a.rows[0]!, b.rows[0]!));
        if (!source || taken.length === size) return { rows: taken.map(({ row }) => row), more: source !== undefined };
        taken.push({ source, row: source.rows.shift()! });
      }
    } catch (error) {
      for (const { source, row } of taken.toReversed()) source.rows.unshift(row);
      throw error;
    }
  }

  /** The newest row is known only when each account has loaded at least one. */
  async #fill(): Promise<void> {
    for (const source of this.#sources)
      while (source.rows.length === 0 && !source.ended) {
        const { rows, next } = await this.#load(source.account, source.token);
        Object.assign(source, { rows: [...rows], token: next, ended: next === '' });
      }
  }
}

const firstRetryMs = 2_000;
const mostRetryMs = 60_000;

/** Whether trying again can help. */
function passing(problem: Problem): boolean {
  return outcomeUnknown(problem) || ['TOKEN_EXPIRED', 'BUSY', 'TOO_MANY_CALLS'].includes(problem.reason);
}

/** Loads one of the two histories, of executions or of ended orders, until cancelled. */
export function* keepHistory(venue: Venue, of: HistoryOf): SagaIterator<void> {
  let read: (() => Promise<ReturnType<typeof orders.executionsLoaded> | ReturnType<typeof orders.doneLoaded>>) | undefined;
  let snapshots = 0;
  let wait = firstRetryMs;
  for (;;) {
    const state: RootState = yield select();
    const { orders: held, feed: stream, session } = state;
    if (held.snapshots === 0 || held.history[of] !== 'loading') {
      yield take([feed.received.type, orders.olderWanted.type]);
      continue;
    }
    const first = held.snapshots !== snapshots || !read;
    if (first) {
      snapshots = held.snapshots;
      read = reader(venue, of, session.user?.accounts ?? [], stream.cursor);
    }
    try {
      const loaded: Awaited<ReturnType<NonNullable<typeof read>>> = yield call(read!);
      const after: RootState = yield select();
      // A snapshot arrived meanwhile: there may be a gap between it and this page.
      if (after.orders.snapshots === snapshots) yield put(loaded);
      wait = firstRetryMs;
    } catch (error) {
      if (first) read = undefined;
      yield put(orders.historyFailed(of));
      if (!passing(problemOf(error))) continue;
      // Tried again after a while, or at once when the user scrolls.
      yield race({ waited: delay(wait), wanted: take(orders.olderWanted.type) });
      wait = Math.min(2 * wait, mostRetryMs);
      yield put(orders.olderWanted(of));
    }
  }
}

function reader(venue: Venue, of: HistoryOf, accounts: readonly string[], cursor: string) {
  // The first page must include at least what the stream has delivered.
  const request = (account: string, pageToken: string) => ({ account, pageToken, pageSize, waitFor: pageToken === '' ? cursor : '' });
  let first = true;
  const newest = (): boolean => {
    const is = first;
    first = false;
    return is;
  };
  if (of === 'executions') {
    const pager = new Pager<Execution>(
      accounts,
      async (account, token) => {
        const reply = await venue.orders.listExecutions(request(account, token));
        return { rows: reply.executions.map((execution) => plain(execution)), next: reply.nextPageToken };
      },
      newerExecution,
    );
    return async () => {
      const page = await pager.page(pageSize);
      return orders.executionsLoaded({ ...page, newest: newest() });
    };
  }
  const pager = new Pager<Order>(
    accounts,
    async (account, token) => {
      const reply = await venue.orders.listOrders(request(account, token));
      return { rows: reply.orders.map((order) => plain(order)).filter((order) => !works(order.status)), next: reply.nextPageToken };
    },
    newerOrder,
  );
  return async () => {
    const page = await pager.page(pageSize);
    return orders.doneLoaded({ ...page, newest: newest() });
  };
}
