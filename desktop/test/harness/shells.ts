// Opens the screen in any shell. In the web shell the venue serves it. In the desktop's, the
// real preload and renderer run in Chromium with the real main-process modules in this process;
// only Electron's IPC is replaced.
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
import { assetOf, contentSecurityPolicy, origin } from '../../src/main/security';
import { defaultSettings } from '../../src/main/settings';
import type { TokenStore } from '../../src/main/vault';
import { channels, type Nudge } from '../../src/shared/bridge';
import { openBinary } from './binaryShell';
import { electronBinary } from './electronBinary';
import { desktop, type Reachable } from './venue';

export type ShellName = 'web' | 'electron' | 'electron-binary';
export const shells: ShellName[] = ['web', 'electron', ...(electronBinary ? (['electron-binary'] as const) : [])];
/** For files that test what lies above the transport, which is the same in both shells: one of them, and the application. */
export const alone = (shell: 'web' | 'electron'): ShellName[] => shells.filter((name) => name === shell || name === 'electron-binary');
/** The shells in which a test may open several windows; the application has one window. */
export const windowed: ShellName[] = ['web', 'electron'];

export interface Screen {
  page: Page;
  /** How many values crossed the bridge, by channel; only in `electron`. */
  crossed: Map<string, number>;
  /** Names of the methods that were called, in order; empty in `electron-binary`. */
  calls: string[];
  /** Calls back with everything that reaches the page over the bridge; only in `electron`. */
  onCrossing(listener: (value: unknown) => void): void;
  /** Simulates that the machine wakes up or comes online; does nothing in a browser. */
  nudge(why: Nudge): void;
}

export interface Opening {
  /** Where the desktop keeps its refresh token. */
  tokens?: TokenStore;
  /** The connection of another window, which this one continues as if the other had been left. */
  connection?: string;
  /** The path to the venue; the direct one if absent. */
  through?: Reachable;
}

/** Violations of the content security policy and requests to other origins, of all pages. */
export const breaches: string[] = [];

/** The connection that a page remembers. */
export function connectionOf(page: Page): Promise<string> {
  return page.evaluate(() => sessionStorage.getItem('todoku.connection') ?? '');
}

/** Reports breaches of a page; call it before the page is loaded. */
async function watch(page: Page, home: string): Promise<void> {
  await page.exposeBinding('__breach', (_source, text: string) => {
    breaches.push(text);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      void (window as unknown as { __breach(text: string): void }).__breach(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${home}/`) && !/^(blob|data|about):/.test(url)) breaches.push(`request: ${url}`);
  });
}

/** The page's origin, because only Electron has app://. */
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

/** Opens a window. Windows of one context share a browser profile. */
export async function openScreen(shell: ShellName, context: BrowserContext, venue: Reachable, { tokens = memoryTokens(), connection, through = venue }: Opening = {}): Promise<Screen> {
  if (shell === 'electron-binary') return openInBinary(context, through);
  const page = await context.newPage();
  const calls: string[] = [];
  await watch(page, shell === 'web' ? through.origin : appOrigin);
  if (connection !== undefined)
    await page.addInitScript((id) => {
      if (sessionStorage.length > 0) return;
      sessionStorage.setItem('todoku.connection', id);
      sessionStorage.setItem('todoku.connection.left', '1');
    }, connection);
  if (shell === 'web') {
    page.on('request', (request) => {
      const method = /todoku\.v1\.\w+\/(\w+)$/.exec(request.url())?.[1];
      if (method !== undefined) calls.push(method);
    });
    await page.goto(through.origin);
    return { page, crossed: new Map(), calls, onCrossing: () => undefined, nudge: () => undefined };
  }
  const seen: ((value: unknown) => void)[] = [];
  const crossed = new Map<string, number>();
  const send = (channel: string, ...args: unknown[]): void => {
    crossed.set(channel, (crossed.get(channel) ?? 0) + 1);
    for (const listener of seen) listener(args);
    void page.evaluate(([name, values]) => (window as unknown as { __ipcEmit(c: string, ...a: unknown[]): void }).__ipcEmit(name, ...values), [channel, args] as const).catch(() => undefined); // The page is gone.
  };
  const backend = new VenueBackend({
    settings: { ...defaultSettings, endpoint: through.endpoint },
    tokens,
    saveSettings: () => Promise.resolve(),
    onConnectivity: (state) => send(channels.connectivity, state),
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
  const sender: Sender = { id: 1, isDestroyed: () => page.isClosed(), once: (_event, listener) => page.once('close', listener), send };
  page.once('close', () => backend.close());
  const called = (method: unknown): void => {
    if (typeof method === 'string') calls.push(method.slice(method.lastIndexOf('/') + 1));
  };
  await page.exposeBinding('__ipcInvoke', async ({ frame }, channel: string, ...args: unknown[]) => {
    if (channel === channels.unary) called(args[0]);
    const result = await handlers.get(channel)?.(...([{ sender, senderFrame: { url: frame.url() } }, ...args] as never[]));
    for (const listener of seen) listener(result);
    return result;
  });
  await page.exposeBinding('__ipcSend', ({ frame }, channel: string, ...args: unknown[]) => {
    if (channel === channels.open) called(args[1]);
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
  return { page, crossed, calls, onCrossing: (listener) => seen.push(listener), nudge: (why) => send(channels.nudge, why) };
}

async function openInBinary(context: BrowserContext, venue: Reachable): Promise<Screen> {
  const { page, application, close } = await openBinary(electronBinary ?? '', desktop, venue.endpoint);
  context.once('close', () => void close());
  await watch(page, origin);
  const nudge = (why: Nudge): void => {
    void application.evaluate(({ BrowserWindow }, [channel, value]) => BrowserWindow.getAllWindows()[0]?.webContents.send(channel!, value), [channels.nudge, why]);
  };
  return { page, crossed: new Map(), calls: [], onCrossing: () => undefined, nudge };
}

/** A token store in memory. */
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

/** Records every change of the screen's freshness from now on. */
export async function watchFreshness(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(window, { __freshness: seen });
    new MutationObserver((records) => {
      for (const { target } of records) seen.push((target as HTMLElement).dataset['freshness'] ?? '');
    }).observe(document.body, { subtree: true, attributeFilter: ['data-freshness'] });
  });
}

/** The values of freshness since watchFreshness; empty if it did not change. */
export function freshnessSeen(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { __freshness: string[] }).__freshness);
}

export async function signIn(page: Page, user: string, password = 'demo'): Promise<void> {
  await page.getByLabel(/^(User|ユーザー名)$/).fill(user);
  await page.getByLabel(/^(Password|パスワード)$/).fill(password);
  await page.keyboard.press('Enter');
  await page.locator('[data-freshness=fresh]').first().waitFor();
}
