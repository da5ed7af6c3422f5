// The admin page has the same rules for instruments and the same rights of each role as the venue.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkInstrument, type InstrumentDraft } from '../../src/renderer/features/admin/rules';
import { type Act, mayDo } from '../../src/renderer/features/admin/rights';
import { timeoutOf } from '../../src/renderer/venue/venue';
import { AdminService } from '../../src/gen/todoku/v1/admin_pb';
import { MarketService } from '../../src/gen/todoku/v1/market_pb';
import { NotificationService } from '../../src/gen/todoku/v1/notification_pb';
import { OrderService } from '../../src/gen/todoku/v1/order_pb';
import { SessionService } from '../../src/gen/todoku/v1/session_pb';
import { Role } from '../../src/gen/todoku/v1/types_pb';

interface InstrumentVector extends Omit<InstrumentDraft, 'bandBasisPoints' | 'discloseCounterparty'> {
  bandBasisPoints: number;
  reason: string;
  field: string;
}

const file = path.resolve(import.meta.dirname, '../vectors/instruments.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as InstrumentVector[];

test('for every invalid instrument the screen reports first the field and reason that the venue reports', () => {
  for (const { reason, field, bandBasisPoints, ...rest } of vectors) {
    const [first] = checkInstrument({ ...rest, bandBasisPoints: String(bandBasisPoints), discloseCounterparty: false });
    expect({ reason: first?.reason ?? '', field: first?.field ?? '' }, JSON.stringify(rest)).toEqual({ reason, field });
  }
  expect(vectors.filter(({ reason }) => reason === '').length).toBeGreaterThan(100);
});

test('the screen offers each role exactly what the venue allows it', () => {
  const adminOnly: Act[] = ['upsertInstrument', 'createUser', 'updateUser', 'suspend', 'resume', 'bust', 'announce', 'disconnect', 'recipients'];
  const staff: Act[] = ['setStatus', 'setLimits', 'massCancel', 'users', 'limits', 'connections', 'connection', 'audit', 'trades'];
  for (const act of adminOnly) expect([act, mayDo([Role.ADMIN], act), mayDo([Role.RISK], act)]).toEqual([act, true, false]);
  for (const act of staff) expect([act, mayDo([Role.ADMIN], act), mayDo([Role.RISK], act)]).toEqual([act, true, true]);
  for (const act of [...adminOnly, ...staff]) expect([act, mayDo([Role.TRADER, Role.VIEWER], act), mayDo(undefined, act)]).toEqual([act, false, false]);
});

test('the schema gives every call a deadline, and a stream none', () => {
  expect(timeoutOf(MarketService.method.getBook)).toBe(3_000);
  expect(timeoutOf(OrderService.method.placeOrder)).toBe(8_000);
  expect(timeoutOf(NotificationService.method.feedNotification)).toBeUndefined();
  for (const service of [AdminService, MarketService, NotificationService, OrderService, SessionService]) {
    for (const method of service.methods) expect([method.name, timeoutOf(method) !== undefined]).toEqual([method.name, method.methodKind === 'unary']);
  }
});
