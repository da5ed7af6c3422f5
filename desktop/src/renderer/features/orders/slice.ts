// Orders, executions and positions. A request is pending until the stream, not the reply,
// has delivered its outcome.
import { createSlice, original, type PayloadAction } from '@reduxjs/toolkit';
import type { Side } from '../../../gen/todoku/v1/types_pb';
import { feed } from '../feed/slice';
import { session } from '../session/slice';
import { afterFrame, type Loaded, withEnded, withHistory, withRefusal } from './ledger';
import { type Change, type Execution, type HistoryOf, initial, type Order, type Pending, type Refusal, works } from './model';

export * from './model';

/** Says when, by the local clock, ms. */
type Stamped<P> = PayloadAction<P, string, { at: number }>;

const stamped = <P,>(payload: P) => ({ payload, meta: { at: Date.now() } });

const slice = createSlice({
  name: 'orders',
  initialState: initial,
  reducers: {
    /** The user requests a change. id is the client order id. */
    requested: {
      reducer(state, { payload }: PayloadAction<Pending>) {
        state.pending[payload.id] = payload;
      },
      prepare: (change: Change, id: string, sentAt: number) => ({ payload: { id, change, sentAt, unknown: false, taken: false, withdrawn: false } }),
    },
    /** The user requests a mass cancel: of one instrument, of one side of it, or of everything. */
    cancelAll(_state, _action: PayloadAction<{ account: string; symbol?: string; side?: Side }>) {},
    /** No answer arrived. */
    outcomeUnknown: {
      reducer(state, { payload }: Stamped<string>) {
        const pending = state.pending[payload];
        if (pending) pending.unknown = true;
      },
      prepare: stamped<string>,
    },
    /** Nothing may be entered under this id any more. */
    withdrawing: {
      reducer(state, { payload }: Stamped<string>) {
        const pending = state.pending[payload];
        if (pending) pending.withdrawn = true;
      },
      prepare: stamped<string>,
    },
    /** The venue refused the request, and nothing was changed. */
    refused: (state, { payload }: PayloadAction<Refusal>) => withRefusal(original(state)!, payload),
    /** The venue accepted the request; the stream delivers the outcome, or has already. */
    taken(state, { payload }: PayloadAction<string>) {
      const pending = state.pending[payload];
      if (pending) Object.assign(pending, { taken: true, unknown: false });
    },
    /**
     * The outcome is known although the stream, which began later, will not report it. order is
     * the order that the request entered or changed, if any.
     */
    settled: {
      reducer(state, { payload: { id, order } }: Stamped<{ id: string; order?: Order }>) {
        const before = original(state)!;
        const { [id]: _, ...pending } = before.pending;
        // Only the stream changes working orders: an answer may be ahead of it.
        const ended = order && !works(order.status) && !before.working[order.orderId] ? [order] : [];
        return withEnded({ ...before, pending }, ended);
      },
      prepare: stamped<{ id: string; order?: Order }>,
    },
    /** The user wants to see older rows. */
    olderWanted(state, { payload }: PayloadAction<HistoryOf>) {
      if (state.history[payload] === 'more' || state.history[payload] === 'failed') state.history[payload] = 'loading';
    },
    /** Executions from history. newest: there may be a gap between them and the rows held. */
    executionsLoaded: (state, { payload }: PayloadAction<Loaded<Execution>>) => withHistory(original(state)!, 'executions', payload),
    /** Ended orders from history. */
    doneLoaded: (state, { payload }: PayloadAction<Loaded<Order>>) => withHistory(original(state)!, 'done', payload),
    historyFailed(state, { payload }: PayloadAction<HistoryOf>) {
      state.history[payload] = 'failed';
    },
  },
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => afterFrame(original(state)!, payload))
      .addCase(session.ended, () => initial),
});

export const orders = slice.actions;
export const ordersReducer = slice.reducer;
