// Who is online, by display name.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { ItemBody } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';

type Presence = ItemBody['userPresence'];

export interface PresenceState {
  /** By display name: since when, ms; 0 if since before this page was opened. */
  online: Record<string, number>;
  /** Changes from the stream since the list was requested; at least as new as the list. */
  meanwhile: Presence[] | undefined;
}

const initial: PresenceState = { online: {}, meanwhile: undefined };

const slice = createSlice({
  name: 'presence',
  initialState: initial,
  reducers: {
    /** The list is being loaded. */
    requested(state) {
      state.meanwhile = [];
    },
    listed(state, { payload }: PayloadAction<Presence[]>) {
      const before = state.online;
      state.online = {};
      for (const { displayName, online } of payload) if (online) state.online[displayName] = before[displayName] ?? 0;
      for (const presence of state.meanwhile ?? []) take(state, presence, before[presence.displayName] ?? 0);
      state.meanwhile = undefined;
    },
  },
  extraReducers: (builder) =>
    builder
      .addCase(feed.received, (state, { payload }) => {
        for (const item of payload.items) {
          if (item.type !== 'userPresence') continue;
          state.meanwhile?.push(item.body);
          take(state, item.body, item.time || payload.at);
        }
      })
      .addCase(session.ended, () => initial),
});

function take(state: PresenceState, { displayName, online }: Presence, at: number): void {
  if (online) state.online[displayName] ??= at;
  else delete state.online[displayName];
}

export const presence = slice.actions;
export const presenceReducer = slice.reducer;
