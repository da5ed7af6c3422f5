// Who may do what on the admin page: what the schema says of each method. The venue decides;
// this keeps what it would refuse off the screen.
import { type DescMethod, getOption } from '@bufbuild/protobuf';
import { AdminService } from '../../../gen/todoku/v1/admin_pb';
import { access, AccessSchema, allowed } from '../../../gen/todoku/v1/options_pb';
import { Role } from '../../../gen/todoku/v1/types_pb';
import type { Change } from './changes';
import type { Query } from './queries';

export type Act = Change['kind'] | Query['list'];

const { method } = AdminService;

/** By what the page does: the method that does it. */
const methods: Record<Act, DescMethod> = {
  upsertInstrument: method.upsertInstrument,
  setStatus: method.setTradingStatus,
  createUser: method.createUser,
  updateUser: method.updateUser,
  suspend: method.suspendUser,
  resume: method.resumeUser,
  setLimits: method.setRiskLimits,
  massCancel: method.massCancelForUser,
  bust: method.bustTrade,
  announce: method.announce,
  disconnect: method.disconnectConnection,
  users: method.listAllUsers,
  limits: method.getRiskLimits,
  connections: method.listConnections,
  connection: method.listConnections,
  audit: method.listAudit,
  recipients: method.listTold,
  // Everyone may list trades; on this page staff look for those to bust.
  trades: method.listAudit,
};

export function isStaff(roles: readonly Role[] | undefined): boolean {
  return roles?.some((role) => role === Role.RISK || role === Role.ADMIN) ?? false;
}

export function mayDo(roles: readonly Role[] | undefined, act: Act): boolean {
  const of = AccessSchema.value[getOption(methods[act], access)];
  const permitted = of ? getOption(of, allowed).roles : [];
  return roles?.some((role) => permitted.includes(role)) ?? false;
}
