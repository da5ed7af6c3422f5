// Settings are saved and take effect completely or not at all, and the answer says which.
import { expect, test, vi } from 'vitest';
import { VenueBackend } from '../../src/main/backend';
import { defaultSettings } from '../../src/main/settings';
import type { ShellSettings } from '../../src/shared/bridge';

const otherServer: ShellSettings = { ...defaultSettings, endpoint: '127.0.0.1:9' };

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
  expect(await backend.setSettings(otherServer)).toEqual({});
  expect(done.slice(0, 2)).toEqual(['token undefined', `settings ${otherServer.endpoint}`]);
  expect(backend.getSettings()).toEqual(otherServer);
  expect(await backend.hasSession()).toBe(false);
  backend.close();
});
