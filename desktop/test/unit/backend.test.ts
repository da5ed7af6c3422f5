// Settings are saved and take effect completely or not at all, and the answer says which. A token
// is for the venue that issued it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, expect, test, vi } from 'vitest';
import { boundTo, VenueBackend, wayOf } from '../../src/main/backend';
import { defaultSettings } from '../../src/main/settings';
import type { ShellSettings } from '../../src/shared/bridge';

const otherServer: ShellSettings = { ...defaultSettings, endpoint: '127.0.0.1:9' };

const directory = mkdtempSync(path.join(os.tmpdir(), 'todoku-backend-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A file with one certificate. */
function certificate(name: string, n: number): string {
  const file = path.join(directory, name);
  writeFileSync(file, rootCertificates[n]!);
  return file;
}

function setUp() {
  const done: string[] = [];
  const tokens = { load: () => Promise.resolve('refresh-0'), save: vi.fn((token: string | undefined) => Promise.resolve(void done.push(`token ${token}`))) };
  const saveSettings = vi.fn(({ endpoint }: ShellSettings) => Promise.resolve(void done.push(`settings ${endpoint}`)));
  const backend = new VenueBackend({ settings: defaultSettings, tokens, saveSettings, onConnectivity: () => undefined, notify: () => undefined });
  return { backend, done, tokens, saveSettings };
}

test('settings that cannot be saved are refused as UNSAVED, and nothing changes', async () => {
  const { backend, saveSettings } = setUp();
  saveSettings.mockRejectedValue(new Error('no space left'));
  expect(await backend.setSettings(otherServer)).toEqual({ refused: { reason: 'UNSAVED', field: '' } });
  expect(backend.getSettings()).toEqual(defaultSettings);
  expect(await backend.hasSession()).toBe(true);
  backend.close();
});

test('another server is saved only after the token of the present one is removed', async () => {
  const { backend, done, tokens } = setUp();
  tokens.save.mockRejectedValueOnce(new Error('read-only'));
  expect(await backend.setSettings(otherServer)).toEqual({ refused: { reason: 'UNSAVED', field: '' } });
  expect(done).toEqual([]);
  expect(await backend.setSettings(otherServer)).toEqual({ signedOut: true });
  expect(done.slice(0, 2)).toEqual(['token undefined', `settings ${otherServer.endpoint}`]);
  expect(backend.getSettings()).toEqual(otherServer);
  expect(await backend.hasSession()).toBe(false);
  backend.close();
});

/** A backend over a token store, as at the start of a run. */
function run(settings: ShellSettings, tokens: { load(): Promise<string | undefined>; save(token: string | undefined): Promise<void> }): VenueBackend {
  return new VenueBackend({ settings, tokens, saveSettings: () => Promise.resolve(), onConnectivity: () => undefined, notify: () => undefined });
}

const tls: ShellSettings = { ...defaultSettings, tls: true };

test.each([
  ['TLS', defaultSettings, () => tls],
  ['no TLS', tls, () => defaultSettings],
  ['another CA', { ...tls, caFile: certificate('one.pem', 0) }, () => ({ ...tls, caFile: certificate('two.pem', 1) })],
  ['another CA in the same file', { ...tls, caFile: certificate('same.pem', 0) }, () => ({ ...tls, caFile: certificate('same.pem', 1) })],
  ["the system's CAs", { ...tls, caFile: certificate('own.pem', 0) }, () => tls],
])('with %s the session is forgotten; with the same way to the venue it is kept', async (_name, before, change) => {
  let stored: string | undefined = 'refresh-0';
  const tokens = { load: () => Promise.resolve(stored), save: (token: string | undefined) => Promise.resolve(void (stored = token)) };
  const backend = run(before, tokens);
  expect(await backend.hasSession()).toBe(true);
  expect(await backend.setSettings({ ...before, keepalive: { timeMs: 0, timeoutMs: 1_000, permitWithoutStream: false } })).toEqual({});
  expect(await backend.hasSession()).toBe(true);
  expect(await backend.setSettings(change())).toEqual({ signedOut: true });
  expect([await backend.hasSession(), stored]).toEqual([false, undefined]);
  backend.close();
});

test('a stored token is used only for the venue that issued it, also if the settings changed between two runs', async () => {
  const ca = certificate('venue.pem', 0);
  const mine: ShellSettings = { ...tls, caFile: ca };
  let stored: string | undefined;
  const store = { load: () => Promise.resolve(stored), save: (token: string | undefined) => Promise.resolve(void (stored = token)) };
  await boundTo(() => wayOf(mine).venue, store).save('refresh-0');
  const resumes = async (settings: ShellSettings): Promise<boolean> => {
    const next = run(settings, store);
    next.close();
    return next.hasSession();
  };
  expect(await resumes(mine)).toBe(true);
  for (const other of [defaultSettings, tls, { ...mine, endpoint: '127.0.0.1:9' }]) expect(await resumes(other)).toBe(false);
  certificate('venue.pem', 1);
  expect(await resumes(mine)).toBe(false);
  rmSync(ca); // The application still starts, so that the settings can be changed.
  expect(await resumes(mine)).toBe(false);
});
