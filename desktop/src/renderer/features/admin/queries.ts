// The queries of the admin page, for lists that the venue does not push.
import type { AuditEntry as AuditEntryMessage, Told as RecipientMessage } from '../../../gen/todoku/v1/admin_pb';
import type { ConnectionInfo } from '../../../gen/todoku/v1/connection_pb';
import { type Plain, plain } from '../../venue/plain';
import type { Venue } from '../../venue/venue';
import type { ItemBody } from '../feed/items';
import type { Print } from '../market/slice';
import type { RiskLimits } from '../orders/slice';

export type User = ItemBody['userUpdate'];
/** Attach numbers are 64-bit, so they are strings here. */
export type Connection = Omit<Plain<ConnectionInfo>, 'attachNumber'> & { attachNumber: string };
export type AuditEntry = Plain<AuditEntryMessage>;
export type Recipient = Omit<Plain<RecipientMessage>, 'attachNumber'> & { attachNumber: string };

export type Query =
  | { list: 'users' }
  | { list: 'connections'; user: string }
  | { list: 'connection'; connectionId: string }
  | { list: 'limits'; account: string }
  | { list: 'trades'; symbol: string }
  /** Times are ms since 1970, 0 for no bound. A page token continues after a page. */
  | { list: 'audit'; user: string; from: number; to: number; pageToken: string }
  | { list: 'recipients'; sequence: number; orderId: string; account: string; tradeId: string };

export type List = Query['list'];

export interface Answers {
  users: User[];
  connections: Connection[];
  /** Undefined if it no longer exists. */
  connection: Connection | undefined;
  limits: RiskLimits | undefined;
  trades: Print[];
  audit: { entries: AuditEntry[]; nextPageToken: string };
  recipients: { recipients: Recipient[]; truncated: boolean };
}

/** How many ended connections are requested beside the live ones. */
export const endedShown = 50;
const auditPage = 100;
const tradesPage = 100;

export async function runQuery({ admin, market }: Venue, query: Query): Promise<Answers[List]> {
  switch (query.list) {
    case 'users':
      return (await admin.listAllUsers({})).users.map(plain);
    case 'connections':
      return (await admin.listConnections({ user: query.user, ended: endedShown })).connections.map(withoutAttach);
    case 'connection': {
      const { connections } = await admin.listConnections({ connectionId: query.connectionId, ended: 1 });
      return connections[0] && withoutAttach(connections[0]);
    }
    case 'limits': {
      const { limits } = await admin.getRiskLimits({ account: query.account });
      return limits && plain(limits);
    }
    case 'trades':
      return (await market.listTrades({ symbol: query.symbol, pageSize: tradesPage })).trades.map(plain);
    case 'audit': {
      const { entries, nextPageToken } = await admin.listAudit(
        { user: query.user, pageSize: auditPage, pageToken: query.pageToken, ...(query.from ? { fromTime: at(query.from) } : {}), ...(query.to ? { toTime: at(query.to) } : {}) },
      );
      return { entries: entries.map(plain), nextPageToken };
    }
    case 'recipients': {
      const { sequence, orderId, account, tradeId } = query;
      const { told, truncated } = await admin.listTold({ sequence: BigInt(sequence), orderId, account, tradeId });
      return { recipients: told.map(withoutAttach), truncated };
    }
  }
}

function withoutAttach<T extends { attachNumber: bigint }>({ attachNumber, ...rest }: T): Omit<Plain<T>, 'attachNumber'> & { attachNumber: string } {
  return { ...(plain<unknown>(rest) as Omit<Plain<T>, 'attachNumber'>), attachNumber: String(attachNumber) };
}

function at(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
