// The admin page has the venue's rules for instruments, and the venue's rights of each role.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkInstrument, type InstrumentDraft } from '../../src/renderer/features/admin/rules';
import { table } from '../../src/renderer/features/admin/rights';

interface InstrumentVector extends Omit<InstrumentDraft, 'bandBasisPoints' | 'discloseCounterparty'> {
  bandBasisPoints: number;
  reason: string;
  field: string;
}

const file = path.resolve(import.meta.dirname, '../vectors/instruments.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as InstrumentVector[];

test('of every instrument the screen complains first where the venue does, for the same reason', () => {
  for (const { reason, field, bandBasisPoints, ...rest } of vectors) {
    const [first] = checkInstrument({ ...rest, bandBasisPoints: String(bandBasisPoints), discloseCounterparty: false });
    expect({ reason: first?.reason ?? '', field: first?.field ?? '' }, JSON.stringify(rest)).toEqual({ reason, field });
  }
  expect(vectors.filter(({ reason }) => reason === '').length).toBeGreaterThan(100);
});

test('the screen offers RISK what the venue lets RISK do, and no more', () => {
  const source = readFileSync(path.resolve(import.meta.dirname, '../../../rpc/methods.go'), 'utf8');
  const venue = new Map([...source.matchAll(/AdminService_(\w+)_FullMethodName:\s+(\w+),/g)].map(([, method, who]) => [method, who]));
  expect(venue.size).toBeGreaterThan(10);
  for (const [act, { method, risk }] of Object.entries(table)) {
    if (act === 'trades') continue; // Anybody's list.
    expect([method, venue.get(method)]).toEqual([method, risk ? 'staff' : 'admin']);
  }
});
