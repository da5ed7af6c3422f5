// Settings of the shell are refused in words before they can do harm.
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
  ['nothing', undefined, 'missing'],
  ['no port', { ...defaultSettings, endpoint: 'desk' }, 'host:port'],
  ['a port that is none', { ...defaultSettings, endpoint: 'desk:70000' }, 'host:port'],
  ['an address with a path', { ...defaultSettings, endpoint: 'http://desk:1/x' }, 'host:port'],
  ['plaintext to another machine', { ...defaultSettings, endpoint: 'desk.example:7443' }, 'TLS'],
  ['a name that only begins like this machine', { ...defaultSettings, endpoint: '127.0.0.1.example:7443' }, 'TLS'],
  ['certificates without TLS', { ...defaultSettings, caFile: 'ca.pem' }, 'TLS'],
  ['half a client certificate', { ...defaultSettings, tls: true, certFile: 'a.pem' }, 'key'],
  ['PINGs that the server punishes', { ...defaultSettings, keepalive: { ...keepalive, timeMs: 1_000 } }, 'PINGs'],
  ['a number that is none', { ...defaultSettings, keepalive: { ...keepalive, timeMs: '20s' } }, 'PINGs'],
  ['no patience', { ...defaultSettings, keepalive: { ...keepalive, timeoutMs: 0 } }, 'waited'],
])('%s is refused', (_name, value, word) => {
  const read = readSettings(value);
  expect('error' in read && read.error).toContain(word);
});

test('the channel gets the options that grpc-js honours, permit as the number 1', () => {
  expect(feedChannelOptions(keepalive)).toMatchObject({
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
  });
  expect(Object.keys(feedChannelOptions({ ...keepalive, timeMs: 0 })).filter((name) => name.includes('keepalive'))).toEqual([]);
});
