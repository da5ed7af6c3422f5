// The changes of the admin page, each as a call. A change can be sent again with the same id:
// the venue gives the same answer as the first time.
import type { Role, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import type { Venue } from '../../venue/venue';
import type { Instrument } from '../market/slice';
import type { RiskLimits } from '../orders/slice';

export interface UserFields {
  user: string;
  displayName: string;
  roles: Role[];
  accounts: string[];
}

export type Change =
  | { kind: 'upsertInstrument'; instrument: Instrument; isNew: boolean }
  | { kind: 'setStatus'; symbol: string; status: TradingStatus; reason: string }
  | ({ kind: 'createUser' } & UserFields)
  /** Empty fields are not changed. The password, if any, is passed separately. */
  | ({ kind: 'updateUser' } & UserFields)
  | { kind: 'suspend' | 'resume'; user: string }
  | { kind: 'setLimits'; limits: RiskLimits }
  /** An empty symbol stands for every instrument. */
  | { kind: 'massCancel'; user: string; symbol: string }
  | { kind: 'bust'; tradeId: string; reason: string }
  /** An empty list stands for all users. */
  | { kind: 'announce'; text: string; users: string[] }
  | { kind: 'disconnect'; connectionId: string; user: string; revokeSession: boolean };

export interface Reply {
  /** A stream that has reached this cursor has delivered the outcome; empty if the stream does not. */
  cursor: string;
  /** How many orders were cancelled. */
  count?: number;
}

/** Sends a change. The password is only a user's first or new one. */
export async function submit({ admin }: Venue, id: string, change: Change, password: string): Promise<Reply> {
  switch (change.kind) {
    case 'upsertInstrument':
      return admin.upsertInstrument({ requestId: id, instrument: change.instrument });
    case 'setStatus':
      return admin.setTradingStatus({ requestId: id, symbol: change.symbol, status: change.status, reason: change.reason });
    case 'createUser':
      return admin.createUser({ ...fieldsOf(change), requestId: id, password });
    case 'updateUser':
      return admin.updateUser({ ...fieldsOf(change), requestId: id, password });
    case 'suspend':
      return admin.suspendUser({ requestId: id, user: change.user });
    case 'resume':
      return admin.resumeUser({ requestId: id, user: change.user });
    case 'setLimits':
      return admin.setRiskLimits({ requestId: id, limits: change.limits });
    case 'massCancel': {
      const { cursor, canceled } = await admin.massCancelForUser({ requestId: id, user: change.user, symbol: change.symbol });
      return { cursor, count: canceled };
    }
    case 'bust':
      return admin.bustTrade({ requestId: id, tradeId: change.tradeId, reason: change.reason });
    case 'announce':
      return admin.announce({ requestId: id, text: change.text, users: change.users });
    case 'disconnect':
      await admin.disconnectConnection({ connectionId: change.connectionId, revokeSession: change.revokeSession });
      return { cursor: '' };
  }
}

function fieldsOf({ user, displayName, roles, accounts }: UserFields): UserFields {
  return { user, displayName, roles, accounts };
}

/** Whether this user's stream delivers the change. */
export function isPushed(change: Change, self: { user: string; accounts: readonly string[] } | undefined): boolean {
  switch (change.kind) {
    case 'upsertInstrument':
    case 'setStatus':
    case 'createUser':
    case 'updateUser':
    case 'suspend':
    case 'resume':
      return true;
    case 'setLimits':
      return self?.accounts.includes(change.limits.account) ?? false;
    case 'announce':
      return change.users.length === 0 || change.users.includes(self?.user ?? '');
    default:
      return false;
  }
}
