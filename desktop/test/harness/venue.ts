// A real venue in its own process and folder, on free ports.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export const desktop = path.resolve(import.meta.dirname, '../..');
const binary = process.env['TODOKU'] ?? path.resolve(desktop, '../bin/todoku');

/**
 * A free port below the range for outgoing connections (from 32768 in Linux). Otherwise a
 * client that tries to connect while the venue is down could get this very port and connect to
 * itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = net.createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false, // The port is in use.
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A day end twelve hours from now, so that the end of the trading day does not expire a test's orders. */
function dayEnd(): string {
  return new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 16);
}

/** How long to wait for a venue to start, ms. It ends tests that hang; on a busy machine a start takes long. */
const readyWithin = 90_000;

export const passwordOverTLS = 'marble-lighthouse-64k';

/** Where a screen finds its venue. */
export interface Reachable {
  /** Of the page. */
  readonly origin: string;
  /** host:port for gRPC. */
  readonly endpoint: string;
}

/** A demo venue that can be stopped, killed and started again over the same data. */
export class TestVenue implements Reachable {
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(
    readonly grpcPort: number,
    readonly httpPort: number,
    private readonly directory: string,
    private readonly flags: string[],
  ) {}

  static async #new(flags: string[]): Promise<TestVenue> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'todoku-venue-'));
    return new TestVenue(await freePort(), await freePort(), directory, ['--day-end', dayEnd(), '--open-orders-per-account=-1', '--messages-per-account=-1', ...flags]);
  }

  /** A demo venue: alice, bob, carol and admin, whose password is "demo". */
  static async start(...flags: string[]): Promise<TestVenue> {
    const venue = await TestVenue.#new(['--demo', ...flags]);
    await venue.start();
    return venue;
  }

  /** A venue with TLS, which is no demo; its only user is admin, with passwordOverTLS. */
  static async startTLS(): Promise<TestVenue> {
    const venue = await TestVenue.#new([]);
    const [certificate, key] = ['venue.pem', 'venue.key'].map((name) => path.join(venue.directory, name)) as [string, string];
    venue.flags.push('--tls-cert', certificate, '--tls-key', key);
    const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
    await promisify(execFile)('openssl', [...words.split(' '), '-out', certificate, '-keyout', key]);
    const env = { ...process.env, TODOKU_NEW_PASSWORD: passwordOverTLS };
    await promisify(execFile)(binary, ['user', 'add', 'admin', '--role', 'ADMIN', '--data', venue.#data], { env });
    await venue.start();
    return venue;
  }

  get #data(): string {
    return path.join(this.directory, 'data');
  }

  get origin(): string {
    return `${this.flags.includes('--tls-cert') ? 'https' : 'http'}://127.0.0.1:${this.httpPort}`;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  async start(): Promise<void> {
    const child = spawn(
      binary,
      ['serve', '--data', this.#data, '--grpc-addr', this.endpoint, '--http-addr', `127.0.0.1:${this.httpPort}`, ...this.flags],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    for (const until = Date.now() + readyWithin; Date.now() < until; ) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the venue ended with ${child.exitCode ?? child.signalCode}:\n${this.#log}`);
      if (await this.#ready()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the venue is not ready:\n${this.#log}`);
  }

  #ready(): Promise<boolean> {
    return new Promise((resolve) => {
      const answered = (response: IncomingMessage): void => {
        response.resume();
        resolve(response.statusCode === 200);
      };
      const url = `${this.origin}/readyz`;
      // The certificate is self-signed.
      const request = url.startsWith('https') ? https.get(url, { rejectUnauthorized: false }, answered) : http.get(url, answered);
      request.on('error', () => resolve(false));
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Kills it with SIGKILL. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Stops it with SIGTERM. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Freezes it: connections stay, nothing answers. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async dispose(): Promise<void> {
    this.thaw();
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What the command line prints with --json, a line each. */
  async list<T>(user: string, ...words: string[]): Promise<T[]> {
    const out = await this.todoku(user, ...words, '--json');
    return out
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as T);
  }

  /** Runs the command line against this venue, as a user. */
  async todoku(user: string, ...words: string[]): Promise<string> {
    const child = spawn(binary, words, {
      env: { ...process.env, TODOKU_SERVER: this.endpoint, TODOKU_USER: user, TODOKU_PASSWORD: 'demo', HOME: this.directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
    // Wait for close: on exit some output may not have arrived yet.
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`todoku ${words.join(' ')} ended with ${code}:\n${out}`);
    return out;
  }
}
