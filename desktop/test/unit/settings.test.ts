// Invalid settings of the shell are refused with a reason.
import { expect, test } from 'vitest';
import { feedChannelOptions } from '../../src/main/upstream';
import { defaultSettings, readSettings } from '../../src/main/settings';

const keepalive = defaultSettings.keepalive;

test.each([
  ['the defaults', {}],
  ['no PINGs', { keepalive: { ...keepalive, timeMs: 0 } }],
  ['another machine with TLS', { endpoint: 'desk.example:7443', tls: true }],
  ['IPv6', { endpoint: '[::1]:7443' }],
  ['a client certificate', { endpoint: 'desk.example:7443', tls: true, certFile: 'a.pem', keyFile: 'a.key' }],
])('%s', (_name, change) => {
  expect(readSettings({ ...defaultSettings, ...change })).toEqual({ settings: { ...defaultSettings, ...change } });
});

test.each([
  ['nothing', undefined, 'MALFORMED', ''],
  ['no port', { ...defaultSettings, endpoint: 'desk' }, 'ENDPOINT', 'endpoint'],
  ['an invalid port', { ...defaultSettings, endpoint: 'desk:70000' }, 'ENDPOINT', 'endpoint'],
  ['an address with a path', { ...defaultSettings, endpoint: 'http://desk:1/x' }, 'ENDPOINT', 'endpoint'],
  ['plaintext to another machine', { ...defaultSettings, endpoint: 'desk.example:7443' }, 'PLAINTEXT_TO_ELSEWHERE', 'tls'],
  ['a host name that begins like the address of this machine', { ...defaultSettings, endpoint: '127.0.0.1.example:7443' }, 'PLAINTEXT_TO_ELSEWHERE', 'tls'],
  ['certificates without TLS', { ...defaultSettings, caFile: 'ca.pem' }, 'CERTIFICATES_WITHOUT_TLS', 'tls'],
  ['half a client certificate', { ...defaultSettings, tls: true, certFile: 'a.pem' }, 'KEY_PAIR', 'keyFile'],
  ['PINGs that the server punishes', { ...defaultSettings, keepalive: { ...keepalive, timeMs: 1_000 } }, 'PING_TIME', 'timeMs'],
  ['a time that is not a number', { ...defaultSettings, keepalive: { ...keepalive, timeMs: '20s' } }, 'PING_TIME', 'timeMs'],
  ['a timeout of zero', { ...defaultSettings, keepalive: { ...keepalive, timeoutMs: 0 } }, 'PING_TIMEOUT', 'timeoutMs'],
])('%s is refused, at its field', (_name, value, reason, field) => {
  expect(readSettings(value)).toEqual({ refused: { reason, field } });
});

test('the channel gets the options that grpc-js honours, permit as the number 1', () => {
  expect(feedChannelOptions('venue.test:7443', keepalive)).toMatchObject({
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
  });
  expect(Object.keys(feedChannelOptions('venue.test:7443', { ...keepalive, timeMs: 0 })).filter((name) => name.includes('keepalive'))).toEqual([]);
});
