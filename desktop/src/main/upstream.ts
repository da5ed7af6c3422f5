// The gRPC channels to the venue. The stream has a channel of its own, and keepalive only
// there: a graceful GOAWAY with keepalive on kills calls in flight in grpc-js. Without it
// nothing but a deadline tells that the path has forgotten the calls' connection, so a
// call that runs into one has the next begin on another. Nothing of Electron is imported,
// so that tests run this very code in plain Node.
import * as grpc from '@grpc/grpc-js';
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

// A copy of its own: a view of Node's shared pool would drag the whole pool, with other
// messages in it, through the structured clone to the renderer.
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

/** Options of the stream's channel; the names are those that grpc-js honours. */
export function feedChannelOptions(keepalive: Keepalive): grpc.ChannelOptions {
  return {
    'grpc.max_receive_message_length': maxMessage,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 10_000,
    'grpc.enable_retries': 0,
    // Not shared with the other channel: what happens to one must not happen to both.
    'grpc.use_local_subchannel_pool': 1,
    ...(keepalive.timeMs > 0
      ? {
          'grpc.keepalive_time_ms': keepalive.timeMs,
          'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
          'grpc.keepalive_permit_without_calls': keepalive.permitWithoutStream ? 1 : 0,
        }
      : {}),
  };
}

/** One way to the venue. Made anew when the settings change. */
export class Upstream {
  #unary: grpc.Client;
  readonly #feed: grpc.Client;
  readonly #streams = new Set<grpc.ClientReadableStream<Uint8Array>>();
  #closed = false;

  constructor(private readonly options: UpstreamOptions) {
    this.#unary = this.#unaryChannel();
    this.#feed = new grpc.Client(options.target, options.credentials, feedChannelOptions(options.keepalive));
  }

  #unaryChannel(): grpc.Client {
    return new grpc.Client(this.options.target, this.options.credentials, {
      'grpc.max_receive_message_length': maxMessage,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 10_000,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Leaves the calls' channel for a new one, unless that was done already; calls under way on it go on. */
  #leave(channel: grpc.Client): void {
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
        if (error?.code === grpc.status.DEADLINE_EXCEEDED) this.#leave(channel);
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
    call.on('error', () => undefined); // The status says the same.
    call.on('status', (status: grpc.StatusObject) => {
      if (ended) return;
      ended = true;
      this.#streams.delete(call);
      onEnd(statusOf(status));
    });
    return () => call.cancel();
  }

  /** Tells the state of the stream's channel, now and at every change, until close. */
  watchConnectivity(listener: (state: Connectivity) => void): void {
    const channel = this.#feed.getChannel();
    const tell = (state: grpc.connectivityState): void => {
      // What follows a close is of a channel that another has taken the place of.
      if (this.#closed) return;
      listener(grpc.connectivityState[state].toLowerCase() as Connectivity);
      if (state === grpc.connectivityState.SHUTDOWN) return;
      channel.watchConnectivityState(state, Infinity, (error) => {
        if (!error) tell(channel.getConnectivityState(false));
      });
    };
    tell(channel.getConnectivityState(false));
  }

  /** Ends the streams, which a closed channel would go on with; calls under way are answered. */
  close(): void {
    this.#closed = true;
    for (const call of this.#streams) call.cancel();
    this.#unary.close();
    this.#feed.close();
  }
}
