// Whether the help for keys is open.
import { createSlice } from '@reduxjs/toolkit';
import { session } from '../session/slice';

const slice = createSlice({
  name: 'keyboard',
  initialState: { help: false },
  reducers: {
    helpOpened(state) {
      state.help = true;
    },
    helpClosed(state) {
      state.help = false;
    },
  },
  extraReducers: (builder) =>
    builder.addCase(session.ended, (state) => {
      state.help = false;
    }),
});

export const keyboard = slice.actions;
export const keyboardReducer = slice.reducer;
