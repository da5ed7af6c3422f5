// The fields of the order ticket, as typed. Prices and quantities are kept for each instrument,
// so that a user who comes back to one finds them again.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { OrderType, Side, TimeInForce } from '../../../gen/todoku/v1/types_pb';
import type { NewOrder } from '../orders/slice';
import { session } from '../session/slice';
import { rests } from './rules';

export interface TicketState {
  side: Side;
  type: OrderType;
  timeInForce: TimeInForce;
  postOnly: boolean;
  /** GTD: as a datetime-local field has it, in the user's zone. */
  expire: string;
  /** Empty for the user's own. */
  account: string;
  /** Refuse the order when the book has moved more than this since it was sent. */
  guarded: boolean;
  moves: string;
  /** By symbol; absent until typed. */
  prices: Record<string, string>;
  quantities: Record<string, string>;
  /** The user tried to send an invalid order: show errors also at empty fields. */
  attempted: boolean;
  /** Waits for the user's confirmation. */
  confirming: NewOrder | undefined;
  /** Client order id of what was sent last; empty before. */
  lastId: string;
  /** Nothing was changed since it was sent: the venue's answer belongs to the present fields. */
  asSent: boolean;
}

const initial: TicketState = {
  side: Side.BUY,
  type: OrderType.LIMIT,
  timeInForce: TimeInForce.DAY,
  postOnly: false,
  expire: '',
  account: '',
  guarded: false,
  moves: '0',
  prices: {},
  quantities: {},
  attempted: false,
  confirming: undefined,
  lastId: '',
  asSent: false,
};

/** Choices that are independent of each other. */
export type Choices = Partial<Pick<TicketState, 'side' | 'expire' | 'account' | 'guarded' | 'moves' | 'postOnly'>>;

const slice = createSlice({
  name: 'ticket',
  initialState: initial,
  reducers: {
    chose(state, { payload }: PayloadAction<Choices>) {
      Object.assign(state, payload);
      edited(state);
    },
    choseType(state, { payload }: PayloadAction<OrderType>) {
      state.type = payload;
      if (payload === OrderType.MARKET && rests(state.timeInForce)) choose(state, TimeInForce.IOC);
      if (payload === OrderType.LIMIT && !rests(state.timeInForce)) choose(state, TimeInForce.DAY);
      edited(state);
    },
    choseTimeInForce(state, { payload }: PayloadAction<TimeInForce>) {
      choose(state, payload);
      edited(state);
    },
    typedPrice(state, { payload }: PayloadAction<{ symbol: string; text: string }>) {
      state.prices[payload.symbol] = payload.text;
      edited(state);
    },
    typedQuantity(state, { payload }: PayloadAction<{ symbol: string; text: string }>) {
      state.quantities[payload.symbol] = payload.text;
      edited(state);
    },
    /** The user wants to send the ticket's order. */
    send() {},
    /** The user wants a limit order at this price, of the ticket's quantity. */
    placeAt(state, { payload }: PayloadAction<{ symbol: string; side: Side; price: string }>) {
      state.type = OrderType.LIMIT;
      if (!rests(state.timeInForce)) choose(state, TimeInForce.DAY);
      state.side = payload.side;
      state.prices[payload.symbol] = payload.price;
      edited(state);
    },
    /** The order is invalid and was not sent. */
    attempted(state) {
      state.attempted = true;
    },
    confirm(state, { payload }: PayloadAction<NewOrder>) {
      state.confirming = payload;
    },
    /** The user confirms, or cancels. */
    confirmed() {},
    dismissed(state) {
      state.confirming = undefined;
    },
    sent(state, { payload }: PayloadAction<string>) {
      state.confirming = undefined;
      state.lastId = payload;
      state.asSent = true;
    },
  },
  extraReducers: (builder) => builder.addCase(session.ended, () => initial),
});

function edited(state: TicketState): void {
  state.attempted = false;
  state.asSent = false;
}

/** Removes the options that do not fit the time in force. */
function choose(state: TicketState, timeInForce: TimeInForce): void {
  state.timeInForce = timeInForce;
  if (!rests(timeInForce)) state.postOnly = false;
}

export const ticket = slice.actions;
export const ticketReducer = slice.reducer;
