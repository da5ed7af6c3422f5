// How the desktop application reaches the venue: the settings, which main stores, and the state
// of the stream's channel. A page in a browser has neither: it uses its own origin.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Connectivity, SettingsRefusal, ShellSettings } from '../../../shared/bridge';

export interface WayState {
  /** As main has stored them; undefined in a browser. */
  settings: ShellSettings | undefined;
  connectivity: Connectivity | undefined;
  status: 'idle' | 'saving' | 'saved' | 'refused';
  refused: SettingsRefusal | undefined;
}

const initial: WayState = { settings: undefined, connectivity: undefined, status: 'idle', refused: undefined };

const slice = createSlice({
  name: 'upstream',
  initialState: initial,
  reducers: {
    read(state, { payload }: PayloadAction<ShellSettings>) {
      state.settings = payload;
    },
    /** The user asks for these settings. */
    save(state, _action: PayloadAction<ShellSettings>) {
      state.status = 'saving';
      state.refused = undefined;
    },
    saved(state, { payload }: PayloadAction<ShellSettings>) {
      state.settings = payload;
      state.status = 'saved';
    },
    refused(state, { payload }: PayloadAction<SettingsRefusal>) {
      state.status = 'refused';
      state.refused = payload;
    },
    /** The tab was opened again. */
    opened(state) {
      state.status = 'idle';
      state.refused = undefined;
    },
    connectivity(state, { payload }: PayloadAction<Connectivity>) {
      state.connectivity = payload;
    },
  },
});

export const upstream = slice.actions;
export const upstreamReducer = slice.reducer;
