// Replaces `electron` in the preload bundle: IPC and contextBridge only. All other code is the
// product's own.
type Listener = (...args: unknown[]) => unknown;
interface Hooks {
  __ipcEmit(channel: string, ...args: unknown[]): void;
  __ipcInvoke(channel: string, ...args: unknown[]): Promise<unknown>;
  __ipcSend(channel: string, ...args: unknown[]): Promise<void>;
}

const listeners = new Map<string, Set<Listener>>();
const hooks = window as unknown as Hooks;
hooks.__ipcEmit = (channel, ...args) => {
  for (const listener of listeners.get(channel) ?? []) listener({}, ...args);
};

export const ipcRenderer = {
  invoke: (channel: string, ...args: unknown[]) => hooks.__ipcInvoke(channel, ...args),
  send: (channel: string, ...args: unknown[]) => {
    void hooks.__ipcSend(channel, ...args);
  },
  on(channel: string, listener: Listener) {
    const known = listeners.get(channel) ?? new Set();
    listeners.set(channel, known.add(listener));
    return ipcRenderer;
  },
  removeListener(channel: string, listener: Listener) {
    listeners.get(channel)?.delete(listener);
    return ipcRenderer;
  },
};

// Like contextBridge this copies values and wraps functions; what cannot cross the real one fails here too.
function cross(value: unknown): unknown {
  if (typeof value === 'function') return (...args: unknown[]) => cross((value as Listener)(...args.map(cross)));
  if (value instanceof Promise) return value.then(cross);
  if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cross(inner)])));
  return structuredClone(value);
}

export const contextBridge = {
  exposeInMainWorld(name: string, api: unknown) {
    (window as unknown as Record<string, unknown>)[name] = cross(api);
  },
};
