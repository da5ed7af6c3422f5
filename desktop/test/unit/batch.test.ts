// Responses are gathered once on their way to the screen, per frame, in both shells. The test of
// the desktop uses the real preload and the real IPC handlers of the main process.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient, type Transport } from '@connectrpc/connect';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { FeedNotificationRequestSchema, FeedNotificationResponseSchema, NotificationService } from '../../src/gen/todoku/v1/notification_pb';
import { allowedMethods } from '../../src/main/allowed';
import { type Backend, type IpcEvent, type IpcMain, registerIpc, type Sender } from '../../src/main/ipc';
import { defaultSettings } from '../../src/main/settings';
import { createBridgeTransport } from '../../src/renderer/venue/bridgeTransport';
import { dispatchMark } from '../../src/renderer/app/store';
import { setUp } from '../../src/renderer/features/feed/fakeVenue';
import type { RpcBridge } from '../../src/shared/bridge';

type Listener = (event: IpcEvent, ...args: unknown[]) => unknown;

const electron = vi.hoisted(() => ({
  /** Listeners by channel, of the main process and of the page. */
  main: new Map<string, (event: never, ...args: unknown[]) => unknown>(),
  page: new Map<string, (event: unknown, ...args: unknown[]) => void>(),
  bridge: undefined as unknown,
  sender: undefined as unknown,
}));

vi.mock('electron', () => {
  const call = (channel: string, args: unknown[]): unknown => electron.main.get(channel)?.({ sender: electron.sender, senderFrame: { url: 'app://todoku/index.html' } } as never, ...args);
  return {
    contextBridge: { exposeInMainWorld: (_name: string, bridge: unknown) => void (electron.bridge = bridge) },
    ipcRenderer: {
      send: (channel: string, ...args: unknown[]) => void call(channel, args),
      invoke: (channel: string, ...args: unknown[]) => Promise.resolve(call(channel, args)),
      on: (channel: string, listener: (event: unknown, ...args: unknown[]) => void) => void electron.page.set(channel, listener),
      removeListener: () => undefined,
    },
  };
});

/** A transport that calls another one over the bridge, as the desktop's renderer calls gRPC. */
function throughBridge(inner: Transport): Transport {
  const sender: Sender = { id: 1, send: (channel, ...args) => electron.page.get(channel)?.(undefined, ...args), isDestroyed: () => false, once: () => undefined };
  electron.sender = sender;
  const listen = (channel: string, listener: Listener): void => void electron.main.set(channel, listener as never);
  const ipc: IpcMain = { handle: listen, on: listen };
  const venue = createClient(NotificationService, inner);
  const backend: Backend = {
    unary: () => Promise.resolve({ ok: true, body: new Uint8Array() }),
    open(_path, body, onMessage, onEnd) {
      const abort = new AbortController();
      void (async () => {
        for await (const response of venue.feedNotification(fromBinary(FeedNotificationRequestSchema, body), { signal: abort.signal })) onMessage(toBinary(FeedNotificationResponseSchema, response));
      })().then(
        () => onEnd({ code: 0, message: '' }),
        () => onEnd({ code: 14, message: 'unavailable' }),
      );
      return () => abort.abort();
    },
    hasSession: () => Promise.resolve(false),
    connectivity: () => 'ready',
    getSettings: () => defaultSettings,
    setSettings: () => Promise.resolve({}),
    notify: () => undefined,
  };
  registerIpc(ipc, backend, { allowed: allowedMethods([NotificationService]), trusted: () => true });
  return createBridgeTransport(electron.bridge as RpcBridge, () => undefined);
}

let frames: (() => void)[];
beforeAll(() => import('../../src/preload/index'));
beforeEach(() => {
  frames = [];
  vi.useFakeTimers();
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined });
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback));
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test.each([
  ['web', (inner: Transport) => inner],
  ['electron', throughBridge],
] as const)('%s: a hundred responses between two frames are one dispatch at the next frame', async (_shell, through) => {
  const { nth, after, feed, task } = setUp({ through });
  const frame = async (): Promise<void> => {
    for (const callback of frames.splice(0)) callback();
    await after(0);
  };
  const attach = await nth(1);
  attach.snapshot(10);
  await after(0);
  await frame();
  expect(feed().phase).toBe('live');
  const marks = vi.spyOn(performance, 'mark');
  const dispatched = (): unknown[] => marks.mock.calls.filter(([name]) => name === dispatchMark).map(([, options]) => options?.detail);
  for (let n = 1; n <= 100; n++) attach.send(`e:${10 + n}`, { case: 'announcement', value: { from: 'x', text: String(n) } as never });
  await after(0);
  expect(dispatched()).toEqual([]);
  await frame();
  expect(dispatched()).toEqual(['feed/received']);
  expect(feed().cursor).toBe('e:110');
  task.cancel();
});
