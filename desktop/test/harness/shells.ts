// Opens the screen in either shell. In the web shell the venue serves it. In the
// desktop's, the real preload and renderer run in Chromium against the real main-process
// modules in this process; Electron's own IPC alone is replaced.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { build, type Rollup } from 'vite';
import { AdminService } from '../../src/gen/todoku/v1/admin_pb';
import { MarketService } from '../../src/gen/todoku/v1/market_pb';
import { NotificationService } from '../../src/gen/todoku/v1/notification_pb';
import { OrderService } from '../../src/gen/todoku/v1/order_pb';
import { SessionService } from '../../src/gen/todoku/v1/session_pb';
import { allowedMethods } from '../../src/main/allowed';
import { VenueBackend } from '../../src/main/backend';
import { type IpcMain, registerIpc, type Sender } from '../../src/main/ipc';
import { assetOf, contentSecurityPolicy } from '../../src/main/security';
import { defaultSettings } from '../../src/main/settings';
import type { TokenStore } from '../../src/main/vault';
import { channels, type Nudge } from '../../src/shared/bridge';
import { desktop, type TestVenue } from './venue';

export type ShellName = 'web' | 'electron';
export const shells: ShellName[] = ['web', 'electron'];

export interface Screen {
  page: Page;
  /** What crossed the bridge, by channel; empty in the web shell. */
  crossed: Map<string, number>;
  /** The machine wakes up or comes online; Electron only. */
  nudge(why: Nudge): void;
}

/** The page's origin in the desktop's stead: app:// is Electron's. */
const appOrigin = 'https://todoku.invalid';

const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json' };

let preload: Promise<string> | undefined;

function bundlePreload(): Promise<string> {
  preload ??= build({
    configFile: false,
    logLevel: 'error',
    root: desktop,
    resolve: { alias: { electron: path.join(desktop, 'test/harness/electron.ts') } },
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      lib: { entry: path.join(desktop, 'src/preload/index.ts'), formats: ['iife'], name: 'preload', fileName: 'preload' },
    },
  }).then((out) => {
    const [first] = (Array.isArray(out) ? out : [out]) as Rollup.RollupOutput[];
    return first!.output[0].code;
  });
  return preload;
}

/** Opens a window. Windows of one context share what a browser profile shares. */
export async function openScreen(shell: ShellName, context: BrowserContext, venue: TestVenue, tokens: TokenStore = memoryTokens()): Promise<Screen> {
  const page = await context.newPage();
  if (shell === 'web') {
    await page.goto(venue.origin);
    return { page, crossed: new Map(), nudge: () => undefined };
  }
  const crossed = new Map<string, number>();
  const tell = (channel: string, ...args: unknown[]): void => {
    crossed.set(channel, (crossed.get(channel) ?? 0) + 1);
    void page.evaluate(([name, values]) => (window as unknown as { __ipcEmit(c: string, ...a: unknown[]): void }).__ipcEmit(name, ...values), [channel, args] as const).catch(() => undefined); // The page is gone.
  };
  const backend = new VenueBackend({
    settings: { ...defaultSettings, endpoint: venue.endpoint },
    tokens,
    saveSettings: () => Promise.resolve(),
    onConnectivity: (state) => tell(channels.connectivity, state),
    notify: () => undefined,
  });
  const handlers = new Map<string, (...args: never[]) => unknown>();
  const listeners = new Map<string, (...args: never[]) => void>();
  const ipc: IpcMain = {
    handle: (channel, listener) => handlers.set(channel, listener as never),
    on: (channel, listener) => listeners.set(channel, listener as never),
  };
  registerIpc(ipc, backend, {
    allowed: allowedMethods([SessionService, NotificationService, OrderService, MarketService, AdminService]),
    trusted: (url) => new URL(url).origin === appOrigin,
  });
  const sender: Sender = { id: 1, isDestroyed: () => page.isClosed(), once: (_event, listener) => page.once('close', listener), send: tell };
  page.once('close', () => backend.close());
  await page.exposeBinding('__ipcInvoke', ({ frame }, channel: string, ...args: unknown[]) =>
    handlers.get(channel)?.(...([{ sender, senderFrame: { url: frame.url() } }, ...args] as never[])),
  );
  await page.exposeBinding('__ipcSend', ({ frame }, channel: string, ...args: unknown[]) => {
    listeners.get(channel)?.(...([{ sender, senderFrame: { url: frame.url() } }, ...args] as never[]));
  });
  await page.addInitScript(await bundlePreload());
  const root = path.join(desktop, 'out/renderer');
  await page.route(`${appOrigin}/**`, async (route) => {
    const file = assetOf(root, route.request().url());
    if (!file) return route.fulfill({ status: 403 });
    const body = await readFile(file).catch(() => undefined);
    if (!body) return route.fulfill({ status: 404 });
    return route.fulfill({
      status: 200,
      contentType: types[path.extname(file)] ?? 'application/octet-stream',
      body,
      headers: { 'content-security-policy': contentSecurityPolicy },
    });
  });
  await page.goto(`${appOrigin}/index.html`);
  return { page, crossed, nudge: (why) => tell(channels.nudge, why) };
}

/** A token store that lasts as long as the test. */
export function memoryTokens(): TokenStore {
  let kept: string | undefined;
  return {
    load: () => Promise.resolve(kept),
    save(token) {
      kept = token;
      return Promise.resolve();
    },
  };
}

export async function signIn(page: Page, user: string, password = 'demo'): Promise<void> {
  await page.getByLabel(/^(User|ユーザー名)$/).fill(user);
  await page.getByLabel(/^(Password|パスワード)$/).fill(password);
  await page.keyboard.press('Enter');
  await page.locator('[data-freshness=fresh]').first().waitFor();
}
