// The screen in real Electron: its own window, IPC and profile.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { defaultSettings } from '../../src/main/settings';

export interface BinaryWindow {
  page: Page;
  application: ElectronApplication;
  close(): Promise<void>;
}

export async function openBinary(executablePath: string, desktop: string, endpoint: string): Promise<BinaryWindow> {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'todoku-electron-'));
  await writeFile(path.join(profile, 'settings.json'), JSON.stringify({ ...defaultSettings, endpoint }));
  const application = await _electron.launch({ executablePath, args: ['--no-sandbox', `--user-data-dir=${profile}`, desktop] });
  return {
    page: await application.firstWindow(),
    application,
    async close() {
      await application.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
