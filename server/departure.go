package server

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

// How a client went away whose stream we did not end. grpc-go tells a handler only
// that its context is canceled; whether the client gave up, a proxy reset the
// connection, or nobody answered PINGs any more is what an operator asks first. The
// connection itself knows: it saw the last bytes and the error after them.

// The words for it: a closed list, a label of metrics.
const (
	// departureCanceled: the call was canceled, by the client or by a proxy that
	// reset the one stream; the connection lives.
	departureCanceled = "CLIENT_CANCELED"
	// departureClosed: the other side closed the connection in good order.
	departureClosed = "CLIENT_CLOSED"
	// departureReset: the connection was reset: a killed process, a proxy, a firewall.
	departureReset = "CONNECTION_RESET"
	// departureTimeout: nothing came any more, PINGs and data were not answered.
	departureTimeout = "KEEPALIVE_TIMEOUT"
	// departureServer: this server closed the connection: its age, or a violation of
	// HTTP/2 by the client such as too many PINGs.
	departureServer = "SERVER_CLOSED"
	// departureDeadline: the call had a deadline, which a stream must not have.
	departureDeadline = "DEADLINE"
)

// departures are all words, for metrics that begin at 0.
func departures() []string {
	return []string{departureCanceled, departureClosed, departureReset, departureTimeout, departureServer, departureDeadline}
}

// departure says how the client of a call went away. It waits no longer than
// witnessPatience, and only for a connection that is known to be broken.
func departure(ctx context.Context) string {
	if c := connOf(ctx); c != nil {
		if word := c.departure(); word != "" {
			return word
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return departureDeadline
	}
	return departureCanceled
}

// connKey is where a context of the HTTP port has its connection.
type connKey struct{}

// connOf returns the connection that a call came on, or nil.
func connOf(ctx context.Context) *witness {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(witnessed); ok {
			return a.witness
		}
	}
	w, _ := ctx.Value(connKey{}).(*witness)
	return w
}

// withConn puts a connection of the HTTP port into the contexts of its calls.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if a, ok := conn.RemoteAddr().(witnessed); ok {
		return context.WithValue(ctx, connKey{}, a.witness)
	}
	return ctx
}

// witness remembers what a connection saw last. Safe for concurrent use.
//
// The kernel tells the cause of a broken connection once, to whichever of a read and a
// write comes first; the other gets EOF or EPIPE. So both are watched.
type witness struct {
	patience time.Duration // Silence of so long before we closed was waited for.
	secure   bool          // TLS is spoken above.
	heard    atomic.Int64  // When bytes last came, in nanoseconds since 1970.
	torn     atomic.Bool   // A write failed whose cause the reader has.
	word     atomic.Pointer[string]
	settled  chan struct{} // Closed with the first word.
}

// witnessPatience is how long the end of a call waits for a reader that was given the
// cause and has not come to say it. A busy machine takes milliseconds.
const witnessPatience = 100 * time.Millisecond

func newWitness(patience time.Duration, secure bool) *witness {
	w := &witness{patience: patience, secure: secure, settled: make(chan struct{})}
	w.heard.Store(time.Now().UnixNano())
	return w
}

// departure returns the word for the end of the connection; empty while it lives.
func (w *witness) departure() string {
	if w.word.Load() == nil && w.torn.Load() {
		patience := time.NewTimer(witnessPatience)
		defer patience.Stop()
		select {
		case <-w.settled:
		case <-patience.C:
			w.settle(departureReset)
		}
	}
	if word := w.word.Load(); word != nil {
		return *word
	}
	return ""
}

// settle makes word the end unless there is one.
func (w *witness) settle(word string) {
	if w.word.CompareAndSwap(nil, &word) {
		close(w.settled)
	}
}

// correct makes word the end, whatever was concluded from the silence after it.
func (w *witness) correct(word string) {
	if w.word.Swap(&word) == nil {
		close(w.settled)
	}
}

// saw takes note of a read's outcome.
func (w *witness) saw(n int, err error) {
	if n > 0 {
		w.heard.Store(time.Now().UnixNano())
	}
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed):
		// A deadline is net/http's way to take a read back, and a closed one is ours.
	case errors.Is(err, io.EOF):
		w.settle(departureClosed)
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH):
		w.settle(departureTimeout)
	default:
		w.settle(departureReset)
	}
}

// failed takes note of a write's outcome.
func (w *witness) failed(err error) {
	switch {
	case err == nil:
	case errors.Is(err, syscall.ECONNRESET):
		w.correct(departureReset) // A reader that was quicker saw the bare EOF.
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH):
		w.correct(departureTimeout)
	case errors.Is(err, syscall.EPIPE):
		w.torn.Store(true)
	}
}

// closing takes note that this side closes. With TLS the other side's farewell is
// read above this connection, so an end right after bytes came was its own.
func (w *witness) closing() {
	const farewellSpan = time.Second
	silence := time.Duration(time.Now().UnixNano() - w.heard.Load())
	switch {
	case w.patience > 0 && silence >= w.patience:
		w.settle(departureTimeout)
	case !w.secure || silence >= farewellSpan:
		w.settle(departureServer)
	default:
		w.settle(departureClosed)
	}
}

// witnessed is a peer's address that leads to its connection.
type witnessed struct {
	net.Addr
	witness *witness
}
