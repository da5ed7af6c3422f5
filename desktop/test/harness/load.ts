// Changes books at a given rate, with its own users and instruments, which the demo traders do
// not use.
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { AdminService } from '../../src/gen/todoku/v1/admin_pb';
import { OrderService } from '../../src/gen/todoku/v1/order_pb';
import { SessionService } from '../../src/gen/todoku/v1/session_pb';
import { AssetClass, OrderStatus, Role, Side, TimeInForce, TradingStatus } from '../../src/gen/todoku/v1/types_pb';
import type { TestVenue } from './venue';

/** Signs in and returns a transport with the token. */
async function signedIn(venue: TestVenue, user: string, password: string): Promise<Transport> {
  let token = '';
  const bearer: Interceptor = (next) => (request) => {
    if (token !== '') request.header.set('Authorization', `Bearer ${token}`);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl: venue.origin, useBinaryFormat: true, interceptors: [bearer] });
  const { tokens } = await createClient(SessionService, transport).login({ user, password, clientName: 'load' });
  token = tokens?.accessToken ?? '';
  return transport;
}

/** An instrument, and how many of its levels change a second. */
export interface Target {
  symbol: string;
  perSecond: number;
}

/** One book that is shown, and twenty that are not: 5,000 changes a second in all. */
export const busyBooks: readonly Target[] = [{ symbol: 'LOAD', perSecond: 1_000 }, ...Array.from({ length: 20 }, (_, n) => ({ symbol: `LOAD${n + 1}`, perSecond: 200 }))];

const ticksPerSecond = 10;
const users = ['load-a', 'load-b'];

export interface Load {
  /** How many levels were changed since the load began, by the venue's answers. */
  changed(): number;
  /** Stops the load. Throws if a request of it failed. */
  stop(): Promise<void>;
}

/** Creates the instruments and users of a load. Prices are 100 to 200 in steps of 0.01. */
export async function prepareLoad(venue: TestVenue, targets: readonly Target[]): Promise<Client<typeof OrderService>[]> {
  const admin = createClient(AdminService, await signedIn(venue, 'admin', 'demo'));
  for (const { symbol } of targets)
    await admin.upsertInstrument({
      requestId: `load-${symbol}`,
      instrument: {
        symbol,
        name: `Load ${symbol}`,
        assetClass: AssetClass.EQUITY,
        currency: 'JPY',
        tickSize: '0.01',
        lotSize: '1',
        minQuantity: '1',
        maxQuantity: '1000000',
        referencePrice: '150',
        status: TradingStatus.OPEN,
      },
    });
  return Promise.all(
    users.map(async (user) => {
      await admin.createUser({ requestId: `load-${user}`, user, displayName: user, password: 'pewter-canyon-85n', roles: [Role.TRADER], accounts: [user] });
      return createClient(OrderService, await signedIn(venue, user, 'pewter-canyon-85n'));
    }),
  );
}

/** A buy order of quantity 1 at a level of a loaded book; level 1 is the best. */
export function buy(clientOrderId: string, symbol: string, level: number) {
  return { clientOrderId, symbol, side: Side.BUY, timeInForce: TimeInForce.DAY, price: `149.${100 - level}`, quantity: '1' };
}

/**
 * Begins to change the books. Two users take turns: each cancels all its orders and places the
 * same number again, one for each level. So a book is never empty, and every order and every
 * cancel changes another level.
 */
export function startLoad(clients: readonly Client<typeof OrderService>[], targets: readonly Target[]): Load {
  let changed = 0;
  let turn = 0;
  const over = new AbortController();
  let wake = (): void => undefined;
  const one = async (): Promise<void> => {
    const client = clients[turn % clients.length]!;
    const orders = targets.flatMap(({ symbol, perSecond }) =>
      // The other half of the changes are cancels of the orders from two turns before.
      Array.from({ length: Math.round(perSecond / ticksPerSecond / 2) }, (_, n) => ({
        clientOrderId: `${turn}-${symbol}-${n}`,
        symbol,
        side: n % 2 === 0 ? Side.BUY : Side.SELL,
        timeInForce: TimeInForce.DAY,
        price: `${n % 2 === 0 ? 149 : 150}.${String(n % 2 === 0 ? 99 - (n >> 1) : 10 + (n >> 1)).padStart(2, '0')}`,
        quantity: String(1 + ((turn * 7 + n * 13) % 900)),
      })),
    );
    const { canceled } = await client.massCancelOrders({ requestId: `cancel-${turn}` });
    const { answers } = await client.placeOrders({ orders });
    const refused = answers.find(({ status }) => status !== OrderStatus.NEW);
    if (refused) throw new Error(`an order of the load was refused: ${refused.reason?.text ?? refused.field}`);
    changed += canceled + answers.length;
    turn += 1;
  };
  const run = async (): Promise<void> => {
    const begun = performance.now();
    while (!over.signal.aborted) {
      await one();
      // Late turns are not skipped, so that the rate does not depend on the machine.
      const wait = begun + (turn * 1000) / ticksPerSecond - performance.now();
      if (wait > 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, wait);
        });
    }
  };
  const done = run();
  done.catch(() => undefined); // stop() throws it.
  return {
    changed: () => changed,
    stop() {
      over.abort();
      wake();
      return done;
    },
  };
}
