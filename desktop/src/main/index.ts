// The desktop application's main process: one window, one venue.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { app, BrowserWindow, ipcMain, Menu, net, Notification, powerMonitor, protocol, safeStorage, session } from 'electron';
import { AdminService } from '../gen/todoku/v1/admin_pb';
import { MarketService } from '../gen/todoku/v1/market_pb';
import { NotificationService } from '../gen/todoku/v1/notification_pb';
import { OrderService } from '../gen/todoku/v1/order_pb';
import { SessionService } from '../gen/todoku/v1/session_pb';
import { channels, type ShellSettings } from '../shared/bridge';
import { allowedMethods } from './allowed';
import { VenueBackend } from './backend';
import { registerIpc } from './ipc';
import { assetOf, contentSecurityPolicy, isTrusted, lockDown, origin, webPreferences } from './security';
import { defaultSettings, readSettings } from './settings';
import type { TokenStore } from './vault';

const root = path.join(__dirname, '../renderer');
const inData = (name: string): string => path.join(app.getPath('userData'), name);

// Electron requires both before it is ready.
protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
const first = app.requestSingleInstanceLock();
if (!first) app.quit();

/** Stores the refresh token encrypted by the system's key store; without one it stores nothing. */
const tokens: TokenStore = {
  async load() {
    try {
      return keepsSecrets() ? safeStorage.decryptString(await readFile(inData('session'))) : undefined;
    } catch {
      return undefined; // Missing, or of another user or machine: the user signs in.
    }
  },
  async save(token) {
    if (token === undefined) await rm(inData('session'), { force: true });
    else if (keepsSecrets()) await writeFile(inData('session'), safeStorage.encryptString(token), { mode: 0o600 });
  },
};

function keepsSecrets(): boolean {
  // basic_text encrypts with a password that is public.
  const hidden = process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text';
  return hidden && safeStorage.isEncryptionAvailable();
}

async function loadSettings(): Promise<ShellSettings> {
  try {
    const read = readSettings(JSON.parse(await readFile(inData('settings.json'), 'utf8')));
    if ('settings' in read) return read.settings;
  } catch {
    // Missing or damaged: use the defaults.
  }
  return defaultSettings;
}

async function serveAsset(request: Request): Promise<Response> {
  const file = assetOf(root, request.url);
  if (!file) return new Response('Forbidden', { status: 403 });
  const found = await net.fetch(pathToFileURL(file).toString());
  const headers = new Headers(found.headers);
  headers.set('Content-Security-Policy', contentSecurityPolicy);
  headers.set('X-Content-Type-Options', 'nosniff');
  return new Response(found.body, { status: found.status, headers });
}

let window: BrowserWindow | undefined;
const send = (channel: string, ...values: unknown[]): void => {
  if (window && !window.isDestroyed()) window.webContents.send(channel, ...values);
};

app.on('second-instance', () => {
  window?.restore();
  window?.focus();
});
app.on('window-all-closed', () => app.quit());

if (first) {
  void app.whenReady().then(async () => {
    protocol.handle('app', serveAsset);
    lockDown(app, session.defaultSession);
    if (process.platform !== 'darwin') Menu.setApplicationMenu(null);
    const backend = new VenueBackend({
      settings: await loadSettings(),
      tokens,
      async saveSettings(settings) {
        await mkdir(app.getPath('userData'), { recursive: true });
        // Written to a new file first, so that a full disk does not damage the present settings.
        await writeFile(inData('settings.json.new'), JSON.stringify(settings), { mode: 0o600 });
        await rename(inData('settings.json.new'), inData('settings.json'));
      },
      onConnectivity: (state) => send(channels.connectivity, state),
      notify: (title, body) => new Notification({ title, body, silent: true }).show(),
    });
    registerIpc(ipcMain, backend, {
      allowed: allowedMethods([SessionService, NotificationService, OrderService, MarketService, AdminService]),
      trusted: isTrusted,
    });
    window = new BrowserWindow({
      width: 1440,
      height: 900,
      minWidth: 390,
      minHeight: 600,
      show: false,
      backgroundColor: '#0b0e13',
      webPreferences: webPreferences(path.join(__dirname, '../preload/index.cjs'), app.isPackaged),
    });
    powerMonitor.on('resume', () => send(channels.nudge, 'resume'));
    powerMonitor.on('unlock-screen', () => send(channels.nudge, 'resume'));
    window.once('ready-to-show', () => window?.show());
    app.on('before-quit', () => backend.close());
    await window.loadURL(`${origin}/index.html`);
  });
}
