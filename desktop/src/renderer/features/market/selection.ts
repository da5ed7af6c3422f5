// The instrument that the panels show.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { feed } from '../feed/slice';
import { session } from '../session/slice';

const slice = createSlice({
  name: 'selection',
  initialState: { symbol: '' },
  reducers: {
    chosen(state, { payload }: PayloadAction<string>) {
      state.symbol = payload;
    },
  },
  extraReducers: (builder) =>
    builder
      // Until the user chooses, the first instrument is shown.
      .addCase(feed.received, (state, { payload }) => {
        if (state.symbol !== '') return;
        const first = payload.items.find((item) => item.type === 'instrumentUpdate');
        if (first?.type === 'instrumentUpdate') state.symbol = first.body.symbol;
      })
      .addCase(session.ended, (state) => {
        state.symbol = '';
      }),
});

export const selection = slice.actions;
export const selectionReducer = slice.reducer;
