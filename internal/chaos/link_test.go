package chaos

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// link is the path between a client and the venue. Bytes pass until the driver injects a
// fault. The venue may have another address after each start.
type link struct {
	listener net.Listener
	target   func() string
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex // protects the fields below
	pairs   map[*pair]bool
	stalls  int           // How many stalls are in force.
	flowing chan struct{} // Closed while none is.
	refuses int           // How many refusals are in force.
}

// pair is one connection through the link.
type pair struct {
	near, far net.Conn
	// forgotten means that the path drops all its bytes and neither side is notified, not
	// even of a close.
	forgotten atomic.Bool
}

// newLink listens until the test ends.
func newLink(t testing.TB, target func() string) *link {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &link{listener: listener, target: target, stop: stop, pairs: map[*pair]bool{}, flowing: make(chan struct{})}
	close(l.flowing)
	l.running.Go(func() { l.accept(ctx) })
	t.Cleanup(l.close)
	return l
}

func (l *link) address() string { return l.listener.Addr().String() }

func (l *link) close() {
	l.stop()
	_ = l.listener.Close() // Nothing was written to it.
	l.mu.Lock()
	for p := range l.pairs {
		p.close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

func (p *pair) close() {
	_ = p.near.Close() // What they carried is lost anyway.
	_ = p.far.Close()
}

func (l *link) accept(ctx context.Context) {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.serve(ctx, near) })
	}
}

func (l *link) serve(ctx context.Context, near net.Conn) {
	l.mu.Lock()
	refused := l.refuses > 0
	l.mu.Unlock()
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", l.target())
	if err != nil || refused {
		reset(near)
		if err == nil {
			reset(far)
		}
		return
	}
	p := &pair{near: near, far: far}
	l.mu.Lock()
	l.pairs[p] = true
	l.mu.Unlock()
	if ctx.Err() != nil { // The link was closed meanwhile, without closing this pair.
		p.close()
	}
	var both sync.WaitGroup
	both.Go(func() { l.pass(ctx, p, far, near) })
	both.Go(func() { l.pass(ctx, p, near, far) })
	both.Wait()
	p.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pairs, p)
}

// pass copies bytes. When one side ends it ends the other, unless the path has forgotten
// the connection.
func (l *link) pass(ctx context.Context, p *pair, to, from net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if err == nil && !p.forgotten.Load() {
			l.mu.Lock()
			flowing := l.flowing
			l.mu.Unlock()
			select {
			case <-flowing:
			case <-ctx.Done():
				return
			}
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			if !p.forgotten.Load() {
				p.close()
			}
			return
		}
	}
}

// reset closes with RST where the system lets it.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Closing is what matters.
	}
	_ = conn.Close()
}

// cut breaks every connection off.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		reset(p.near)
		reset(p.far)
	}
}

// forget loses every connection: a path that has a new address, a NAT that forgot.
func (l *link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.forgotten.Store(true)
	}
}

// stall stops all bytes until the returned function is called.
func (l *link) stall() (resume func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalls++; l.stalls == 1 {
		l.flowing = make(chan struct{})
	}
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.stalls--; l.stalls == 0 {
			close(l.flowing)
		}
	})
}

// refuse refuses new connections until the returned function is called.
func (l *link) refuse() (resume func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refuses--
	})
}
