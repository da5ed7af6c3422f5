// Exposes the bridge to the page, and nothing else.
import { contextBridge, ipcRenderer } from 'electron';
import { channels, type Connectivity, type Nudge, type RpcBridge, type RpcStatus } from '../shared/bridge';

ipcRenderer.send(channels.reset);

let connectivity: Connectivity | undefined;
ipcRenderer.on(channels.connectivity, (_event, state: Connectivity) => {
  connectivity = state;
});

let opened = 0;
const messages = new Map<string, (message: Uint8Array) => void>();
const ends = new Map<string, (status: RpcStatus) => void>();
ipcRenderer.on(channels.message, (_event, id: string, message: Uint8Array) => messages.get(id)?.(message));
ipcRenderer.on(channels.end, (_event, id: string, status: RpcStatus) => {
  const ended = ends.get(id);
  messages.delete(id);
  ends.delete(id);
  ended?.(status);
});

function listen<T>(channel: string, listener: (value: T) => void): () => void {
  const handler = (_event: unknown, value: T): void => listener(value);
  ipcRenderer.on(channel, handler);
  return () => {
    ipcRenderer.removeListener(channel, handler);
  };
}

const bridge: RpcBridge = {
  unary: (path, body, timeoutMs) => ipcRenderer.invoke(channels.unary, path, body, timeoutMs),
  open(path, body, onMessage, onEnd) {
    opened += 1;
    const id = String(opened);
    messages.set(id, onMessage);
    ends.set(id, onEnd);
    ipcRenderer.send(channels.open, id, path, body);
    return () => {
      messages.delete(id);
      ends.delete(id);
      ipcRenderer.send(channels.cancel, id);
    };
  },
  onConnectivity(listener) {
    if (connectivity !== undefined) listener(connectivity);
    return listen<Connectivity>(channels.connectivity, listener);
  },
  onNudge: (listener) => listen<Nudge>(channels.nudge, listener),
  hasSession: () => ipcRenderer.invoke(channels.hasSession),
  getSettings: () => ipcRenderer.invoke(channels.getSettings),
  setSettings: (settings) => ipcRenderer.invoke(channels.setSettings, settings),
  notify: (title, body) => ipcRenderer.send(channels.notify, title, body),
};
contextBridge.exposeInMainWorld('todoku', bridge);
