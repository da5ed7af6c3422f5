// The channels to the venue: when the path silently drops a connection, when the settings
// change, and when the environment names a proxy. Uses the main process's real class, grpc-js, and a path that drops packets.
import http from 'node:http';
import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, expect, test, vi } from 'vitest';
import { Upstream } from '../../src/main/upstream';
import type { RpcStatus } from '../../src/shared/bridge';

const echo = '/test.Echo/Echo';
const follow = '/test.Echo/Follow';
const same = (bytes: Buffer): Buffer => bytes;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** Serves an echo that answers after the number of milliseconds in the request, and a stream that sends one message and stays open. */
async function serve(): Promise<number> {
  const server = new grpc.Server();
  const plain = { requestStream: false as const, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  server.addService({ echo: { ...plain, path: echo, responseStream: false as const }, follow: { ...plain, path: follow, responseStream: true as const } }, {
    follow: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void call.write(call.request),
    echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
      setTimeout(() => answer(null, call.request), Number(call.request.toString()));
    },
  });
  cleanups.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });
}

/** A network path to a port. forget drops everything on the connections that exist now. */
async function path(port: number): Promise<{ target: string; forget: () => void }> {
  const known = new Set<net.Socket>();
  const listener = net.createServer((near) => {
    known.add(near);
    const far = net.connect(port, '127.0.0.1');
    near.on('data', (data) => known.has(near) && far.write(data));
    far.on('data', (data) => known.has(near) && near.write(data));
    for (const end of [near, far]) end.on('error', () => undefined);
    near.on('close', () => far.destroy());
    cleanups.push(() => near.destroy());
  });
  cleanups.push(() => listener.close());
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port: own } = listener.address() as net.AddressInfo;
  return { target: `127.0.0.1:${own}`, forget: () => known.clear() };
}

test('after a call that reaches its deadline the next call uses another connection', async () => {
  const way = await path(await serve());
  const upstream = new Upstream({
    target: way.target,
    credentials: grpc.credentials.createInsecure(),
    keepalive: { timeMs: 0, timeoutMs: 0, permitWithoutStream: false },
    accessToken: () => undefined,
  });
  cleanups.push(() => upstream.close());
  const call = (answerAfter: number, timeoutMs: number) => upstream.unary(echo, Buffer.from(String(answerAfter)), timeoutMs);

  expect(await call(0, 20_000)).toMatchObject({ ok: true });
  way.forget();
  const lost = await call(0, 500);
  expect(lost).toMatchObject({ ok: false, status: { code: grpc.status.DEADLINE_EXCEEDED } });
  expect(await call(0, 20_000)).toMatchObject({ ok: true });

  // A call in flight continues when another call's deadline replaces the channel.
  const slow = call(1000, 20_000);
  await call(5000, 100);
  expect(await slow).toMatchObject({ ok: true });
}, 90_000);

test('closing an upstream ends its streams and its reports about the channel', async () => {
  const upstream = new Upstream({
    target: `127.0.0.1:${await serve()}`,
    credentials: grpc.credentials.createInsecure(),
    keepalive: { timeMs: 0, timeoutMs: 0, permitWithoutStream: false },
    accessToken: () => undefined,
  });
  const states: string[] = [];
  upstream.watchConnectivity((state) => states.push(state));
  const ended = new Promise<RpcStatus>((end) => {
    upstream.open(follow, Buffer.from('x'), () => upstream.close(), end);
  });
  expect(await ended).toMatchObject({ code: grpc.status.CANCELLED });
  expect(states).not.toContain('shutdown');
}, 90_000);

test.each([
  { where: 'on this machine', tls: false, proxied: false },
  { where: 'elsewhere', tls: true, proxied: true },
])('with http_proxy in the environment a venue $where is reached through the proxy: $proxied', async ({ tls, proxied }) => {
  const asked: string[] = [];
  const proxy = http.createServer().on('connect', ({ url }, socket) => {
    asked.push(url ?? '');
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  cleanups.push(() => proxy.close());
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`;
  for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) vi.stubEnv(name, address);
  for (const name of ['no_grpc_proxy', 'no_proxy']) vi.stubEnv(name, undefined);
  cleanups.push(() => vi.unstubAllEnvs());
  const upstream = new Upstream({
    target: proxied ? 'venue.invalid:7443' : `127.0.0.1:${await serve()}`,
    credentials: tls ? grpc.credentials.createSsl() : grpc.credentials.createInsecure(),
    keepalive: { timeMs: 0, timeoutMs: 0, permitWithoutStream: false },
    accessToken: () => undefined,
  });
  cleanups.push(() => upstream.close());
  const answer = await upstream.unary(echo, Buffer.from('0'), 10_000);
  const followed = await new Promise<string>((resolve) => {
    cleanups.push(upstream.open(follow, Buffer.from('hello'), () => resolve('message'), () => resolve('end')));
  });
  expect([answer.ok, followed]).toEqual(proxied ? [false, 'end'] : [true, 'message']);
  expect(new Set(asked)).toEqual(new Set(proxied ? ['venue.invalid:7443'] : []));
});
