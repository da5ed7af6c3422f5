// Who is signed in. Tokens are not here: the shell keeps them.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { User } from '../../../gen/todoku/v1/types_pb';
import type { Plain } from '../../venue/plain';
import type { Problem } from '../../venue/problem';
import { feed } from '../feed/slice';

export interface Credentials {
  user: string;
  password: string;
}

export interface SubscriptionState {
  symbols: string[];
  presence: boolean;
  allAccounts: boolean;
  /** Fixed for the life of a stream. */
  stateIntervalMs: number;
}

export interface SessionState {
  status: 'starting' | 'signedOut' | 'signingIn' | 'signedIn';
  user: Plain<User> | undefined;
  connectionId: string;
  /** Server clock, ms: when the access token ends unless it is refreshed. */
  accessExpires: number;
  subscription: SubscriptionState;
  /** Why signing in failed, or why the session ended. */
  problem: Problem | undefined;
  /** The session of an earlier run is being resumed. */
  resuming: boolean;
}

const initial: SessionState = {
  status: 'starting',
  user: undefined,
  connectionId: '',
  accessExpires: 0,
  subscription: { symbols: ['*'], presence: true, allAccounts: false, stateIntervalMs: 50 },
  problem: undefined,
  resuming: false,
};

export interface SignedIn {
  connectionId: string;
  accessExpires: number;
}

const slice = createSlice({
  name: 'session',
  initialState: initial,
  reducers: {
    /** The user asks to sign in. Logs and tools that record actions do not see the password. */
    signIn: {
      reducer(state) {
        state.status = 'signingIn';
        state.problem = undefined;
        state.resuming = false;
      },
      // Not enumerable, so that logs and tools that print actions do not show it.
      prepare: (credentials: Credentials) => {
        const payload: { user: string; password?: () => string } = { user: credentials.user };
        Object.defineProperty(payload, 'password', { value: () => credentials.password, enumerable: false });
        return { payload };
      },
    },
    signInFailed(state, { payload }: PayloadAction<Problem | undefined>) {
      state.status = 'signedOut';
      state.problem = payload;
      state.resuming = false;
    },
    /** The session of an earlier run cannot be resumed yet; meanwhile a user may sign in. */
    resumeDelayed(state, { payload }: PayloadAction<Problem>) {
      state.status = 'signedOut';
      state.problem = payload;
      state.resuming = true;
    },
    signedIn(state, { payload }: PayloadAction<SignedIn>) {
      state.status = 'signedIn';
      state.connectionId = payload.connectionId;
      state.accessExpires = payload.accessExpires;
      state.problem = undefined;
      state.resuming = false;
    },
    connectionOpened(state, { payload }: PayloadAction<string>) {
      state.connectionId = payload;
    },
    /** The access token has expired; refresh it now. */
    refreshWanted() {},
    refreshed(state, { payload }: PayloadAction<number>) {
      state.accessExpires = payload;
    },
    /** The user asks to sign out. */
    signOut() {},
    /** The session is over, on the user's request or with a problem. */
    ended(state, { payload }: PayloadAction<Problem | undefined>) {
      state.status = 'signedOut';
      state.user = undefined;
      state.connectionId = '';
      state.accessExpires = 0;
      state.problem = payload;
    },
    subscriptionChanged(state, { payload }: PayloadAction<Partial<SubscriptionState>>) {
      Object.assign(state.subscription, payload);
    },
  },
  extraReducers: (builder) =>
    builder.addCase(feed.received, (state, { payload }) => {
      for (const item of payload.items) {
        if (item.type === 'hello') state.user = item.body.user;
        else if (item.type === 'userUpdate' && item.body.user === state.user?.user) state.user = item.body;
      }
    }),
});

export const session = slice.actions;
export const sessionReducer = slice.reducer;
