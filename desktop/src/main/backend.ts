// Carries the renderer's calls to the venue that the settings name, through the vault, which
// keeps the tokens. Like all of main except index.ts and security.ts it does not import Electron.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import type { Connectivity, RpcStatus, SettingsOutcome, SettingsRefusal, ShellSettings, UnaryResult } from '../shared/bridge';
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

/** How a venue is reached, and what identifies it to the user: its tokens are for no other. */
interface Way {
  credentials: grpc.ChannelCredentials;
  venue: string;
}

/** Reads the files of the settings. Throws if one cannot be used. */
export function wayOf({ endpoint, tls, caFile, keyFile, certFile }: ShellSettings): Way {
  if (!tls) return { credentials: grpc.credentials.createInsecure(), venue: `${endpoint} without TLS` };
  const read = (file: string): Buffer | null => (file === '' ? null : readFileSync(file));
  const ca = read(caFile);
  const trusted = ca ? createHash('sha256').update(ca).digest('base64') : 'of the system';
  return { credentials: grpc.credentials.createSsl(ca, read(keyFile), read(certFile)), venue: `${endpoint} with CA ${trusted}` };
}

/** As wayOf, but for files that are gone: no venue is reached, no token is used, and the user can change the settings. */
function wayAtStart(settings: ShellSettings): Way {
  try {
    return wayOf(settings);
  } catch {
    return { credentials: grpc.credentials.createSsl(), venue: '' };
  }
}

/**
 * Keeps each token with the venue that issued it. Settings may change while the application is
 * not running: by hand, because a damaged file is replaced by the defaults, or by a new CA in
 * the same file. A token of an earlier version has no venue and is taken as it is.
 */
export function boundTo(venue: () => string, store: TokenStore): TokenStore {
  return {
    async load() {
      const text = await store.load();
      if (!text?.startsWith('{')) return venue() === '' ? undefined : text;
      try {
        const { venue: issuer, token } = JSON.parse(text) as Record<string, unknown>;
        return issuer === venue() && typeof token === 'string' ? token : undefined;
      } catch {
        return undefined; // Damaged: the user signs in.
      }
    },
    save: (token) => store.save(token === undefined ? undefined : JSON.stringify({ venue: venue(), token })),
  };
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
  #venue: string;

  constructor(private readonly options: BackendOptions) {
    this.#vault = new Vault(boundTo(() => this.#venue, options.tokens));
    this.#settings = options.settings;
    const { credentials, venue } = wayAtStart(options.settings);
    this.#venue = venue;
    this.#upstream = this.#connect(options.settings, credentials);
  }

  #connect(settings: ShellSettings, credentials: grpc.ChannelCredentials): Upstream {
    const upstream = new Upstream({
      target: settings.endpoint,
      credentials,
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

  async setSettings(value: unknown): Promise<SettingsOutcome> {
    const read = readSettings(value);
    if ('refused' in read) return read;
    let way: Way;
    try {
      way = wayOf(read.settings);
    } catch {
      return { refused: refusalOf(read.settings) };
    }
    const next = this.#connect(read.settings, way.credentials);
    const otherServer = way.venue !== this.#venue;
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
    this.#venue = way.venue;
    this.#settings = read.settings;
    before.close();
    return otherServer ? { signedOut: true } : {};
  }

  notify(title: string, body: string): void {
    this.options.notify(title, body);
  }

  close(): void {
    this.#upstream.close();
  }
}
