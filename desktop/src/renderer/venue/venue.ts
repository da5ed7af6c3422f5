// The venue as sagas call it: the generated clients over the shell's transport. Each call
// has the deadline that the schema gives to its method.
import { type DescMethod, getOption } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { AdminService } from '../../gen/todoku/v1/admin_pb';
import { MarketService } from '../../gen/todoku/v1/market_pb';
import { NotificationService } from '../../gen/todoku/v1/notification_pb';
import { call, CallSchema, policy } from '../../gen/todoku/v1/options_pb';
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

/** The client's deadline of a method in milliseconds; undefined for a stream, which has none. */
export function timeoutOf(method: DescMethod): number | undefined {
  const kind = CallSchema.value[getOption(method, call)];
  const seconds = kind && getOption(kind, policy).clientSeconds;
  return seconds ? seconds * 1_000 : undefined;
}

/** A transport whose calls without a deadline get that of their method. */
function withDeadlines(transport: Transport): Transport {
  return {
    unary: (method, signal, timeoutMs, ...rest) => transport.unary(method, signal, timeoutMs ?? timeoutOf(method), ...rest),
    stream: (...stream) => transport.stream(...stream),
  };
}

export function createVenue(shell: Shell): Venue {
  const transport = withDeadlines(shell.transport);
  return {
    shell,
    session: createClient(SessionService, transport),
    notifications: createClient(NotificationService, transport),
    orders: createClient(OrderService, transport),
    market: createClient(MarketService, transport),
    admin: createClient(AdminService, transport),
  };
}
