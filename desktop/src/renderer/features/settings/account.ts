// The user's own sessions and password.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Session } from '../../../gen/todoku/v1/session_pb';
import type { Plain } from '../../venue/plain';
import type { Problem } from '../../venue/problem';
import { session } from '../session/slice';

export interface AccountState {
  /** Newest first; undefined until they were read. */
  sessions: Plain<Session>[] | undefined;
  /** Why the list could not be read, or a session not be ended. */
  sessionsProblem: Problem | undefined;
  password: 'idle' | 'changing' | 'changed' | 'refused';
  passwordProblem: Problem | undefined;
}

const initial: AccountState = { sessions: undefined, sessionsProblem: undefined, password: 'idle', passwordProblem: undefined };

export interface Passwords {
  present: string;
  next: string;
}

const slice = createSlice({
  name: 'account',
  initialState: initial,
  reducers: {
    /** The tab was opened: read the list again. */
    opened(state) {
      state.password = 'idle';
      state.passwordProblem = undefined;
      state.sessionsProblem = undefined;
    },
    sessionsRead(state, { payload }: PayloadAction<Plain<Session>[]>) {
      state.sessions = payload;
    },
    sessionsFailed(state, { payload }: PayloadAction<Problem>) {
      state.sessionsProblem = payload;
    },
    /** The user asks to end one of their sessions. */
    revoke(state, _action: PayloadAction<string>) {
      state.sessionsProblem = undefined;
    },
    /** The user asks to change the password. */
    changePassword: {
      reducer(state) {
        state.password = 'changing';
        state.passwordProblem = undefined;
      },
      // Not enumerable, so that logs and tools that print actions do not show them.
      prepare: (passwords: Passwords) => {
        const payload: { passwords?: () => Passwords } = {};
        Object.defineProperty(payload, 'passwords', { value: () => passwords, enumerable: false });
        return { payload };
      },
    },
    passwordChanged(state) {
      state.password = 'changed';
    },
    passwordRefused(state, { payload }: PayloadAction<Problem>) {
      state.password = 'refused';
      state.passwordProblem = payload;
    },
  },
  extraReducers: (builder) => builder.addCase(session.ended, () => initial),
});

export const account = slice.actions;
export const accountReducer = slice.reducer;
