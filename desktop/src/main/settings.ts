// The settings of the shell: where the venue is and how it is reached.
import type { Keepalive, ShellSettings } from '../shared/bridge';

export const defaultSettings: ShellSettings = {
  endpoint: '127.0.0.1:7443',
  tls: false,
  caFile: '',
  certFile: '',
  keyFile: '',
  keepalive: { timeMs: 20_000, timeoutMs: 10_000, permitWithoutStream: true },
};

/** The venue ends connections that send PINGs more often than this. */
const minPingMs = 5_000;

/** Reads settings from anywhere; the error is a sentence for the user. */
export function readSettings(value: unknown): { settings: ShellSettings } | { error: string } {
  if (typeof value !== 'object' || value === null) return { error: 'Settings are missing.' };
  const given = value as Partial<Record<keyof ShellSettings, unknown>>;
  const { endpoint, tls, caFile, certFile, keyFile } = given;
  if (typeof endpoint !== 'string' || !validEndpoint(endpoint)) return { error: 'The server is written host:port, for example desk.example:7443.' };
  if (typeof tls !== 'boolean') return { error: 'TLS is on or off.' };
  if (typeof caFile !== 'string' || typeof certFile !== 'string' || typeof keyFile !== 'string') return { error: 'Certificates are named by file.' };
  if ((certFile === '') !== (keyFile === '')) return { error: 'A client certificate needs its key file, and the key its certificate.' };
  if (!tls && (caFile !== '' || certFile !== '')) return { error: 'Certificates are used with TLS only; turn TLS on.' };
  if (!tls && !isLoopback(endpoint)) return { error: 'Without TLS only a server on this machine can be reached; turn TLS on.' };
  const keepalive = readKeepalive(given.keepalive);
  if ('error' in keepalive) return keepalive;
  return { settings: { endpoint, tls, caFile, certFile, keyFile, keepalive: keepalive.keepalive } };
}

function readKeepalive(value: unknown): { keepalive: Keepalive } | { error: string } {
  if (typeof value !== 'object' || value === null) return { error: 'The keepalive settings are missing.' };
  const { timeMs, timeoutMs, permitWithoutStream } = value as Partial<Record<keyof Keepalive, unknown>>;
  if (typeof timeMs !== 'number' || !Number.isInteger(timeMs) || (timeMs !== 0 && (timeMs < minPingMs || timeMs > 7_200_000)))
    return { error: 'PINGs are 5 seconds to 2 hours apart, or 0 for none: the server ends connections that send more.' };
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 1_000 || timeoutMs > 60_000)
    return { error: 'A PING is waited for 1 to 60 seconds.' };
  if (typeof permitWithoutStream !== 'boolean') return { error: 'PINGs without a stream are on or off.' };
  return { keepalive: { timeMs, timeoutMs, permitWithoutStream } };
}

function validEndpoint(text: string): boolean {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match !== null && text.length <= 255 && port > 0 && port < 65_536;
}

function isLoopback(endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
