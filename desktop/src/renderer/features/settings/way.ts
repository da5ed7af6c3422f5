// The desktop application's way to the venue: its settings, which main keeps, and how the
// stream's channel is. In a browser there is none of it: the page's own origin is the way.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Connectivity, SettingsRefusal, ShellSettings } from '../../../shared/bridge';

export interface WayState {
  /** As main has them; undefined in a browser. */
  settings: ShellSettings | undefined;
  connectivity: Connectivity | undefined;
  status: 'idle' | 'saving' | 'saved' | 'refused';
  refused: SettingsRefusal | undefined;
}

const initial: WayState = { settings: undefined, connectivity: undefined, status: 'idle', refused: undefined };

const slice = createSlice({
  name: 'way',
  initialState: initial,
  reducers: {
    read(state, { payload }: PayloadAction<ShellSettings>) {
      state.settings = payload;
    },
    /** The user wants these. */
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
    /** Somebody looks at them anew. */
    opened(state) {
      state.status = 'idle';
      state.refused = undefined;
    },
    connectivity(state, { payload }: PayloadAction<Connectivity>) {
      state.connectivity = payload;
    },
  },
});

export const way = slice.actions;
export const wayReducer = slice.reducer;
