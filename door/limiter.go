package door

import (
	"cmp"
	"io"
	"net"
	"sync"
	"time"
)

// A connection costs a file, two goroutines and some kilobytes before the client has
// authenticated. The limiter counts the connections of both ports, in total and per
// network, so that no client can use up the files that the databases and the other
// clients need. A connection over a limit gets an error in the port's protocol and is
// closed.

// Answers to a connection over the limit. Without TLS it is an answer of HTTP/1.1, also
// where HTTP/2 is spoken: a gRPC client then fails to connect and backs off. A GOAWAY
// with the reason was tried; grpc-go takes that for a server that moves and reconnects
// at once, without end. With TLS it is an alert (RFC 8446, 6.2: internal_error, the one
// that does not blame the client).
const (
	httpRefusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n" +
		"Content-Type: text/plain\r\nContent-Length: 21\r\n\r\nTOO_MANY_CONNECTIONS\n"
	tlsRefusal = "\x15\x03\x03\x00\x02\x02\x50"
)

const (
	// refusalTimeout is how long a refused client may take to send its first bytes, and
	// then to read the answer. An immediate close would reset the connection and lose
	// the answer; a longer wait would let silent clients keep the answer from others.
	refusalTimeout = 250 * time.Millisecond
	// maxRefusals is how many clients are given that time at once. Further ones get the
	// answer too, but may see a reset before they have read it.
	maxRefusals = 64
	// reservedFiles are what the databases, the log and the listeners need.
	reservedFiles = 512
	// DefaultPerNetwork is the default of [Limits.PerNetwork]: an office of two thousand
	// users with two connections each.
	DefaultPerNetwork = 4000
)

// Limits bound TCP connections. Zero takes the default, negative is no bound.
type Limits struct {
	// Total bounds the connections to all ports; by default the number of files that the
	// process may open, less those that the databases need.
	Total int
	// PerNetwork bounds the connections of one network; [DefaultPerNetwork].
	PerNetwork int
	// Admission is how long a connection may live without an admitted call;
	// [DefaultAdmission].
	Admission time.Duration
	// Network names the network of a remote address, as net.Addr prints it. Required.
	Network func(remote string) string
}

// Limiter counts connections and refuses those over its limits. Safe for concurrent
// use.
type Limiter struct {
	limits   Limits
	timeout  time.Duration // of a refusal
	refusing chan struct{} // a value for each refused client that may still read the answer
	refusals sync.WaitGroup

	mu       sync.Mutex // protects what follows
	open     int
	networks map[string]int
	refused  uint64
	probers  probers
	// unadmitted counts connections that ended because nobody was admitted over them.
	unadmitted uint64
}

// NewLimiter returns a limiter without connections.
func NewLimiter(limits Limits) *Limiter {
	if limits.Total == 0 {
		limits.Total = spareFiles()
	}
	limits.PerNetwork = cmp.Or(limits.PerNetwork, DefaultPerNetwork)
	limits.Admission = cmp.Or(limits.Admission, DefaultAdmission)
	return &Limiter{
		limits: limits, timeout: refusalTimeout, refusing: make(chan struct{}, maxRefusals), networks: map[string]int{},
		probers: probers{networks: map[string]int{}},
	}
}

// spareFiles returns how many connections this process can have and still open files;
// negative where that is not known.
func spareFiles() int {
	files := maxFiles()
	if files < 0 {
		return -1
	}
	return max(files-reservedFiles, files/2)
}

// enter counts a connection of a network; false if it is over a limit.
func (l *Limiter) enter(network string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	total, per := l.limits.Total, l.limits.PerNetwork
	if total >= 0 && l.open >= total || per >= 0 && l.networks[network] >= per {
		l.refused++
		return false
	}
	l.open++
	l.networks[network]++
	return true
}

func (l *Limiter) leave(network string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.networks[network]--; l.networks[network] == 0 {
		delete(l.networks, network)
	}
}

// Counts returns how many connections are open, and how many were refused.
func (l *Limiter) Counts() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, l.refused
}

// Unadmitted returns how many connections ended because nobody was admitted over them.
func (l *Limiter) Unadmitted() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unadmitted
}

// limited is a listener whose connections a limiter counts.
type limited struct {
	net.Listener
	limiter *Limiter
	refusal string        // what a connection over the limit is sent
	timeout time.Duration // see [Limiter.listen]
	timed   bool          // connections without an admitted call are closed
}

// listen limits a listener. Timeout is how long data that is not acknowledged keeps a
// connection, 0 for the system's default.
func (l *Limiter) listen(inner net.Listener, refusal string, timeout time.Duration) *limited {
	return &limited{Listener: inner, limiter: l, refusal: refusal, timeout: timeout}
}

// Accept returns the next connection within the limits.
func (l *limited) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network := l.limiter.limits.Network(inner.RemoteAddr().String())
		if !l.limiter.enter(network) {
			l.limiter.refuse(inner, l.refusal)
			continue
		}
		if tcp, ok := inner.(*net.TCPConn); ok && l.timeout > 0 {
			// grpc-go sets this itself (gRPC proposal A18), but only on a *net.TCPConn.
			_ = setUserTimeout(tcp, l.timeout) // Without it keepalive finds dead peers.
		}
		c := &conn{Conn: inner, limiter: l.limiter, network: network, cause: newDisconnectCause(l.timeout, l.refusal == tlsRefusal)}
		c.prepare()
		l.limiter.admit(c, l.timed) // Last, because it may close the connection.
		return c, nil
	}
}

// Close closes the port and waits until the clients refused last are disconnected.
func (l *limited) Close() error {
	err := l.Listener.Close()
	l.limiter.refusals.Wait()
	return err
}

// refuse answers a client over the limit and disconnects it, without waiting for it.
func (l *Limiter) refuse(conn net.Conn, answer string) {
	select {
	case l.refusing <- struct{}{}:
	default:
		// The buffer of a new socket takes the answer: this does not block.
		_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = io.WriteString(conn, answer) // The connection is closed in any case.
		_ = conn.Close()
		return
	}
	l.refusals.Go(func() {
		answerAndClose(conn, answer, l.timeout)
		<-l.refusing
	})
}

// answerAndClose waits for the client's first bytes, because clients take an earlier
// answer for an error of their own. It then sends the answer and reads until the client
// closes or the timeout passes. Failures do not matter: the connection is closed.
func answerAndClose(conn net.Conn, answer string, timeout time.Duration) {
	defer conn.Close() //nolint:errcheck // See above.
	_ = conn.SetDeadline(time.Now().Add(timeout))
	_, _ = conn.Read(make([]byte, 1)) // A silent client gets the answer too.
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := io.WriteString(conn, answer); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}

// conn is a connection that is counted until it is closed and records why it ended.
type conn struct {
	net.Conn
	once      sync.Once
	limiter   *Limiter
	network   string
	cause     *disconnectCause
	admission *admission
	ready     readyToRead
}

// Read reads and records how that ended.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.cause.afterRead(n, err)
	return n, err
}

// Write writes and records how that failed.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.cause.afterWrite(err)
	return n, err
}

// RemoteAddr returns the client's address, from which [DisconnectCause] finds the cause
// and [Admitted] the connection.
func (c *conn) RemoteAddr() net.Addr { return addr{c.Conn.RemoteAddr(), c.cause, c.admission} }

// NetConn returns the underlying connection.
func (c *conn) NetConn() net.Conn { return c.Conn }

// Close closes the connection and stops counting it.
func (c *conn) Close() error {
	c.cause.beforeClose()
	defer c.once.Do(func() {
		c.admission.end()
		c.limiter.leave(c.network)
	})
	return c.Conn.Close()
}
