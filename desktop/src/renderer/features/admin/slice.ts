// The admin page: which part is shown, lists as of when they were loaded, and the outcomes of
// changes. Messages of the stream that concern a list update it.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Problem } from '../../venue/problem';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';
import type { Change } from './changes';
import type { Answers, List, Query, User } from './queries';
import { isStaff } from './rights';

export const tabs = ['instruments', 'users', 'limits', 'connections', 'announce', 'trades', 'audit', 'venue'] as const;
export type Tab = (typeof tabs)[number];

export interface Listing<L extends List> {
  value: Answers[L] | undefined;
  /** The last query. */
  query: Extract<Query, { list: L }> | undefined;
  /** Local clock, ms: when the value was current. */
  asOf: number;
  loading: boolean;
  problem: Problem | undefined;
  /** The value may be outdated by a later event. */
  outdated: boolean;
}

export type Lists = { [L in List]: Listing<L> };

export interface Request {
  id: string;
  change: Change;
  /**
   * Pending until there is an answer; taken until the stream has delivered the change too.
   * Unknown if there was no answer: the change may have happened.
   */
  state: 'pending' | 'taken' | 'unknown' | 'refused' | 'done';
  problem: Pick<Problem, 'reason' | 'text' | 'field'> | undefined;
  count: number | undefined;
}

export interface AdminState {
  open: boolean;
  tab: Tab;
  /** Who is signed in here. */
  self: string;
  lists: Lists;
  /** By request id, until the user has seen the outcome. */
  requests: Record<string, Request>;
  /** Requests with an outcome, newest first. */
  ended: Request[];
}

const none = { value: undefined, query: undefined, asOf: 0, loading: false, problem: undefined, outdated: false };

const initial: AdminState = {
  open: false,
  tab: 'instruments',
  self: '',
  lists: { users: none, connections: none, connection: none, limits: none, trades: none, audit: none, recipients: none },
  requests: {},
  ended: [],
};

const endedKept = 20;

interface Sent {
  id: string;
  change: Change;
  sentAt: number;
  /** Not enumerable, so that logs and tools that print actions do not show it. */
  password?: () => string;
}

const slice = createSlice({
  name: 'admin',
  initialState: initial,
  reducers: {
    opened(state) {
      state.open = true;
    },
    closed(state) {
      state.open = false;
    },
    choseTab(state, { payload }: PayloadAction<Tab>) {
      state.tab = payload;
    },
    /** Load a list. */
    wanted(state, { payload }: PayloadAction<Query>) {
      const listing: Listing<List> = state.lists[payload.list];
      const more = payload.list === 'audit' && payload.pageToken !== '';
      // Do not show the answer to another query while this one is loading.
      if (!more && !sameQuestion(listing.query, payload)) listing.value = undefined;
      listing.query = payload;
      listing.loading = true;
      listing.problem = undefined;
    },
    loaded(state, { payload }: PayloadAction<{ query: Query; value: Answers[List]; at: number }>) {
      const { query, value, at } = payload;
      const listing: Listing<List> = state.lists[query.list];
      if (query.list === 'audit' && query.pageToken !== '') {
        const page = value as Answers['audit'];
        const { audit } = state.lists;
        audit.value = { entries: [...(audit.value?.entries ?? []), ...page.entries], nextPageToken: page.nextPageToken };
      } else {
        listing.value = value;
        listing.asOf = at;
        listing.outdated = false;
      }
      listing.loading = false;
    },
    loadFailed(state, { payload }: PayloadAction<{ query: Query; problem: Problem }>) {
      const listing = state.lists[payload.query.list];
      listing.loading = false;
      listing.problem = payload.problem;
    },
    /** The user requests a change. Logs and tools that record actions do not see the password. */
    requested: {
      reducer(state, { payload }: PayloadAction<Sent>) {
        const { id, change } = payload;
        state.requests[id] = { id, change, state: 'pending', problem: undefined, count: undefined };
      },
      prepare: (change: Change, id: string, sentAt: number, password = '') => {
        const payload: Sent = { id, change, sentAt };
        Object.defineProperty(payload, 'password', { value: () => password, enumerable: false });
        return { payload };
      },
    },
    taken(state, { payload }: PayloadAction<string>) {
      const request = state.requests[payload];
      if (request) request.state = 'taken';
    },
    outcomeUnknown(state, { payload }: PayloadAction<string>) {
      const request = state.requests[payload];
      if (request) request.state = 'unknown';
    },
    /** The user sends the request again, with the same id, to learn its outcome. */
    askedAgain(state, { payload }: PayloadAction<string>) {
      const request = state.requests[payload];
      if (request) request.state = 'pending';
    },
    refused(state, { payload }: PayloadAction<{ id: string; problem: NonNullable<Request['problem']> }>) {
      const request = state.requests[payload.id];
      if (request) Object.assign(request, { state: 'refused', problem: payload.problem });
    },
    done(state, { payload }: PayloadAction<{ id: string; count: number | undefined }>) {
      const request = state.requests[payload.id];
      if (request) end(state, { ...request, state: 'done', count: payload.count });
    },
    /** The user has seen the outcome, or does not want to wait for it. */
    dismissed(state, { payload }: PayloadAction<string>) {
      const request = state.requests[payload];
      if (request?.state === 'unknown') end(state, request);
      else delete state.requests[payload];
    },
  },
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => {
        for (const item of payload.items) take(state, item, payload.at);
      })
      .addCase(session.ended, () => initial),
});

function end(state: AdminState, request: Request): void {
  delete state.requests[request.id];
  state.ended.unshift(request);
  state.ended.length = Math.min(state.ended.length, endedKept);
}

function sameQuestion(a: Query | undefined, b: Query): boolean {
  return JSON.stringify({ ...a, pageToken: '' }) === JSON.stringify({ ...b, pageToken: '' });
}

function take(state: AdminState, item: Item, at: number): void {
  const { users, limits, trades } = state.lists;
  switch (item.type) {
    case 'hello':
      state.self = item.body.user?.user ?? '';
      if (!isStaff(item.body.user?.roles)) Object.assign(state, initial, { self: state.self });
      break;
    case 'snapshotBegin':
      // Events before the snapshot may be missing.
      for (const listing of Object.values(state.lists)) listing.outdated = listing.value !== undefined;
      break;
    case 'userUpdate':
      // Remove the data if the user is no longer staff.
      if (item.body.user === state.self && !isStaff(item.body.roles)) Object.assign(state, initial, { self: state.self });
      else if (users.value) {
        upsert(users.value, item.body);
        users.asOf = at;
      }
      break;
    case 'userPresence': {
      if (!users.value) break;
      const { displayName, online } = item.body;
      const named = users.value.filter((user) => user.displayName === displayName);
      // Presence has display names only, and two users may have the same.
      if (named.length === 1) Object.assign(named[0]!, { online, since: item.time });
      else users.outdated = true;
      break;
    }
    case 'limitUpdate':
      if (limits.query?.account === item.body.account) Object.assign(limits, { value: item.body, asOf: at, outdated: false });
      break;
    case 'tradePrint': {
      const known = trades.value?.find((print) => print.tradeId === item.body.tradeId);
      if (known) Object.assign(known, item.body);
      else if (trades.query?.symbol === item.body.symbol) trades.outdated = true;
      break;
    }
  }
}

function upsert(users: User[], user: User): void {
  const at = users.findIndex((known) => known.user >= user.user);
  if (at < 0) users.push(user);
  else users.splice(at, users[at]!.user === user.user ? 1 : 0, user);
}

export const admin = slice.actions;
export const adminReducer = slice.reducer;
