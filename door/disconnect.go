package door

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/peer"
)

// Why a client disconnected when the server did not end its stream: whether the client
// canceled, a proxy reset the connection, or PINGs were no longer answered. A handler of
// grpc-go sees only a canceled context, so the cause is taken from the connection: from
// its last bytes and the error after them.

// The causes: a closed list, used as a label of metrics.
const (
	// causeCanceled: the call was canceled, by the client or by a proxy that reset the
	// one stream; the connection lives.
	causeCanceled = "CLIENT_CANCELED"
	// causeClosed: the other side closed the connection in good order.
	causeClosed = "CLIENT_CLOSED"
	// causeReset: the connection was reset: a killed process, a proxy, a firewall.
	causeReset = "CONNECTION_RESET"
	// causeTimeout: nothing arrived any more; PINGs and data were not answered.
	causeTimeout = "KEEPALIVE_TIMEOUT"
	// causeServer: this server closed the connection: because of its age, or because the
	// client violated HTTP/2, for example with too many PINGs.
	causeServer = "SERVER_CLOSED"
	// causeDeadline: the call had a deadline, which a stream must not have.
	causeDeadline = "DEADLINE"
)

// DisconnectCauses returns all causes, for metrics that begin at 0.
func DisconnectCauses() []string {
	return []string{causeCanceled, causeClosed, causeReset, causeTimeout, causeServer, causeDeadline}
}

// DisconnectCause returns why the client of a call disconnected. It waits at most
// 100 ms, and only for a connection that is known to be broken.
func DisconnectCause(ctx context.Context) string {
	cause := ""
	if c := causeOf(ctx); c != nil {
		cause = c.get()
	}
	switch {
	case cause != "":
		return cause
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return causeDeadline
	}
	return causeCanceled
}

// connKey is the context key under which the HTTP port has its connection.
type connKey struct{}

// causeOf returns the cause of the connection of a call, or nil.
func causeOf(ctx context.Context) *disconnectCause {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(addr); ok {
			return a.cause
		}
	}
	a, _ := ctx.Value(connKey{}).(addr)
	return a.cause
}

// ConnContext is the ConnContext of an http.Server: with it [DisconnectCause] and
// [Admitted] work for the calls of the HTTP port.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if a, ok := conn.RemoteAddr().(addr); ok {
		return context.WithValue(ctx, connKey{}, a)
	}
	return ctx
}

// disconnectCause records why a connection ended. Safe for concurrent use.
//
// The kernel reports the cause of a broken connection once, to whichever of a read and
// a write comes first; the other gets EOF or EPIPE. So both are observed.
type disconnectCause struct {
	timeout  time.Duration // A silence this long before we close is a keepalive timeout.
	secure   bool          // TLS is spoken above.
	lastRead atomic.Int64  // When bytes last arrived, in nanoseconds since 1970.
	broken   atomic.Bool   // A write failed; the reader gets the cause.
	cause    atomic.Pointer[string]
	known    chan struct{} // Closed once there is a cause.
}

// readerWait is how long the end of a call waits for a reader that has the cause but has
// not yet recorded it. A busy machine takes milliseconds.
const readerWait = 100 * time.Millisecond

func newDisconnectCause(timeout time.Duration, secure bool) *disconnectCause {
	c := &disconnectCause{timeout: timeout, secure: secure, known: make(chan struct{})}
	c.lastRead.Store(time.Now().UnixNano())
	return c
}

// get returns why the connection ended; empty while it lives.
func (c *disconnectCause) get() string {
	if c.cause.Load() == nil && c.broken.Load() {
		timer := time.NewTimer(readerWait)
		defer timer.Stop()
		select {
		case <-c.known:
		case <-timer.C:
			c.set(causeReset)
		}
	}
	if cause := c.cause.Load(); cause != nil {
		return *cause
	}
	return ""
}

// set records a cause unless there is one.
func (c *disconnectCause) set(cause string) {
	if c.cause.CompareAndSwap(nil, &cause) {
		close(c.known)
	}
}

// replace records a cause that is more exact than any before it.
func (c *disconnectCause) replace(cause string) {
	if c.cause.Swap(&cause) == nil {
		close(c.known)
	}
}

// afterRead records the outcome of a read.
func (c *disconnectCause) afterRead(n int, err error) {
	if n > 0 {
		c.lastRead.Store(time.Now().UnixNano())
	}
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed):
		// net/http uses a deadline to interrupt a read; ErrClosed means that we closed.
	case errors.Is(err, io.EOF):
		c.set(causeClosed)
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH):
		c.set(causeTimeout)
	default:
		c.set(causeReset)
	}
}

// afterWrite records the outcome of a write.
func (c *disconnectCause) afterWrite(err error) {
	switch {
	case err == nil:
	case errors.Is(err, syscall.ECONNRESET):
		c.replace(causeReset) // A reader that was faster saw only EOF.
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH):
		c.replace(causeTimeout)
	case errors.Is(err, syscall.EPIPE):
		c.broken.Store(true)
	}
}

// beforeClose records that this side closes. With TLS the client's close_notify is read
// above this connection, so a close right after bytes arrived was the client's.
func (c *disconnectCause) beforeClose() {
	const closeNotify = time.Second
	silence := time.Duration(time.Now().UnixNano() - c.lastRead.Load())
	switch {
	case c.timeout > 0 && silence >= c.timeout:
		c.set(causeTimeout)
	case !c.secure || silence >= closeNotify:
		c.set(causeServer)
	default:
		c.set(causeClosed)
	}
}

// addr is a client's address that leads to what is known about its connection.
type addr struct {
	net.Addr
	cause     *disconnectCause
	admission *admission
}
