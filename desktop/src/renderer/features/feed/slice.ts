// The state of the stream, from which the screen derives whether it is current.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { Hello_Start } from '../../../gen/todoku/v1/notification_pb';
import type { Problem } from '../../venue/problem';
import { sequenceOf } from './cursor';
import type { Item } from './items';

export type Phase =
  /** Nobody is signed in. */
  | 'off'
  /** Other tabs use all streams that the browser allows. */
  | 'waiting'
  /** A stream is being opened. */
  | 'connecting'
  /** A snapshot or a replay is coming in. */
  | 'catchingUp'
  /** Everything that is shown is current. */
  | 'live'
  /** The stream is lost; the next attempt is at retryAt. */
  | 'retrying'
  /** Another window took the connection over. */
  | 'superseded'
  /** The venue refuses the stream; trying again would not help. */
  | 'refused';

export interface FeedState {
  phase: Phase;
  /** Nothing has come for longer than the venue's stale interval. */
  silent: boolean;
  cursor: string;
  epoch: string;
  /** Local clock, ms: when the last message came. */
  lastArrival: number;
  /** Server clock minus local clock, ms, by the quickest message so far of this stream. */
  clockOffset: number;
  /** From commit to arrival of the last event, ms; undefined until there was one. */
  lag: number | undefined;
  heartbeatMs: number;
  staleMs: number;
  watchdogMs: number;
  acknowledgeMs: number;
  /** Messages that were replayed at the last resume; undefined after a snapshot. */
  replayed: number | undefined;
  /** The journal's head when the stream began: events up to it are replay. */
  head: number;
  /** Updates of state that were merged into later ones, by the server's count. */
  conflated: number;
  /** Local clock, ms: when the next attempt to connect is due. */
  retryAt: number;
  attempts: number;
  problem: Problem | undefined;
  serverVersion: string;
  /** Messages of types that this version does not know. */
  unknown: number;
  /** How often the stream was opened since signing in. */
  attaches: number;
  /** How often the venue's digest differed from ours. */
  divergences: number;
}

const initial: FeedState = {
  phase: 'off',
  silent: false,
  cursor: '',
  epoch: '',
  lastArrival: 0,
  clockOffset: 0,
  lag: undefined,
  heartbeatMs: 5_000,
  staleMs: 8_000,
  watchdogMs: 15_000,
  acknowledgeMs: 15_000,
  replayed: undefined,
  head: 0,
  conflated: 0,
  retryAt: 0,
  attempts: 0,
  problem: undefined,
  serverVersion: '',
  unknown: 0,
  attaches: 0,
  divergences: 0,
};

export interface Received {
  items: Item[];
  cursor: string;
  unknown: number;
  /** Local clock, ms. */
  at: number;
}

/** Types that are events: never merged, and committed at their time. */
const events = new Set<Item['type']>(['executionReport', 'cancelReject', 'trade', 'tradePrint', 'userPresence', 'announcement', 'positionUpdate', 'instrumentUpdate', 'limitUpdate', 'userUpdate']);

const slice = createSlice({
  name: 'feed',
  initialState: initial,
  reducers: {
    connecting(state) {
      state.phase = 'connecting';
      state.problem = undefined;
    },
    waiting(state) {
      state.phase = 'waiting';
    },
    /** Everything that arrived in one frame. Each feature's slice takes the types that concern it. */
    received(state, { payload }: PayloadAction<Received>) {
      state.lastArrival = payload.at;
      state.silent = false;
      state.unknown += payload.unknown;
      state.cursor = payload.cursor;
      for (const item of payload.items) take(state, item, payload.at);
      // No message ends a replay: it is over when the head at the stream's start is reached.
      if (state.phase === 'catchingUp' && state.replayed !== undefined && sequenceOf(payload.cursor) >= state.head) state.phase = 'live';
    },
    silent(state) {
      state.silent = true;
    },
    lost(state, { payload }: PayloadAction<{ retryAt: number; attempts: number; problem: Problem | undefined }>) {
      state.phase = 'retrying';
      state.retryAt = payload.retryAt;
      state.attempts = payload.attempts;
      state.problem = payload.problem;
    },
    /** The screen's data may be incomplete: the next stream begins with a snapshot. */
    forgot(state) {
      state.cursor = '';
    },
    /** The venue's digest differs from the accounts here: a defect in one of the two. */
    diverged(state, _action: PayloadAction<string[]>) {
      state.cursor = '';
      state.divergences += 1;
    },
    superseded(state) {
      state.phase = 'superseded';
    },
    refused(state, { payload }: PayloadAction<Problem>) {
      state.phase = 'refused';
      state.problem = payload;
    },
    /** The user wants the stream in this window: take it over, or try again. */
    attachWanted() {},
    /** A session begins: forget everything of the one before. */
    stopped() {
      return initial;
    },
  },
});

const replay = Hello_Start.REPLAY;

function take(state: FeedState, item: Item, at: number): void {
  switch (item.type) {
    case 'hello': {
      const hello = item.body;
      // A stream that replaces a live one has nothing to catch up with.
      if (state.phase !== 'live' || hello.start !== replay) state.phase = 'catchingUp';
      state.attaches += 1;
      state.epoch = hello.epoch;
      state.head = hello.headSequence;
      state.heartbeatMs = hello.heartbeatInterval ?? state.heartbeatMs;
      state.staleMs = hello.staleInterval ?? state.staleMs;
      state.watchdogMs = hello.watchdogInterval ?? state.watchdogMs;
      state.acknowledgeMs = hello.acknowledgeInterval ?? state.acknowledgeMs;
      state.serverVersion = hello.serverVersion;
      state.clockOffset = (hello.serverTime ?? at) - at;
      state.lag = undefined;
      state.replayed = hello.start === replay ? 0 : undefined;
      break;
    }
    case 'snapshotEnd':
      state.phase = 'live';
      break;
    case 'heartbeat':
      state.conflated = item.body.conflated;
      if (item.body.serverTime !== undefined) state.clockOffset = Math.max(state.clockOffset, item.body.serverTime - at);
      break;
    default:
      if (!events.has(item.type)) break;
      if (item.sequence <= state.head) {
        if (state.replayed !== undefined) state.replayed += 1;
      } else if (item.time > 0) state.lag = Math.max(0, at + state.clockOffset - item.time);
  }
}

export const feed = slice.actions;
export const feedReducer = slice.reducer;
