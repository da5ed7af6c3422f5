// The accounts that a mass cancel is sent for.
import type { Order } from '../orders/slice';

/**
 * The accounts to send a mass cancel for: a request covers one account, and accounts without
 * working orders are left out. If there are none at all, it is sent for the user's own account,
 * to cancel also an order that the stream has not reported yet.
 */
export function accountsConcerned(concerned: readonly Pick<Order, 'account'>[], own: string): string[] {
  const having = new Set(concerned.map(({ account }) => account));
  return having.size > 0 ? [...having] : [own];
}
