// The main process accepts over the bridge only what a screen needs.
import { describe, expect, test, vi } from 'vitest';
import { AdminService } from '../../src/gen/todoku/v1/admin_pb';
import { NotificationService } from '../../src/gen/todoku/v1/notification_pb';
import { allowedMethods } from '../../src/main/allowed';
import { type Backend, type IpcEvent, type IpcMain, registerIpc, type Sender } from '../../src/main/ipc';
import { defaultSettings } from '../../src/main/settings';
import { channels, type RpcStatus } from '../../src/shared/bridge';

const feed = '/todoku.v1.NotificationService/FeedNotification';
const acknowledge = '/todoku.v1.NotificationService/AcknowledgeNotifications';

function setUp() {
  const handlers = new Map<string, (event: IpcEvent, ...args: unknown[]) => unknown>();
  const ipc: IpcMain = { handle: (channel, listener) => handlers.set(channel, listener), on: (channel, listener) => handlers.set(channel, listener) };
  const opened: { message: (m: Uint8Array) => void; end: (s: RpcStatus) => void; cancel: ReturnType<typeof vi.fn> }[] = [];
  const backend = {
    unary: vi.fn<Backend['unary']>(() => Promise.resolve({ ok: true, body: new Uint8Array() })),
    open: vi.fn<Backend['open']>((_path, _body, message, end) => {
      const cancel = vi.fn();
      opened.push({ message, end, cancel });
      return cancel;
    }),
    hasSession: () => Promise.resolve(false),
    connectivity: () => 'ready' as const,
    getSettings: () => defaultSettings,
    setSettings: vi.fn<Backend['setSettings']>(() => Promise.resolve({})),
    notify: vi.fn<Backend['notify']>(),
  };
  registerIpc(ipc, backend, { allowed: allowedMethods([NotificationService, AdminService]), trusted: (url) => url.startsWith('app://todoku/') });
  const sent: [string, ...unknown[]][] = [];
  const destroyed: (() => void)[] = [];
  const sender: Sender = {
    id: 7,
    send: (channel, ...args) => sent.push([channel, ...args]),
    isDestroyed: () => false,
    once: (_event, listener) => destroyed.push(listener),
  };
  const event = { sender, senderFrame: { url: 'app://todoku/index.html' } };
  return { call: (channel: string, ...args: unknown[]) => handlers.get(channel)!(event, ...args), handlers, backend, opened, sent, sender, destroyed, destroy: () => destroyed.forEach((listener) => listener()) };
}

describe('calls', () => {
  test('methods of the services can be called, and no others', async () => {
    const { call, backend } = setUp();
    await call(channels.unary, acknowledge, new Uint8Array([1]), 3000);
    expect(backend.unary).toHaveBeenCalledWith(acknowledge, new Uint8Array([1]), 3000);
    for (const path of ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', '/todoku.v1.AdminService/ExportJournal', 'x', 7, undefined])
      expect(() => call(channels.unary, path, new Uint8Array())).toThrow('is not allowed');
    expect(backend.unary).toHaveBeenCalledTimes(1);
  });

  test('a request that is not bytes, or larger than the venue accepts, is refused', () => {
    const { call } = setUp();
    for (const body of ['text', [1], null, new Uint8Array((1 << 20) + 1)]) expect(() => call(channels.unary, acknowledge, body)).toThrow('a request must be at most 1048576 bytes');
  });

  test('a frame of another origin is refused', () => {
    const { handlers, sender, backend } = setUp();
    for (const senderFrame of [{ url: 'https://elsewhere.test/' }, { url: 'about:blank' }, null]) {
      expect(() => handlers.get(channels.unary)!({ sender, senderFrame }, acknowledge, new Uint8Array())).toThrow('are not allowed');
      expect(() => handlers.get(channels.setSettings)!({ sender, senderFrame }, {})).toThrow('are not allowed');
    }
    expect(backend.unary).not.toHaveBeenCalled();
  });

  test('every call has a deadline', async () => {
    const { call, backend } = setUp();
    await call(channels.unary, acknowledge, new Uint8Array(), Infinity);
    await call(channels.unary, acknowledge, new Uint8Array(), -1);
    expect(backend.unary.mock.calls.map(([, , timeout]) => timeout)).toEqual([60_000, 10_000]);
  });
});

describe('streams', () => {
  test('messages are sent at once and in order, then the end', () => {
    const { call, opened, sent } = setUp();
    call(channels.open, '1', feed, new Uint8Array());
    opened[0]!.message(new Uint8Array([1]));
    opened[0]!.message(new Uint8Array([2]));
    opened[0]!.end({ code: 14, message: 'unavailable' });
    expect(sent).toEqual([
      [channels.message, '1', new Uint8Array([1])],
      [channels.message, '1', new Uint8Array([2])],
      [channels.end, '1', { code: 14, message: 'unavailable' }],
    ]);
  });

  test('a reload or a closed window ends its streams', () => {
    const { call, opened, destroy } = setUp();
    call(channels.open, '1', feed, new Uint8Array());
    call(channels.reset);
    expect(opened[0]!.cancel).toHaveBeenCalledOnce();
    call(channels.open, '1', feed, new Uint8Array());
    destroy();
    expect(opened[1]!.cancel).toHaveBeenCalledOnce();
  });

  test('repeated reloads of a window add no listeners', () => {
    const { call, destroyed } = setUp();
    for (let n = 0; n < 20; n++) {
      call(channels.reset);
      call(channels.open, '1', feed, new Uint8Array());
    }
    expect(destroyed).toHaveLength(1);
  });

  test('a new page is sent the present state of the channel', () => {
    const { call, sent } = setUp();
    call(channels.reset);
    expect(sent).toEqual([[channels.connectivity, 'ready']]);
  });

  test('a page can open at most eight streams', () => {
    const { call, sent, backend } = setUp();
    for (let n = 0; n < 9; n++) call(channels.open, String(n), feed, new Uint8Array());
    expect(backend.open).toHaveBeenCalledTimes(8);
    expect(sent).toEqual([[channels.end, '8', { code: 7, message: 'Error: a page can have at most 8 open streams' }]]);
  });
});
