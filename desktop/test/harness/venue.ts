// A real venue, in a process and a folder of its own, on free ports.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export const desktop = path.resolve(import.meta.dirname, '../..');
const binary = process.env['TODOKU'] ?? path.resolve(desktop, '../bin/todoku');

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A demo venue that can be stopped, killed and started again over the same data. */
export class TestVenue {
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(
    readonly grpcPort: number,
    readonly httpPort: number,
    private readonly data: string,
    private readonly flags: string[],
  ) {}

  static async start(...flags: string[]): Promise<TestVenue> {
    const data = await mkdtemp(path.join(os.tmpdir(), 'todoku-venue-'));
    const venue = new TestVenue(await freePort(), await freePort(), data, flags);
    await venue.start();
    return venue;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  async start(): Promise<void> {
    const child = spawn(
      binary,
      ['serve', '--demo', '--data', this.data, '--grpc-addr', this.endpoint, '--http-addr', `127.0.0.1:${this.httpPort}`, ...this.flags],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    for (let tries = 0; tries < 600; tries++) {
      if (child.exitCode !== null) throw new Error(`the venue ended with ${child.exitCode}:\n${this.#log}`);
      const ready = await fetch(`${this.origin}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the venue is not ready:\n${this.#log}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Kills it: no goodbye, no flush. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Stops it as an operator does. */
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
    await rm(this.data, { recursive: true, force: true });
  }

  /** Runs the command line against this venue, as a user. */
  async todoku(user: string, ...words: string[]): Promise<string> {
    const child = spawn(binary, words, {
      env: { ...process.env, TODOKU_SERVER: this.endpoint, TODOKU_USER: user, TODOKU_PASSWORD: 'demo', HOME: this.data },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`todoku ${words.join(' ')} ended with ${code}:\n${out}`);
    return out;
  }
}
