// Carries the renderer's calls to the venue that the settings name, through the vault, which
// keeps the tokens. Like all of main except index.ts and security.ts it does not import Electron.
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import type { Connectivity, RpcStatus, SettingsRefusal, ShellSettings, UnaryResult } from '../shared/bridge';
import type { Backend } from './ipc';
import { readSettings } from './settings';
import { Upstream } from './upstream';
import { type TokenStore, Vault } from './vault';

export interface BackendOptions {
  settings: ShellSettings;
  tokens: TokenStore;
  saveSettings: (settings: ShellSettings) => Promise<void>;
  onConnectivity: (state: Connectivity) => void;
  notify: (title: string, body: string) => void;
}

/** Credentials for the settings. Throws if a file cannot be read. */
export function credentialsOf(settings: ShellSettings): grpc.ChannelCredentials {
  if (!settings.tls) return grpc.credentials.createInsecure();
  const read = (file: string): Buffer | null => (file === '' ? null : readFileSync(file));
  return grpc.credentials.createSsl(read(settings.caFile), read(settings.keyFile), read(settings.certFile));
}

/** Finds the file that makes the credentials unusable. */
function refusalOf(settings: ShellSettings): SettingsRefusal {
  for (const field of ['caFile', 'certFile', 'keyFile'] as const) {
    try {
      if (settings[field] !== '') readFileSync(settings[field]);
    } catch {
      return { reason: 'UNREADABLE_FILE', field };
    }
  }
  return { reason: 'BAD_CERTIFICATE', field: settings.certFile === '' ? 'caFile' : 'certFile' };
}

export class VenueBackend implements Backend {
  readonly #vault: Vault;
  #settings: ShellSettings;
  #upstream: Upstream;
  #connectivity: Connectivity = 'idle';

  constructor(private readonly options: BackendOptions) {
    this.#vault = new Vault(options.tokens);
    this.#settings = options.settings;
    this.#upstream = this.#connect(options.settings);
  }

  #connect(settings: ShellSettings): Upstream {
    const upstream = new Upstream({
      target: settings.endpoint,
      credentials: credentialsOf(settings),
      keepalive: settings.keepalive,
      accessToken: this.#vault.accessToken,
    });
    upstream.watchConnectivity((state) => {
      this.#connectivity = state;
      this.options.onConnectivity(state);
    });
    return upstream;
  }

  async unary(path: string, body: Uint8Array, timeoutMs: number): Promise<UnaryResult> {
    const sent = await this.#vault.outgoing(path, body);
    const sessionAtRequest = this.#vault.session;
    return this.#vault.incoming(path, await this.#upstream.unary(path, sent, timeoutMs), sessionAtRequest);
  }

  open(path: string, body: Uint8Array, onMessage: (message: Uint8Array) => void, onEnd: (status: RpcStatus) => void): () => void {
    return this.#upstream.open(path, body, onMessage, onEnd);
  }

  hasSession(): Promise<boolean> {
    return this.#vault.hasSession();
  }

  connectivity(): Connectivity {
    return this.#connectivity;
  }

  getSettings(): ShellSettings {
    return this.#settings;
  }

  async setSettings(value: unknown): Promise<{ refused?: SettingsRefusal }> {
    const read = readSettings(value);
    if ('refused' in read) return read;
    let next: Upstream;
    try {
      next = this.#connect(read.settings);
    } catch {
      return { refused: refusalOf(read.settings) };
    }
    const otherServer = read.settings.endpoint !== this.#settings.endpoint;
    try {
      // A token must never reach a server that did not issue it, not in the next run either. So
      // the stored token is removed first, and settings take effect only once they are saved.
      if (otherServer) await this.options.tokens.save(undefined);
      await this.options.saveSettings(read.settings);
    } catch {
      next.close();
      return { refused: { reason: 'UNSAVED', field: '' } };
    }
    if (otherServer) await this.#vault.forget();
    const before = this.#upstream;
    this.#upstream = next;
    this.#settings = read.settings;
    before.close();
    return {};
  }

  notify(title: string, body: string): void {
    this.options.notify(title, body);
  }

  close(): void {
    this.#upstream.close();
  }
}
