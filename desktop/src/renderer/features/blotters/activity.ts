// What this page requested, and the answers: sent requests, unknown outcomes, refusals. With the
// executions, which are in history, it is everything that happened to the user, in the venue's
// order.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { Reset_Cause } from '../../../gen/todoku/v1/notification_pb';
import { ExecType } from '../../../gen/todoku/v1/types_pb';
import { sequenceOf } from '../feed/cursor';
import type { Item } from '../feed/items';
import { feed } from '../feed/slice';
import { bookAwaited, type Change, notLive, type Order, orders, type Pending, problemOfReason, type Refusal } from '../orders/slice';
import { session } from '../session/slice';

export interface Note {
  /** The note's number. */
  number: number;
  kind: 'sent' | 'unknown' | 'withdrawing' | 'refused' | 'settled';
  /** The venue's sequence at that time: what happened later has a higher one. */
  sequence: number;
  /** The venue's clock, ms, as far as it is known. */
  time: number;
  /** The client order id of the request. */
  id: string;
  change: Change | undefined;
  /** The order of a refused amendment or cancel, which stays as it is. */
  order: Order | undefined;
  problem: Refusal['problem'] | undefined;
}

export interface ActivityState {
  /** Newest first. */
  notes: Note[];
  /** How many there ever were. */
  count: number;
  sequence: number;
  /** The venue's clock minus the local one, ms. */
  clockOffset: number;
  /** Requests without an outcome yet, by request id. */
  unanswered: Record<string, Change>;
  /** Ids of requests whose refusal is among the notes. */
  refused: Record<string, true>;
}

const initial: ActivityState = { notes: [], count: 0, sequence: 0, clockOffset: 0, unanswered: {}, refused: {} };

/** How many notes a screen keeps. */
const mostNotes = 1_000;

const slice = createSlice({
  name: 'activity',
  initialState: initial,
  reducers: {},
  extraReducers: (builder) =>
    builder
      .addCase(orders.requested, (state, { payload }: PayloadAction<Pending>) => {
        state.unanswered[payload.id] = payload.change;
        note(state, { kind: 'sent', id: payload.id, time: payload.sentAt + state.clockOffset });
      })
      .addCase(orders.outcomeUnknown, (state, { payload, meta }) => {
        // The request is sent repeatedly, but noted once.
        if (!noted(state, 'unknown', payload)) note(state, { kind: 'unknown', id: payload, time: meta.at + state.clockOffset });
      })
      .addCase(orders.withdrawing, (state, { payload, meta }) => {
        if (!noted(state, 'withdrawing', payload)) note(state, { kind: 'withdrawing', id: payload, time: meta.at + state.clockOffset });
      })
      .addCase(orders.refused, (state, { payload }) => {
        // The request was not sent.
        if (payload.problem.reason === notLive || payload.problem.reason === bookAwaited) state.notes = state.notes.filter((known) => known.id !== payload.id);
        note(state, { kind: 'refused', id: payload.id, problem: payload.problem, time: payload.at + state.clockOffset });
        delete state.unanswered[payload.id];
      })
      .addCase(orders.settled, (state, { payload, meta }) => {
        note(state, { kind: 'settled', id: payload.id, time: meta.at + state.clockOffset });
        delete state.unanswered[payload.id];
      })
      .addCase(feed.received, (state, { payload }) => {
        for (const item of payload.items) take(state, item, payload.at);
        if (payload.cursor !== '') state.sequence = sequenceOf(payload.cursor);
      })
      .addCase(session.ended, () => initial),
});

function noted(state: ActivityState, kind: Note['kind'], id: string): boolean {
  return state.notes.some((known) => known.id === id && known.kind === kind);
}

function note(state: ActivityState, fields: Partial<Note> & Pick<Note, 'kind' | 'id' | 'time'>): void {
  state.count += 1;
  if (fields.kind === 'refused') state.refused[fields.id] = true;
  state.notes.unshift({ number: state.count, sequence: state.sequence, change: state.unanswered[fields.id], order: undefined, problem: undefined, ...fields });
  const removed = state.notes.length > mostNotes ? state.notes.pop() : undefined;
  if (removed?.kind === 'refused') delete state.refused[removed.id];
}

function take(state: ActivityState, item: Item, at: number): void {
  switch (item.type) {
    case 'hello':
      state.clockOffset = (item.body.serverTime ?? at) - at;
      break;
    case 'heartbeat':
      if (item.body.serverTime !== undefined) state.clockOffset = Math.max(state.clockOffset, item.body.serverTime - at);
      break;
    case 'reset':
      // Sequences of another journal cannot be compared: older notes come before all of this journal.
      if (item.body.cause === Reset_Cause.UNKNOWN_EPOCH) for (const known of state.notes) known.sequence = -1;
      break;
    case 'cancelReject': {
      const { requestId, reason, order } = item.body;
      replaceRefusal(state, requestId);
      note(state, { kind: 'refused', id: requestId, sequence: item.sequence, time: item.time, order, problem: problemOfReason(reason, { withdrawn: noted(state, 'withdrawing', requestId) }) });
      delete state.unanswered[requestId];
      break;
    }
    case 'executionReport': {
      const { requestId, execType } = item.body;
      // The answer may have come first. The report has the same content and a sequence.
      if (execType === ExecType.REJECTED) replaceRefusal(state, requestId);
      if (requestId in state.unanswered) delete state.unanswered[requestId];
      break;
    }
  }
}

function replaceRefusal(state: ActivityState, id: string): void {
  if (!state.refused[id]) return;
  delete state.refused[id];
  state.notes = state.notes.filter((known) => known.id !== id || known.kind !== 'refused');
}

export const activityReducer = slice.reducer;
