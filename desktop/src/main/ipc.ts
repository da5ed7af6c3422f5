// The main process's side of the bridge. It uses Electron only through the small interfaces
// IpcMain and Sender, so that tests can use a browser instead.
import { channels, type Connectivity, type RpcStatus, type SettingsOutcome, type ShellSettings, type UnaryResult } from '../shared/bridge';

export interface Sender {
  readonly id: number;
  send(channel: string, ...args: unknown[]): void;
  isDestroyed(): boolean;
  once(event: 'destroyed', listener: () => void): unknown;
}

export interface IpcEvent {
  sender: Sender;
  senderFrame?: { url: string } | null;
}

export interface IpcMain {
  handle(channel: string, listener: (event: IpcEvent, ...args: unknown[]) => unknown): void;
  on(channel: string, listener: (event: IpcEvent, ...args: unknown[]) => void): unknown;
}

/** Carries out the renderer's calls. */
export interface Backend {
  unary(path: string, body: Uint8Array, timeoutMs: number): Promise<UnaryResult>;
  open(path: string, body: Uint8Array, onMessage: (message: Uint8Array) => void, onEnd: (status: RpcStatus) => void): () => void;
  hasSession(): Promise<boolean>;
  /** State of the stream's channel now. */
  connectivity(): Connectivity;
  getSettings(): ShellSettings;
  setSettings(settings: unknown): Promise<SettingsOutcome>;
  notify(title: string, body: string): void;
}

export interface IpcOptions {
  /** Full method names that the renderer may call. */
  allowed: ReadonlySet<string>;
  /** Whether a frame of this address may make calls. */
  trusted: (url: string) => boolean;
}

/** The largest request that the venue accepts. */
const maxBody = 1 << 20;
/** More than a screen needs; the limit stops a renderer with a defect. */
const maxStreams = 8;
const maxText = 500;
const defaultTimeoutMs = 10_000;

export function registerIpc(ipc: IpcMain, backend: Backend, options: IpcOptions): void {
  const streams = new Map<number, Map<string, () => void>>(); // By sender, then by the renderer's name for it.

  const drop = (sender: number): void => streams.get(sender)?.forEach((cancel) => cancel());
  const streamsOf = (sender: Sender): Map<string, () => void> => {
    let open = streams.get(sender.id);
    if (!open) {
      open = new Map();
      streams.set(sender.id, open);
      sender.once('destroyed', () => {
        drop(sender.id);
        streams.delete(sender.id);
      });
    }
    return open;
  };
  const mustTrust = (event: IpcEvent): void => {
    const url = event.senderFrame?.url ?? '';
    if (!options.trusted(url)) throw new Error(`calls from ${JSON.stringify(url)} are not allowed`);
  };
  const request = (event: IpcEvent, path: unknown, body: unknown): [string, Uint8Array] => {
    mustTrust(event);
    if (typeof path !== 'string' || !options.allowed.has(path)) throw new Error(`method ${JSON.stringify(path)} is not allowed`);
    if (!(body instanceof Uint8Array) || body.length > maxBody) throw new Error(`a request must be at most ${maxBody} bytes in a Uint8Array`);
    return [path, body];
  };

  ipc.handle(channels.unary, (event, path, body, timeoutMs) => {
    const [method, message] = request(event, path, body);
    const limit = typeof timeoutMs === 'number' && timeoutMs > 0 ? Math.min(timeoutMs, 60_000) : defaultTimeoutMs;
    return backend.unary(method, message, limit);
  });
  // A reload keeps the WebContents, so the streams of the page before are ended here.
  ipc.on(channels.reset, ({ sender }) => {
    drop(sender.id);
    // A channel that does not change sends no state by itself.
    if (!sender.isDestroyed()) sender.send(channels.connectivity, backend.connectivity());
  });
  ipc.on(channels.cancel, (event, id) => {
    if (typeof id === 'string') streams.get(event.sender.id)?.get(id)?.();
  });
  ipc.on(channels.open, (event, id, path, body) => {
    const { sender } = event;
    const send = (channel: string, value: unknown): void => {
      if (!sender.isDestroyed()) sender.send(channel, id, value);
    };
    const open = streamsOf(sender);
    let method: string, message: Uint8Array;
    try {
      [method, message] = request(event, path, body);
      if (typeof id !== 'string' || open.has(id)) throw new Error(`stream id ${JSON.stringify(id)} is in use or not a string`);
      if (open.size >= maxStreams) throw new Error(`a page can have at most ${maxStreams} open streams`);
    } catch (error) {
      send(channels.end, { code: 7, message: String(error) } satisfies RpcStatus);
      return;
    }
    let over = false;
    const cancel = backend.open(
      method,
      message,
      // At once: in both shells the renderer gathers the messages between two of its frames.
      (data) => {
        if (!over) send(channels.message, data);
      },
      (status) => {
        if (over) return;
        over = true;
        open.delete(id);
        send(channels.end, status);
      },
    );
    open.set(id, () => {
      over = true;
      open.delete(id);
      cancel();
    });
  });

  ipc.handle(channels.hasSession, (event) => {
    mustTrust(event);
    return backend.hasSession();
  });
  ipc.handle(channels.getSettings, (event) => {
    mustTrust(event);
    return backend.getSettings();
  });
  ipc.handle(channels.setSettings, (event, settings) => {
    mustTrust(event);
    return backend.setSettings(settings);
  });
  ipc.on(channels.notify, (event, title, body) => {
    mustTrust(event);
    if (typeof title === 'string' && typeof body === 'string') backend.notify(title.slice(0, maxText), body.slice(0, maxText));
  });
}
