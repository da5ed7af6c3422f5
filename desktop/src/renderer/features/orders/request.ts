// Makes the action by which a view asks the venue for something.
import { newId } from '../../venue/id';
import { type Change, orders } from './slice';

/** Asks for a change now, under a name of its own (payload.id). */
export function request(change: Change): ReturnType<typeof orders.requested> {
  return orders.requested(change, newId(), Date.now());
}
