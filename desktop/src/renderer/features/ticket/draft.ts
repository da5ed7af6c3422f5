// The order that the ticket describes, and what is wrong with it.
import { createSelector } from '@reduxjs/toolkit';
import { OrderType, TimeInForce } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { typedNumber } from '../../ui/StepField';
import { outcomeOf } from '../orders/outcome';
import type { NewOrder } from '../orders/slice';
import { type Check, checkOrder, type Rules } from './rules';
import { selectOwnAccount, selectRules } from './selectors';
import { quickSizes } from './steps';

export interface Draft {
  symbol: string;
  /** As typed; quantities begin with the instrument's smallest quick size. */
  price: string;
  quantity: string;
  order: NewOrder;
}

/** The ticket's fields for the chosen instrument. */
export const selectDraft: (state: RootState) => Draft = createSelector(
  [
    (state: RootState) => state.ticket,
    (state: RootState) => state.selection.symbol,
    (state: RootState) => state.market.instruments[state.selection.symbol],
    selectOwnAccount,
  ],
  (ticket, symbol, instrument, own) => {
    const price = ticket.prices[symbol] ?? '';
    const quantity = ticket.quantities[symbol] ?? (instrument ? (quickSizes(instrument)[0] ?? '') : '');
    const { side, type, timeInForce, postOnly } = ticket;
    const expireTime = new Date(ticket.expire).getTime();
    const order: NewOrder = {
      symbol,
      account: ticket.account || own,
      side,
      type,
      timeInForce,
      postOnly,
      price: type === OrderType.MARKET ? '' : typedNumber(price),
      quantity: typedNumber(quantity),
      ...(timeInForce === TimeInForce.GTD && !Number.isNaN(expireTime) ? { expireTime } : {}),
    };
    return { symbol, price, quantity, order };
  },
);

/** The order as it is sent now, with the version of the book that is shown. */
export function orderNow(state: RootState): NewOrder {
  const { order } = selectDraft(state);
  if (!state.ticket.guarded) return order;
  return { ...order, seenBookVersion: state.market.books[order.symbol]?.version ?? 0, maxBookMoves: movesOf(state.ticket.moves) ?? 0 };
}

/** A number of moves as typed; undefined if it is not a number. */
export function movesOf(text: string): number | undefined {
  const typed = typedNumber(text);
  return /^[0-9]{1,9}$/.test(typed) ? Number(typed) : undefined;
}

/** What is wrong with an order at a time of the local clock, ms. */
export function checksOf(state: RootState, order: NewOrder, now: number): Check[] {
  const { guarded, moves } = state.ticket;
  return check(order, selectRules(state, order.symbol, order.account), guarded, moves, now + state.feed.clockOffset);
}

/** What is wrong with the ticket's order now. */
export const selectChecks: (state: RootState) => Check[] = createSelector(
  [
    (state: RootState) => selectDraft(state).order,
    (state: RootState) => selectRules(state, selectDraft(state).order.symbol, selectDraft(state).order.account),
    (state: RootState) => state.ticket.guarded,
    (state: RootState) => state.ticket.moves,
    // Only GTD orders depend on the time, and one second is exact enough.
    ({ ticket, feed }: RootState) => (ticket.timeInForce === TimeInForce.GTD ? Math.floor((feed.lastArrival + feed.clockOffset) / 1_000) * 1_000 : 0),
  ],
  check,
);

function check(order: NewOrder, rules: Rules | undefined, guarded: boolean, moves: string, now: number): Check[] {
  // An unknown instrument has no rules to check.
  const checks = rules ? checkOrder(order, rules, now) : [];
  if (guarded && movesOf(moves) === undefined) checks.push({ field: 'guard', reason: 'BAD_NUMBER', values: {} });
  return checks;
}

/** Outcome of what was sent last. */
export const selectLast = createSelector([(s: RootState) => s.orders, (s: RootState) => s.ticket.lastId], (state, id) => (id === '' ? undefined : outcomeOf(state, id)));
