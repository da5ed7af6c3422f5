// Who may do what on the admin page. The venue decides; this table only hides what it would
// refuse. A test compares the table with the venue's.
import { Role } from '../../../gen/todoku/v1/types_pb';
import type { Change } from './changes';
import type { Query } from './queries';

export type Act = Change['kind'] | Query['list'];

/** For each action the service's method, and whether RISK may call it as well as ADMIN. */
export const table: Record<Act, { method: string; risk: boolean }> = {
  upsertInstrument: { method: 'UpsertInstrument', risk: false },
  setStatus: { method: 'SetTradingStatus', risk: true },
  createUser: { method: 'CreateUser', risk: false },
  updateUser: { method: 'UpdateUser', risk: false },
  suspend: { method: 'SuspendUser', risk: false },
  resume: { method: 'ResumeUser', risk: false },
  setLimits: { method: 'SetRiskLimits', risk: true },
  massCancel: { method: 'MassCancelForUser', risk: true },
  bust: { method: 'BustTrade', risk: false },
  announce: { method: 'Announce', risk: false },
  disconnect: { method: 'DisconnectConnection', risk: false },
  users: { method: 'ListAllUsers', risk: true },
  limits: { method: 'GetRiskLimits', risk: true },
  connections: { method: 'ListConnections', risk: true },
  connection: { method: 'ListConnections', risk: true },
  audit: { method: 'ListAudit', risk: true },
  recipients: { method: 'ListTold', risk: false },
  // Any user may list trades; this page lists them to bust one.
  trades: { method: 'ListTrades', risk: true },
};

export function isStaff(roles: readonly Role[] | undefined): boolean {
  return roles?.some((role) => role === Role.RISK || role === Role.ADMIN) ?? false;
}

export function mayDo(roles: readonly Role[] | undefined, act: Act): boolean {
  return roles?.some((role) => role === Role.ADMIN || (role === Role.RISK && table[act].risk)) ?? false;
}
