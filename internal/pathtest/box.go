package pathtest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Box passes on bytes between clients and a target, as firewalls and balancers at
// the level of TCP do.
type Box struct {
	// Idle is after how long without any bytes a connection is ended; 0 never.
	Idle time.Duration
	// Forget ends it without a word: nothing is passed on any more, and both sides
	// stay open. Otherwise both are closed.
	Forget bool
	// Delay is of everything that is passed on, in each direction.
	Delay time.Duration
}

// Start listens until the test ends and returns where.
func (b Box) Start(t *testing.T, target string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.serve(ctx, conn, target) })
		}
	})
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func (b Box) serve(ctx context.Context, near net.Conn, target string) {
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	end := sync.OnceFunc(func() { _, _ = near.Close(), far.Close() })
	defer context.AfterFunc(ctx, end)()
	var forgotten atomic.Bool
	if b.Idle > 0 {
		timer := time.AfterFunc(b.Idle, func() {
			if forgotten.Store(true); !b.Forget {
				end()
			}
		})
		defer timer.Stop()
		near, far = watched{near, timer, b.Idle, &forgotten}, watched{far, timer, b.Idle, &forgotten}
	}
	var both sync.WaitGroup
	both.Go(func() { b.pass(ctx, near, far); end() })
	both.Go(func() { b.pass(ctx, far, near); end() })
	both.Wait()
}

// pass copies what comes, late by delay but not slower.
func (b Box) pass(ctx context.Context, to, from net.Conn) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 1000)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(pieces)
	writing.Go(func() {
		for p := range pieces {
			due := time.NewTimer(time.Until(p.due))
			select {
			case <-due.C:
			case <-ctx.Done():
			}
			due.Stop()
			_, _ = to.Write(p.data)
		}
	})
	for {
		data := make([]byte, 16<<10)
		n, err := from.Read(data)
		if err != nil {
			return
		}
		pieces <- piece{data[:n], time.Now().Add(b.Delay)}
	}
}

// watched is a connection whose bytes keep a timer from being over.
type watched struct {
	net.Conn
	timer     *time.Timer
	idle      time.Duration
	forgotten *atomic.Bool
}

func (w watched) Read(p []byte) (int, error) {
	for {
		n, err := w.Conn.Read(p)
		if err != nil || !w.forgotten.Load() {
			w.timer.Reset(w.idle)
			return n, err
		}
	}
}
