// Everything that crosses between the renderer and Electron's main process. Messages cross as
// bytes, which clone cheaply and lose no bigints; a new method needs no change here.

/** A gRPC status with its details, google.rpc.Status as bytes where there are any. */
export interface RpcStatus {
  code: number;
  message: string;
  details?: Uint8Array;
}

/** unkept: the session of this sign-in or refresh could not be stored and ends with the program. */
export type UnaryResult = { ok: true; body: Uint8Array; unkept?: true } | { ok: false; status: RpcStatus };

/** State of the channel, in gRPC's words. */
export type Connectivity = 'idle' | 'connecting' | 'ready' | 'transient_failure' | 'shutdown';

/** Why the renderer should open a new stream now instead of at its next timer. */
export type Nudge = 'resume' | 'online';

/** Keepalive of the stream's channel in milliseconds; 0 turns the PINGs off. */
export interface Keepalive {
  timeMs: number;
  timeoutMs: number;
  permitWithoutStream: boolean;
}

/** Where the venue is and how it is reached. Files are named by path and read by main. */
export interface ShellSettings {
  endpoint: string;
  tls: boolean;
  caFile: string;
  certFile: string;
  keyFile: string;
  keepalive: Keepalive;
}

/** What can be wrong with settings; the screen has a text for each. */
export type SettingsReason =
  | 'MALFORMED'
  | 'ENDPOINT'
  | 'KEY_PAIR'
  | 'CERTIFICATES_WITHOUT_TLS'
  | 'PLAINTEXT_TO_ELSEWHERE'
  | 'PING_TIME'
  | 'PING_TIMEOUT'
  | 'UNREADABLE_FILE'
  | 'UNSAVED'
  | 'BAD_CERTIFICATE';

/** Settings were refused: nothing changed. */
export interface SettingsRefusal {
  reason: SettingsReason;
  /** The setting that is wrong; empty if it is no single one. */
  field: Exclude<keyof ShellSettings, 'keepalive'> | keyof Keepalive | '';
}

/** What became of settings that were set. */
export interface SettingsOutcome {
  refused?: SettingsRefusal;
  /** They name another venue, or trust it in another way (endpoint, TLS, CA): the session is forgotten. */
  signedOut?: true;
}

/** All that main offers to the renderer. */
export interface RpcBridge {
  unary(path: string, body: Uint8Array, timeoutMs?: number): Promise<UnaryResult>;
  /**
   * Opens a server stream and returns how to cancel it. onMessage is called with each message
   * as it arrives; onEnd once, after the last message.
   */
  open(path: string, body: Uint8Array, onMessage: (message: Uint8Array) => void, onEnd: (status: RpcStatus) => void): () => void;
  /** Calls back with the state of the stream's channel, now and at every change, until the returned function is called. */
  onConnectivity(listener: (state: Connectivity) => void): () => void;
  /** Calls back when the machine woke up or came online. */
  onNudge(listener: (why: Nudge) => void): () => void;
  /** Whether a session of an earlier run can be resumed. */
  hasSession(): Promise<boolean>;
  getSettings(): Promise<ShellSettings>;
  /** Takes effect at once; a wrong value is refused. */
  setSettings(settings: ShellSettings): Promise<SettingsOutcome>;
  /** Shows a notification of the operating system. */
  notify(title: string, body: string): void;
}

/** Names of the IPC channels. */
export const channels = {
  unary: 'rpc:unary',
  open: 'rpc:open',
  cancel: 'rpc:cancel',
  reset: 'rpc:reset',
  message: 'rpc:message',
  end: 'rpc:end',
  connectivity: 'rpc:connectivity',
  nudge: 'shell:nudge',
  hasSession: 'session:has',
  getSettings: 'settings:get',
  setSettings: 'settings:set',
  notify: 'shell:notify',
} as const;

declare global {
  interface Window {
    todoku?: RpcBridge;
  }
}
