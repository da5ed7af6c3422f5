// The gRPC channels to the venue. The stream has its own channel, the only one with keepalive:
// with keepalive, grpc-js ends calls in flight on a graceful GOAWAY. Without it only a deadline
// shows that the calls' connection is dead, so after a call that exceeds its deadline the next
// one uses a new channel. Electron is not imported, so that tests run this code in plain Node.
import * as grpc from '@grpc/grpc-js';
import { isLoopback } from './settings';
import type { Connectivity, Keepalive, RpcStatus, UnaryResult } from '../shared/bridge';

export interface UpstreamOptions {
  /** host:port. */
  target: string;
  credentials: grpc.ChannelCredentials;
  keepalive: Keepalive;
  /** The access token for a call, where there is one. */
  accessToken: () => string | undefined;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// A copy: the structured clone to the renderer would copy the whole shared pool of a view.
const tight = (bytes: Buffer): Uint8Array => new Uint8Array(bytes);

const maxMessage = 16 * 1024 * 1024;

function statusOf(error: grpc.ServiceError | grpc.StatusObject): RpcStatus {
  const details = error.metadata?.get('grpc-status-details-bin')[0];
  return {
    code: error.code,
    message: error.details,
    ...(details instanceof Buffer ? { details: tight(details) } : {}),
  };
}

/** Options of both channels, by grpc-js's names. */
function channelOptions(target: string): grpc.ChannelOptions {
  return {
    'grpc.max_receive_message_length': maxMessage,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 10_000,
    // Its own connection, so that the end of one channel's connection does not end the other's.
    'grpc.use_local_subchannel_pool': 1,
    // grpc-js would ask the proxy of http_proxy for this machine too. Go and browsers never do.
    ...(isLoopback(target) ? { 'grpc.enable_http_proxy': 0 } : {}),
  };
}

/** Options of the stream's channel. */
export function feedChannelOptions(target: string, keepalive: Keepalive): grpc.ChannelOptions {
  return {
    ...channelOptions(target),
    'grpc.enable_retries': 0,
    ...(keepalive.timeMs > 0
      ? {
          'grpc.keepalive_time_ms': keepalive.timeMs,
          'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
          'grpc.keepalive_permit_without_calls': keepalive.permitWithoutStream ? 1 : 0,
        }
      : {}),
  };
}

/** The channels for one set of settings. A change of the settings makes a new Upstream. */
export class Upstream {
  #unary: grpc.Client;
  readonly #feed: grpc.Client;
  readonly #streams = new Set<grpc.ClientReadableStream<Uint8Array>>();
  #closed = false;

  constructor(private readonly options: UpstreamOptions) {
    this.#unary = this.#unaryChannel();
    this.#feed = new grpc.Client(options.target, options.credentials, feedChannelOptions(options.target, options.keepalive));
  }

  #unaryChannel(): grpc.Client {
    return new grpc.Client(this.options.target, this.options.credentials, channelOptions(this.options.target));
  }

  /** Replaces the calls' channel, unless that was done already. Calls in flight on the old one continue. */
  #replace(channel: grpc.Client): void {
    if (this.#closed || this.#unary !== channel) return;
    this.#unary = this.#unaryChannel();
    channel.close();
  }

  #metadata(): grpc.Metadata {
    const metadata = new grpc.Metadata();
    const token = this.options.accessToken();
    if (token) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }

  /** Calls a unary method; failures are results, never rejections. */
  unary(path: string, body: Uint8Array, timeoutMs: number): Promise<UnaryResult> {
    return new Promise((resolve) => {
      const deadline = Date.now() + timeoutMs;
      const channel = this.#unary;
      channel.makeUnaryRequest(path, asBuffer, tight, body, this.#metadata(), { deadline }, (error, reply) => {
        if (error?.code === grpc.status.DEADLINE_EXCEEDED) this.#replace(channel);
        if (error) resolve({ ok: false, status: statusOf(error) });
        else resolve({ ok: true, body: reply ?? new Uint8Array() });
      });
    });
  }

  /** Opens a server stream, without a deadline, and returns how to cancel it. onEnd is called once. */
  open(path: string, body: Uint8Array, onMessage: (message: Uint8Array) => void, onEnd: (status: RpcStatus) => void): () => void {
    const call = this.#feed.makeServerStreamRequest(path, asBuffer, tight, body, this.#metadata());
    let ended = false;
    this.#streams.add(call);
    call.on('data', onMessage);
    call.on('error', () => undefined); // The status event carries the same error.
    call.on('status', (status: grpc.StatusObject) => {
      if (ended) return;
      ended = true;
      this.#streams.delete(call);
      onEnd(statusOf(status));
    });
    return () => call.cancel();
  }

  /** Calls back with the state of the stream's channel, now and at every change, until close. */
  watchConnectivity(listener: (state: Connectivity) => void): void {
    const channel = this.#feed.getChannel();
    const report = (state: grpc.connectivityState): void => {
      // After close the state of this channel no longer matters.
      if (this.#closed) return;
      listener(grpc.connectivityState[state].toLowerCase() as Connectivity);
      if (state === grpc.connectivityState.SHUTDOWN) return;
      channel.watchConnectivityState(state, Infinity, (error) => {
        if (!error) report(channel.getConnectivityState(false));
      });
    };
    report(channel.getConnectivityState(false));
  }

  /** Ends the streams, which grpc-js would not do, and closes the channels. Calls in flight are answered. */
  close(): void {
    this.#closed = true;
    for (const call of this.#streams) call.cancel();
    this.#unary.close();
    this.#feed.close();
  }
}
