// Selects what the rules of an order depend on, and no books, so that a book that changes does
// not run the rules again.
import { createSelector } from '@reduxjs/toolkit';
import { Role, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { decimal, isZero } from '../../../shared/decimal';
import { selectTradable } from '../feed/selectors';
import { selectAwaited } from '../market/selectors';
import type { Rules } from './rules';

/** Where bands are measured from: the last trade, or the instrument's reference price before the first one. */
export function selectReference(state: RootState, symbol: string): string {
  const last = state.market.quotes[symbol]?.last ?? '';
  return isZero(decimal(last)) ? (state.market.instruments[symbol]?.referencePrice ?? '') : last;
}

const selectOpenOrders = createSelector([(state: RootState) => state.orders.working, (_: RootState, account: string) => account], (working, account) => {
  let open = 0;
  for (const id in working) if (working[id]!.account === account) open += 1;
  return open;
});

/** The rules for orders of an account in an instrument; undefined while the instrument is unknown. */
export const selectRules: (state: RootState, symbol: string, account: string) => Rules | undefined = createSelector(
  [
    (state: RootState, symbol: string, _account: string) => state.market.instruments[symbol],
    (state: RootState, symbol: string, _account: string) => selectReference(state, symbol),
    (state: RootState, _symbol: string, account: string) => state.orders.limits[account],
    (state: RootState, _symbol: string, account: string) => selectOpenOrders(state, account),
  ],
  (instrument, reference, limits, openOrders) => instrument && { instrument, reference, limits, openOrders },
);

/** Why no order can be entered now; the most important reason. */
export type Off = 'notLive' | 'noTrader' | 'noInstrument' | 'MARKET_HALTED' | 'MARKET_NOT_OPEN' | 'bookAwaited';

export function selectOff(state: RootState, symbol: string): Off | undefined {
  if (!selectTradable(state)) return 'notLive';
  if (!state.session.user?.roles.includes(Role.TRADER)) return 'noTrader';
  const status = state.market.instruments[symbol]?.status;
  if (status === undefined) return 'noInstrument';
  if (status === TradingStatus.HALTED) return 'MARKET_HALTED';
  if (status !== TradingStatus.OPEN) return 'MARKET_NOT_OPEN';
  return selectAwaited(state, symbol) ? 'bookAwaited' : undefined;
}

/** The user's default account. */
export const selectOwnAccount = (state: RootState): string => state.session.user?.accounts[0] ?? '';
