// Narrow selectors for market views, so that a change of one book renders only that book.
import { createSelector } from '@reduxjs/toolkit';
import { AssetClass, Side } from '../../../gen/todoku/v1/types_pb';
import type { RootState } from '../../app/store';
import { add, type Decimal, decimal, format, isZero } from '../../../shared/decimal';
import type { Key } from '../../i18n';

export interface Group {
  title: Key;
  symbols: string[];
}

const groups: readonly (readonly [Key, AssetClass])[] = [
  ['market.class.fx', AssetClass.FX],
  ['market.class.future', AssetClass.FUTURE],
  ['market.class.equity', AssetClass.EQUITY],
  ['market.class.other', AssetClass.UNSPECIFIED],
];
const grouped = new Set(groups.map(([, of]) => of));

/** Instruments whose symbol or name contains the text, by asset class, each class in the venue's order. */
export const selectGroups: (state: RootState, words: string) => Group[] = createSelector(
  [(state: RootState) => state.market.instruments, (_: RootState, words: string) => words.trim().toLowerCase()],
  (instruments, words) => {
    const found = Object.values(instruments).filter(({ symbol, name }) => `${symbol} ${name}`.toLowerCase().includes(words));
    return groups
      .map(([title, of]) => ({
        title,
        symbols: found.filter(({ assetClass }) => (grouped.has(assetClass) ? assetClass : AssetClass.UNSPECIFIED) === of).map(({ symbol }) => symbol),
      }))
      .filter(({ symbols }) => symbols.length > 0);
  },
);

/**
 * Whether the book of an instrument is from before the stream was last lost. Every book is sent
 * again, empty ones too, because screens subscribe to all instruments.
 */
export const selectAwaited = ({ market }: RootState, symbol: string): boolean => !market.begun[symbol];

/** The same, for any instrument. */
export const selectAnyAwaited: (state: RootState) => boolean = createSelector(
  [(state: RootState) => state.market.instruments, (state: RootState) => state.market.begun],
  (instruments, begun) => Object.keys(instruments).some((symbol) => !begun[symbol]),
);

/** The user's net position in each instrument, over all accounts, signed; absent if it is zero. */
export const selectNetPositions: (state: RootState) => Record<string, string> = createSelector(
  [(state: RootState) => state.orders.positions, (state: RootState) => state.session.user?.accounts],
  (positions, accounts) => {
    const sums: Record<string, Decimal> = {};
    for (const { account, symbol, quantity } of Object.values(positions))
      if (accounts?.includes(account)) sums[symbol] = add(sums[symbol] ?? { units: 0n, scale: 0 }, decimal(quantity));
    const net: Record<string, string> = {};
    for (const symbol in sums) if (!isZero(sums[symbol]!)) net[symbol] = format(sums[symbol]!);
    return net;
  },
);

export interface OwnQuantities {
  /** By price. */
  bids: Record<string, string>;
  offers: Record<string, string>;
}

/** The quantity of the user's own orders at each price of an instrument. */
export const selectOwnQuantities: (state: RootState, symbol: string) => OwnQuantities = createSelector(
  [(state: RootState) => state.orders.working, (state: RootState) => state.session.user?.accounts, (_: RootState, symbol: string) => symbol],
  (working, accounts, symbol) => {
    const own: OwnQuantities = { bids: {}, offers: {} };
    for (const order of Object.values(working)) {
      if (order.symbol !== symbol || !accounts?.includes(order.account)) continue;
      const side = order.side === Side.BUY ? own.bids : own.offers;
      side[order.price] = format(add(decimal(side[order.price] ?? ''), decimal(order.leavesQuantity)));
    }
    return own;
  },
);
