// Creates the action with which a view sends a request to the venue.
import { newId } from '../../venue/id';
import { type Change, orders } from './slice';

/** Requests a change now, with a new id (payload.id). */
export function request(change: Change): ReturnType<typeof orders.requested> {
  return orders.requested(change, newId(), Date.now());
}
