package server

import (
	"io"
	"net"
	"sync"
	"time"

	"todoku/account"
)

// A connection costs a file, two goroutines and some kilobytes before anybody has
// said who they are. The turnstile before both ports counts them, in all and per
// network, so that nobody can take the files that the venue's databases and
// everybody else need. Who is one too many is told so in the words of the port,
// where there are any, and is let go.

// Words to one too many. Without TLS it is an answer of HTTP/1.1, also where HTTP/2
// is spoken: a gRPC client then fails to connect and backs off. A GOAWAY with the
// reason was tried; grpc-go takes the connection for a good one that moves, and is
// back at once, again and again. With TLS it is an alert (RFC 8446, 6.2:
// internal_error is the one that blames nobody).
const (
	httpWords = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n" +
		"Content-Type: text/plain\r\nContent-Length: 21\r\n\r\nTOO_MANY_CONNECTIONS\n"
	tlsWords = "\x15\x03\x03\x00\x02\x02\x50"
)

const (
	// farewell is how long one too many may take to speak, and then to read. Closing
	// at once would reset the connection, and the words would be lost; waiting longer
	// for each would let those who never speak keep the words from everybody else.
	farewell = 250 * time.Millisecond
	// farewells is how many are given that time at once. More are told too, and may
	// find their connection reset before they have read it.
	farewells = 64
	// reservedFiles are what the databases, the log and the listeners need.
	reservedFiles = 512
	// defaultPerNetwork leaves room for an office of two thousand, two connections each.
	defaultPerNetwork = 4000
)

// turnstile counts connections. Safe for concurrent use.
type turnstile struct {
	inAll      int // Negative: no bound.
	perNetwork int // Negative: no bound.
	farewell   time.Duration

	mu       sync.Mutex // Protects what follows.
	open     int
	networks map[string]int
	refused  uint64
	leaving  int
	told     sync.WaitGroup
}

func newTurnstile(inAll, perNetwork int) *turnstile {
	if inAll == 0 {
		inAll = filesToSpare()
	}
	if perNetwork == 0 {
		perNetwork = defaultPerNetwork
	}
	return &turnstile{inAll: inAll, perNetwork: perNetwork, farewell: farewell, networks: map[string]int{}}
}

// filesToSpare returns how many connections this process can have and still open
// files; no bound where that is not known.
func filesToSpare() int {
	files := maxFiles()
	if files < 0 {
		return -1
	}
	return max(files-reservedFiles, files/2)
}

// enter counts a connection from a network; false if it is one too many.
func (t *turnstile) enter(network string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inAll >= 0 && t.open >= t.inAll || t.perNetwork >= 0 && t.networks[network] >= t.perNetwork {
		t.refused++
		return false
	}
	t.open++
	t.networks[network]++
	return true
}

func (t *turnstile) leave(network string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.networks[network]--; t.networks[network] == 0 {
		delete(t.networks, network)
	}
}

// counts returns how many connections there are, and how many were refused.
func (t *turnstile) counts() (open int, refused uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open, t.refused
}

// guard returns a listener behind the turnstile that has these words for one too
// many. idle is how long data that is not acknowledged keeps a connection, 0 for the
// system's own measure.
func (t *turnstile) guard(l net.Listener, words string, idle time.Duration) net.Listener {
	return &guarded{Listener: l, turnstile: t, words: words, idle: idle}
}

// guarded is a listener behind a turnstile.
type guarded struct {
	net.Listener
	turnstile *turnstile
	words     string
	idle      time.Duration
}

// Accept returns the next connection that may come in.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network := account.Network(conn.RemoteAddr().String())
		if !g.turnstile.enter(network) {
			g.turnstile.refuse(conn, g.words)
			continue
		}
		if tcp, ok := conn.(*net.TCPConn); ok && g.idle > 0 {
			// grpc-go does this for connections that it can see through (gRPC proposal
			// A18), which one that is counted is not.
			_ = setUserTimeout(tcp, g.idle) // Where it cannot be set, keepalive finds the dead.
		}
		c := &counted{Conn: conn, leave: func() { g.turnstile.leave(network) }, witness: newWitness(g.idle, g.words == tlsWords)}
		c.prepare()
		return c, nil
	}
}

// Close closes the port and waits until those who were refused last are gone.
func (g *guarded) Close() error {
	err := g.Listener.Close()
	g.turnstile.told.Wait()
	return err
}

// refuse tells one too many and lets it go, without waiting for it.
func (t *turnstile) refuse(conn net.Conn, words string) {
	t.mu.Lock()
	many := t.leaving >= farewells
	if !many {
		t.leaving++
		t.told.Add(1)
	}
	t.mu.Unlock()
	if many {
		// A new socket has room for so little: this does not wait.
		_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = io.WriteString(conn, words) // Who does not hear it is let go as well.
		_ = conn.Close()
		return
	}
	go func() {
		defer t.told.Done()
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.leaving--
		}()
		tell(conn, words, t.farewell)
	}()
}

// tell waits for the other side's first words, as clients take an answer before
// that for an error of their own, says its own, and reads until the other side has
// read them or its time is over. That it may not listen is no error.
func tell(conn net.Conn, words string, farewell time.Duration) {
	defer conn.Close() //nolint:errcheck // It is gone in any case.
	_ = conn.SetDeadline(time.Now().Add(farewell))
	_, _ = conn.Read(make([]byte, 1)) // Who says nothing is told all the same.
	_ = conn.SetDeadline(time.Now().Add(farewell))
	if _, err := io.WriteString(conn, words); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}

// counted is a connection that the turnstile counts until it is closed, and that
// remembers how that came about.
type counted struct {
	net.Conn
	once    sync.Once
	leave   func()
	witness *witness
	ready   readyToRead
}

// Read reads, and remembers what it saw.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.witness.saw(n, err)
	return n, err
}

// Write writes, and remembers how that failed.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.witness.failed(err)
	return n, err
}

// RemoteAddr returns the address of the other side, which leads to the witness.
func (c *counted) RemoteAddr() net.Addr { return witnessed{c.Conn.RemoteAddr(), c.witness} }

// NetConn returns the connection that is counted.
func (c *counted) NetConn() net.Conn { return c.Conn }

// Close closes the connection and makes room for another.
func (c *counted) Close() error {
	c.witness.closing()
	defer c.once.Do(c.leave)
	return c.Conn.Close()
}
