// The notification centre's history and the toasts on the screen.
import { createSlice, current, type PayloadAction } from '@reduxjs/toolkit';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { group } from '../../../shared/decimal';
import { feed } from '../feed/slice';
import { orders } from '../orders/slice';
import { session } from '../session/slice';
import { type Known, learned, noUser, type Notice, noticeOf } from './notice';

export interface StoredNotice extends Notice {
  read: boolean;
}

/** One notice, or the latest of several that arrived together, shown over the screen for a while. */
export interface Toast {
  id: number;
  notice: Notice;
  count: number;
  /** Local clock, ms: when the latest of them arrived. */
  at: number;
}

export interface NoticesState {
  /** Newest first. */
  history: StoredNotice[];
  /** Oldest first. */
  toasts: Toast[];
  /** How many notices popped up so far. */
  shown: number;
  /** Messages of types that this version does not know. */
  unknown: number;
  known: Known;
}

const initial: NoticesState = { history: [], toasts: [], shown: 0, unknown: 0, known: noUser };

/** How many notices a session keeps; the oldest are dropped first. */
export const mostNotices = 500;
/** How many toasts are shown at once. */
export const mostToasts = 4;
/** Notices of one group within this time of each other, ms, are one toast. */
export const burstMs = 1_500;

const slice = createSlice({
  name: 'notices',
  initialState: initial,
  reducers: {
    /** Adds a notice that does not come from the stream. */
    noted(state, { payload }: PayloadAction<Notice>) {
      add(state, [payload], payload.at);
    },
    dismissed(state, { payload }: PayloadAction<number>) {
      state.toasts = state.toasts.filter((toast) => toast.id !== payload);
    },
    allDismissed(state) {
      state.toasts = [];
    },
    /** The user has opened the centre. */
    allRead(state) {
      for (const notice of state.history) notice.read = true;
      state.toasts = [];
    },
    cleared(state) {
      state.history = [];
      state.toasts = [];
    },
  },
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => {
        const before = current(state.known);
        let known = before;
        const news: Notice[] = [];
        for (const item of payload.items) {
          const notice = noticeOf(item, known, payload.at);
          if (notice) news.push(notice);
          known = learned(known, item);
        }
        if (known !== before) state.known = known;
        add(state, news, payload.at);
        if (payload.unknown > 0) addUnknown(state, payload.unknown, payload.at);
      })
      .addCase(orders.refused, (state, { payload }) => {
        const { id, change, problem, at } = payload;
        const placed = change?.kind === 'place' ? change.order : undefined;
        const symbol = placed?.symbol ?? (change && change.kind !== 'place' ? change.symbol : '');
        const notice: Notice = {
          id: `refused:${id}`,
          group: 'refusal',
          level: 'warning',
          at,
          text: placed ? 'notice.orderRefused' : 'notice.requestRefused',
          values: { symbol, quantity: group(placed?.quantity ?? '') },
          ...(placed ? { words: { side: placed.side === Side.SELL ? 'side.sell' : 'side.buy' } } : {}),
          why: { reason: problem.reason, text: problem.text },
        };
        add(state, [notice], at);
      })
      .addCase(orders.withdrawing, (state, { payload }) => {
        state.known.withdrawn = [...state.known.withdrawn.slice(1 - mostNotices), payload];
      })
      // The next user must not see the notices of this one.
      .addCase(session.ended, () => initial),
});

/** Adds notices, each once. Without immer's proxies, because a frame may have thousands of fills. */
function add(state: NoticesState, news: readonly Notice[], at: number): void {
  if (news.length === 0) return;
  const { history, toasts } = current(state);
  const known = new Set(history.map(({ id }) => id));
  const fresh: StoredNotice[] = [];
  let shown = toasts;
  for (const notice of news) {
    if (known.has(notice.id)) continue;
    known.add(notice.id);
    fresh.push({ ...notice, read: false });
    if (notice.quiet) continue;
    state.shown += 1;
    const together = shown.findIndex((toast) => toast.notice.group === notice.group && at - toast.at <= burstMs);
    const toast = shown[together];
    if (toast) shown = shown.with(together, { ...toast, notice, count: toast.count + 1, at });
    else shown = [...shown, { id: state.shown, notice, count: 1, at }].slice(-mostToasts);
  }
  if (fresh.length === 0) return;
  state.history = [...fresh.toReversed(), ...history].slice(0, mostNotices);
  if (shown !== toasts) state.toasts = shown;
}

/** Counts unknown messages in one notice, because a newer venue may send many. */
function addUnknown(state: NoticesState, count: number, at: number): void {
  state.unknown += count;
  const note = state.history.find((notice) => notice.id === 'unknown');
  if (note) Object.assign(note, { values: { n: state.unknown }, at });
  else add(state, [{ id: 'unknown', group: 'stream', level: 'info', at, text: 'notice.unknown', values: { n: state.unknown }, quiet: true }], at);
}

export const notices = slice.actions;
export const noticesReducer = slice.reducer;
