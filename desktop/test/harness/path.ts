// A network path between a screen and its venue, which tests cut, stall and restore.
import { once } from 'node:events';
import net from 'node:net';
import type { Reachable } from './venue';

type Mode = 'open' | 'stalled';

/** Forwards to the venue's two ports from two other ports. */
export class Path implements Reachable {
  readonly #servers: net.Server[] = [];
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #mode: Mode = 'open';

  private constructor(readonly scheme: string) {}

  static async to(venue: Reachable & { grpcPort: number; httpPort: number }): Promise<Path> {
    const path = new Path(new URL(venue.origin).protocol);
    for (const port of [venue.grpcPort, venue.httpPort]) {
      const server = net.createServer((near) => path.#join(near, port)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      path.#servers.push(server);
    }
    return path;
  }

  #port(index: number): number {
    return (this.#servers[index]!.address() as net.AddressInfo).port;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.#port(0)}`;
  }

  get origin(): string {
    return `${this.scheme}//127.0.0.1:${this.#port(1)}`;
  }

  #join(near: net.Socket, port: number): void {
    const far = net.connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      // While the path is stalled, data waits in the socket, as in a network that is down for a while.
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#mode === 'stalled') from.pause();
    }
  }

  /** Data waits; connections stay open. */
  stall(): void {
    this.#mode = 'stalled';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Forwards the data that waited. */
  mend(): void {
    this.#mode = 'open';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Ends every connection, with a reset. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.mend();
    this.cut();
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}
