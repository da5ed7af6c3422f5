// The outcomes of mass cancels. Cancelled orders are counted only by the stream's reports.
import { createSlice } from '@reduxjs/toolkit';
import { ExecType } from '../../../gen/todoku/v1/types_pb';
import { feed } from '../feed/slice';
import { orders, type Refusal } from '../orders/slice';
import { session } from '../session/slice';

export interface Round {
  id: string;
  state: 'sent' | 'unknown' | 'done' | 'refused';
  /** Orders that it cancelled, by the stream's reports. */
  cancelled: number;
  /** A snapshot arrived since: cancels before it may have no reports. */
  uncounted: boolean;
  problem: Refusal['problem'] | undefined;
}

export interface CancelAllState {
  /** Newest first. */
  rounds: Round[];
}

const initial: CancelAllState = { rounds: [] };

const mostRounds = 20;

const slice = createSlice({
  name: 'cancelAll',
  initialState: initial,
  reducers: {},
  extraReducers: (builder) =>
    builder
      .addCase(orders.requested, (state, { payload: { id, change } }) => {
        if (change.kind !== 'cancelAll') return;
        state.rounds.unshift({ id, state: 'sent', cancelled: 0, uncounted: false, problem: undefined });
        if (state.rounds.length > mostRounds) state.rounds.pop();
      })
      .addCase(orders.outcomeUnknown, (state, { payload }) => {
        const round = find(state, payload);
        if (round?.state === 'sent') round.state = 'unknown';
      })
      .addCase(orders.refused, (state, { payload }) => {
        const round = find(state, payload.id);
        if (round) Object.assign(round, { state: 'refused', problem: payload.problem });
      })
      .addCase(orders.settled, (state, { payload }) => {
        const round = find(state, payload.id);
        if (round) round.state = 'done';
      })
      .addCase(feed.received, (state, { payload }) => {
        if (state.rounds.length === 0) return;
        const known = new Map(state.rounds.map((round) => [round.id, round]));
        for (const { type, body } of payload.items) {
          if (type === 'snapshotBegin') {
            for (const round of known.values()) if (round.state === 'sent' || round.state === 'unknown') round.uncounted = true;
          } else if (type === 'executionReport' && body.execType === ExecType.CANCELED) {
            const round = known.get(body.requestId);
            if (!round) continue;
            round.cancelled += 1;
            round.state = 'done';
          }
        }
      })
      .addCase(session.ended, () => initial),
});

const find = (state: CancelAllState, id: string): Round | undefined => state.rounds.find((round) => round.id === id);

export const cancelAllReducer = slice.reducer;
