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

// A stream that was ended because its client takes nothing leaves up to 64 KiB in
// grpc-go, and its socket a full send buffer in the kernel, until the transport
// ends; a transport that is stuck would also keep GracefulStop waiting. So the
// transport is ended too, once no call lives on it any more. grpc-go hands a
// handler no transport, but it does hand it what the credentials said of the
// connection: there the connection is kept. A wrapped net.Conn would be simpler and
// would lose TCP_USER_TIMEOUT and pooled read buffers, which grpc-go gives to the
// system's own connections only.

// TransportGrace is how long a transport with a stuck stream is left after its last
// call: the status of that call may still get through, and a client that is well
// again may begin another.
const TransportGrace = time.Second

// Transports returns the options of a server that ends the transports of streams
// that were ended for taking nothing ([push.ReasonSlowConsumer]) or acknowledging
// nothing ([push.ReasonNotAcknowledging]), as [Serve] or [Ended] saw them. A
// transport with other calls keeps them and ends after the last.
//
// secure are the server's credentials, nil for plaintext; grpc.Creds must not be
// given besides. A call's peer.AuthInfo is a *[Transport] then.
func Transports(secure credentials.TransportCredentials) []grpc.ServerOption {
	if secure == nil {
		secure = insecure.NewCredentials()
	}
	return []grpc.ServerOption{
		grpc.Creds(keeping{secure}),
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

// keeping are credentials that keep the connection.
type keeping struct {
	credentials.TransportCredentials
}

// ServerHandshake does the handshake and keeps the connection in its result.
func (k keeping) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := k.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // grpc-go compares it.
	}
	return conn, &Transport{AuthInfo: info, conn: raw}, nil
}

// Clone returns a copy.
func (k keeping) Clone() credentials.TransportCredentials {
	return keeping{k.TransportCredentials.Clone()}
}

// Transport is a server's connection. Safe for concurrent use.
type Transport struct {
	// AuthInfo is what the credentials found out.
	credentials.AuthInfo

	conn net.Conn

	mu    sync.Mutex // Protects what follows.
	calls int
	stuck bool        // A stream was ended on it that took nothing.
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

// end closes the connection, if no call has begun since.
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
		// What the peer has not taken until now is dropped, not kept in the kernel
		// until retransmission gives up.
		_ = tcp.SetLinger(0) // Closed already: then there is nothing to drop.
	}
	_ = t.conn.Close() // The transport closes it as well; the second close returns an error.
}

// after takes note of how a stream ended.
func (t *Transport) after(reason push.Reason) {
	if reason != push.ReasonSlowConsumer && reason != push.ReasonNotAcknowledging {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stuck = true
}
