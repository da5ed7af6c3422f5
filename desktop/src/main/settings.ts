// The settings of the shell: where the venue is and how it is reached.
import type { Keepalive, SettingsRefusal, ShellSettings } from '../shared/bridge';

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

/** Reads settings from anywhere. */
export function readSettings(value: unknown): { settings: ShellSettings } | { refused: SettingsRefusal } {
  if (typeof value !== 'object' || value === null) return refuse('MALFORMED');
  const given = value as Partial<Record<keyof ShellSettings, unknown>>;
  const { endpoint, tls, caFile, certFile, keyFile } = given;
  if (typeof endpoint !== 'string' || !validEndpoint(endpoint)) return refuse('ENDPOINT', 'endpoint');
  if (typeof tls !== 'boolean') return refuse('MALFORMED', 'tls');
  if (typeof caFile !== 'string' || typeof certFile !== 'string' || typeof keyFile !== 'string') return refuse('MALFORMED');
  if ((certFile === '') !== (keyFile === '')) return refuse('KEY_PAIR', certFile === '' ? 'certFile' : 'keyFile');
  if (!tls && (caFile !== '' || certFile !== '')) return refuse('CERTIFICATES_WITHOUT_TLS', 'tls');
  if (!tls && !isLoopback(endpoint)) return refuse('PLAINTEXT_TO_ELSEWHERE', 'tls');
  const keepalive = readKeepalive(given.keepalive);
  if ('refused' in keepalive) return keepalive;
  return { settings: { endpoint, tls, caFile, certFile, keyFile, keepalive: keepalive.keepalive } };
}

function refuse(reason: SettingsRefusal['reason'], field: SettingsRefusal['field'] = ''): { refused: SettingsRefusal } {
  return { refused: { reason, field } };
}

function readKeepalive(value: unknown): { keepalive: Keepalive } | { refused: SettingsRefusal } {
  if (typeof value !== 'object' || value === null) return refuse('MALFORMED');
  const { timeMs, timeoutMs, permitWithoutStream } = value as Partial<Record<keyof Keepalive, unknown>>;
  if (typeof timeMs !== 'number' || !Number.isInteger(timeMs) || (timeMs !== 0 && (timeMs < minPingMs || timeMs > 7_200_000))) return refuse('PING_TIME', 'timeMs');
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 1_000 || timeoutMs > 60_000) return refuse('PING_TIMEOUT', 'timeoutMs');
  if (typeof permitWithoutStream !== 'boolean') return refuse('MALFORMED', 'permitWithoutStream');
  return { keepalive: { timeMs, timeoutMs, permitWithoutStream } };
}

function validEndpoint(text: string): boolean {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match !== null && text.length <= 255 && port > 0 && port < 65_536;
}

/** Whether host:port is on this machine. */
export function isLoopback(endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
