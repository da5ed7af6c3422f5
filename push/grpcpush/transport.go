package grpcpush

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"

	"todoku/push"
)

// When a stream was ended because its client reads nothing, up to 64 KiB stay in
// grpc-go and a full send buffer in the kernel, until the transport ends. A blocked
// transport would also delay GracefulStop. So the transport is ended too, once it has
// no calls. grpc-go gives a handler no access to its transport, but it does pass on
// the AuthInfo of the credentials, where the connection is kept. Wrapping the net.Conn
// would be simpler, but grpc-go uses TCP_USER_TIMEOUT and pooled read buffers only for
// the system's own connections.

// TransportGrace is how long a transport with a blocked stream is kept after its last
// call: the status of that call may still arrive, and the client may recover and begin
// another call.
const TransportGrace = time.Second

// Transports returns the options of a server that ends the transports of streams
// for which [Serve] or [Ended] returned [push.ReasonSlowConsumer] or
// [push.ReasonNotAcknowledging]. A transport with other calls ends after the last of
// them.
//
// secure are the server's credentials, nil for plaintext; grpc.Creds must not be
// used in addition. A call's peer.AuthInfo is a *[Transport] then.
func Transports(secure credentials.TransportCredentials) []grpc.ServerOption {
	if secure == nil {
		secure = insecure.NewCredentials()
	}
	return []grpc.ServerOption{
		grpc.Creds(connKeeper{secure}),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if t := transportOf(ctx); t != nil {
				t.enter()
				defer t.leave()
			}
			return handler(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if t := transportOf(stream.Context()); t != nil {
				t.enter()
				defer t.leave()
			}
			return handler(srv, stream)
		}),
	}
}

// connKeeper are credentials whose AuthInfo contains the connection.
type connKeeper struct {
	credentials.TransportCredentials
}

// ServerHandshake does the handshake and returns a *Transport as AuthInfo.
func (k connKeeper) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := k.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // grpc-go compares it.
	}
	return conn, &Transport{AuthInfo: info, conn: raw}, nil
}

// Clone returns a copy.
func (k connKeeper) Clone() credentials.TransportCredentials {
	return connKeeper{k.TransportCredentials.Clone()}
}

// Transport is a server's connection. Safe for concurrent use.
type Transport struct {
	// AuthInfo is that of the credentials.
	credentials.AuthInfo

	conn net.Conn

	mu    sync.Mutex // Protects what follows.
	calls int
	stuck bool        // A stream was ended on it because its client read nothing.
	grace *time.Timer // Runs while it is stuck without calls; nil before.
}

// transportOf returns the transport of a call, nil where Transports is not used.
func transportOf(ctx context.Context) *Transport {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	t, _ := p.AuthInfo.(*Transport)
	return t
}

func (t *Transport) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	if t.grace != nil {
		t.grace.Stop()
	}
}

func (t *Transport) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls--
	switch {
	case t.calls > 0 || !t.stuck:
	case t.grace == nil:
		t.grace = time.AfterFunc(TransportGrace, t.end)
	default:
		t.grace.Reset(TransportGrace)
	}
}

// end closes the connection, unless another call has begun.
func (t *Transport) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls > 0 {
		return
	}
	own := t.conn
	if wrapped, ok := own.(interface{ NetConn() net.Conn }); ok {
		own = wrapped.NetConn()
	}
	if tcp, ok := own.(*net.TCPConn); ok {
		// The kernel drops what the peer has not read, instead of retransmitting it.
		_ = tcp.SetLinger(0) // Fails if it is closed: then there is nothing to drop.
	}
	_ = t.conn.Close() // The transport closes it as well; the second close returns an error.
}

// after notes how a stream ended.
func (t *Transport) after(reason push.Reason) {
	if reason != push.ReasonSlowConsumer && reason != push.ReasonNotAcknowledging {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stuck = true
}
