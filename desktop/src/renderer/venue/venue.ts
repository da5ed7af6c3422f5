// The venue as sagas call it: the generated clients over the shell's transport, with the
// deadlines of the venue's policy.
import { type Client, createClient } from '@connectrpc/connect';
import { AdminService } from '../../gen/todoku/v1/admin_pb';
import { MarketService } from '../../gen/todoku/v1/market_pb';
import { NotificationService } from '../../gen/todoku/v1/notification_pb';
import { OrderService } from '../../gen/todoku/v1/order_pb';
import { SessionService } from '../../gen/todoku/v1/session_pb';
import type { Shell } from './shell';

export interface Venue {
  readonly shell: Shell;
  readonly session: Client<typeof SessionService>;
  readonly notifications: Client<typeof NotificationService>;
  readonly orders: Client<typeof OrderService>;
  readonly market: Client<typeof MarketService>;
  readonly admin: Client<typeof AdminService>;
}

/** Deadlines of calls in milliseconds, as `todoku config service-config` gives them. */
export const deadlines = { read: { timeoutMs: 3_000 }, write: { timeoutMs: 8_000 } } as const;

export function createVenue(shell: Shell): Venue {
  const { transport } = shell;
  return {
    shell,
    session: createClient(SessionService, transport),
    notifications: createClient(NotificationService, transport),
    orders: createClient(OrderService, transport),
    market: createClient(MarketService, transport),
    admin: createClient(AdminService, transport),
  };
}
