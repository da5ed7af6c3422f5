// Connect's Transport over the Electron bridge: the generated clients above it do not
// know which shell they run in.
import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from '@connectrpc/connect';
import { StatusSchema } from '../../gen/google/rpc/error_pb';
import type { RpcBridge, RpcStatus } from '../../shared/bridge';

function errorOf(status: RpcStatus): ConnectError {
  const error = new ConnectError(status.message, status.code as Code);
  if (status.details)
    error.details = fromBinary(StatusSchema, status.details).details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
      value,
    }));
  return error;
}

const pathOf = (method: { parent: { typeName: string }; name: string }): string => `/${method.parent.typeName}/${method.name}`;

/** onUnkept is called, before the answer is returned, when the session will end with the program. */
export function createBridgeTransport(bridge: RpcBridge, onUnkept: () => void): Transport {
  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      _header: HeadersInit | undefined,
      input: MessageInitShape<I>,
    ): Promise<UnaryResponse<I, O>> {
      signal?.throwIfAborted();
      const result = await bridge.unary(pathOf(method), toBinary(method.input, create(method.input, input)), timeoutMs);
      if (!result.ok) throw errorOf(result.status);
      if (result.unkept) onUnkept();
      return {
        stream: false,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: fromBinary(method.output, result.body),
      };
    },

    async stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      _timeoutMs: number | undefined,
      _header: HeadersInit | undefined,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      const first = await input[Symbol.asyncIterator]().next();
      if (method.methodKind !== 'server_streaming' || first.done) throw new ConnectError('only server streams cross the bridge', Code.Unimplemented);
      const body = toBinary(method.input, create(method.input, first.value));
      return {
        stream: true,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: messages(bridge, method, body, signal),
      };
    },
  };
}

async function* messages<I extends DescMessage, O extends DescMessage>(
  bridge: RpcBridge,
  method: DescMethodStreaming<I, O>,
  body: Uint8Array,
  signal: AbortSignal | undefined,
) {
  const queue: Uint8Array[] = [];
  let end: RpcStatus | undefined;
  let wake = (): void => undefined;
  const cancel = bridge.open(
    pathOf(method),
    body,
    (message) => {
      queue.push(message);
      wake();
    },
    (status) => {
      end = status;
      wake();
    },
  );
  const abort = (): void => {
    end ??= { code: Code.Canceled, message: 'cancelled' };
    wake();
  };
  signal?.addEventListener('abort', abort);
  try {
    if (signal?.aborted) abort();
    for (;;) {
      const next = queue.shift();
      if (next) {
        yield fromBinary(method.output, next);
      } else if (end) {
        if (end.code !== 0) throw errorOf(end);
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    cancel();
  }
}
