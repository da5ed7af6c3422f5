// The desktop application's main process starts with its restrictions. The real
// src/main/index.ts runs with a fake Electron; Electron's own behaviour is not tested here.
import { EventEmitter } from 'node:events';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';

interface Contents extends EventEmitter {
  send(...args: unknown[]): void;
  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void;
  open?: (details: { url: string }) => { action: string };
}

const world = vi.hoisted(() => ({
  order: [] as string[],
  windows: [] as { options: { webPreferences: Record<string, unknown> }; url: string; webContents: unknown }[],
  schemes: [] as { scheme: string; privileges: Record<string, boolean> }[],
  protocols: new Map<string, (request: { url: string }) => Promise<Response>>(),
  ipc: new Set<string>(),
  permissions: [] as ((contents: unknown, permission: string, answer: (granted: boolean) => void) => void)[],
  checks: [] as (() => boolean)[],
  data: '',
}));

vi.mock('electron', async () => {
  const { EventEmitter: Emitter } = await import('node:events');
  const app = Object.assign(new Emitter(), {
    isPackaged: true,
    requestSingleInstanceLock: () => world.order.push('lock') > 0,
    quit: () => world.order.push('quit'),
    getPath: () => world.data,
    whenReady: () => {
      world.order.push('ready');
      return Promise.resolve();
    },
  });
  class BrowserWindow extends Emitter {
    url = '';
    webContents = Object.assign(new Emitter(), {
      send: () => undefined,
      setWindowOpenHandler(this: Contents, handler: NonNullable<Contents['open']>) {
        this.open = handler;
      },
    });
    constructor(readonly options: { webPreferences: Record<string, unknown> }) {
      super();
      world.windows.push(this);
      app.emit('web-contents-created', {}, this.webContents);
    }
    isDestroyed = () => false;
    show = () => undefined;
    restore = () => undefined;
    focus = () => world.order.push('focus');
    loadURL(url: string): Promise<void> {
      this.url = url;
      return Promise.resolve();
    }
  }
  return {
    app,
    BrowserWindow,
    Menu: { setApplicationMenu: () => undefined },
    Notification: class {
      show = () => undefined;
    },
    ipcMain: { handle: (channel: string) => world.ipc.add(channel), on: (channel: string) => world.ipc.add(channel) },
    net: { fetch: () => Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } })) },
    powerMonitor: new Emitter(),
    protocol: {
      registerSchemesAsPrivileged(schemes: typeof world.schemes) {
        world.order.push('schemes');
        world.schemes = schemes;
      },
      handle: (scheme: string, handler: (request: { url: string }) => Promise<Response>) => world.protocols.set(scheme, handler),
    },
    safeStorage: { isEncryptionAvailable: () => false, getSelectedStorageBackend: () => 'basic_text' },
    session: {
      defaultSession: {
        setPermissionRequestHandler: (handler: (typeof world.permissions)[0]) => world.permissions.push(handler),
        setPermissionCheckHandler: (handler: () => boolean) => world.checks.push(handler),
      },
    },
  };
});

beforeAll(async () => {
  world.data = mkdtempSync(path.join(os.tmpdir(), 'todoku-desktop-'));
  await import('../../src/main/index');
  await vi.waitFor(() => expect(world.windows[0]?.url).toBe('app://todoku/index.html'));
});

const contents = (): Contents => world.windows[0]?.webContents as Contents;

test('the scheme is registered and the instance lock is taken before Electron is ready', () => {
  expect(world.order.indexOf('schemes')).toBeLessThan(world.order.indexOf('ready'));
  expect(world.order.indexOf('lock')).toBeLessThan(world.order.indexOf('ready'));
  expect(world.schemes).toEqual([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
});

test('the window is sandboxed and isolated, and has no Node', () => {
  expect(world.windows[0]?.options.webPreferences).toMatchObject({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    allowRunningInsecureContent: false,
    devTools: false,
  });
});

test('pages have the content security policy, and files outside their folder are refused', async () => {
  const serve = world.protocols.get('app')!;
  const policy = (await serve({ url: 'app://todoku/index.html' })).headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  for (const name of ['..%2f..%2f..%2fetc%2fpasswd', '..%2f..%2fpackage.json', '%']) expect((await serve({ url: `app://todoku/${name}` })).status).toBe(403);
});

test('the page cannot navigate away, open windows, attach views or get permissions', () => {
  for (const event of ['will-navigate', 'will-redirect']) {
    const away = { url: 'https://elsewhere.test/', preventDefault: vi.fn() };
    contents().emit(event, away);
    expect(away.preventDefault).toHaveBeenCalled();
    const home = { url: 'app://todoku/index.html', preventDefault: vi.fn() };
    contents().emit(event, home);
    expect(home.preventDefault).not.toHaveBeenCalled();
  }
  const view = { preventDefault: vi.fn() };
  contents().emit('will-attach-webview', view);
  expect(view.preventDefault).toHaveBeenCalled();
  expect(contents().open?.({ url: 'https://elsewhere.test/' })).toEqual({ action: 'deny' });
  const answer = vi.fn();
  world.permissions[0]?.({}, 'media', answer);
  expect(answer).toHaveBeenCalledWith(false);
  expect(world.checks[0]?.()).toBe(false);
});

test('main listens only to the channels of the bridge', () => {
  expect([...world.ipc].toSorted()).toEqual(
    ['rpc:cancel', 'rpc:open', 'rpc:reset', 'rpc:unary', 'session:has', 'settings:get', 'settings:set', 'shell:notify'].toSorted(),
  );
});

test('a second start shows the window of the first', async () => {
  const { app } = await import('electron');
  app.emit('second-instance');
  expect(world.order).toContain('focus');
});
