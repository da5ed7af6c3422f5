// Who is online, by the names that others see.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { ItemBody } from '../feed/items';
import { feed } from '../feed/slice';
import { session } from '../session/slice';

type Presence = ItemBody['userPresence'];

export interface PresenceState {
  /** By display name: since when, ms; 0 for those who were there before this screen. */
  online: Record<string, number>;
  /** What the stream said since the list was asked for: newer than the list, or the same. */
  meanwhile: Presence[] | undefined;
}

const initial: PresenceState = { online: {}, meanwhile: undefined };

const slice = createSlice({
  name: 'presence',
  initialState: initial,
  reducers: {
    /** The list is being asked for. */
    asked(state) {
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
