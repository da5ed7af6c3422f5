// Whose orders a request to cancel many is about.
import type { Order } from '../orders/slice';

/**
 * The accounts to ask for: a request is about one, and those where nothing works need none.
 * Without any order on the screen the user's own is asked for all the same: one that is on
 * its way is then cancelled too.
 */
export function accountsConcerned(concerned: readonly Pick<Order, 'account'>[], own: string): string[] {
  const having = new Set(concerned.map(({ account }) => account));
  return having.size > 0 ? [...having] : [own];
}
