package pathtest

import (
	"cmp"
	"context"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Box passes bytes between clients and a target, as firewalls and balancers at the level
// of TCP do.
type Box struct {
	// Idle is the time without any bytes after which a connection is ended; 0 never.
	Idle time.Duration
	// Forget ends a connection silently: the box drops its bytes, and both sides stay open.
	// Otherwise both are closed.
	Forget bool
	// Delay is added to all bytes, in each direction.
	Delay time.Duration
}

// Start listens until the test ends and returns the address.
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
	idle := cmp.Or(b.Idle, time.Duration(math.MaxInt64))
	var forgotten atomic.Bool
	timer := time.AfterFunc(idle, func() {
		if forgotten.Store(true); !b.Forget {
			end()
		}
	})
	defer timer.Stop()
	pass := func(to, from net.Conn) {
		defer end()
		data := make([]byte, 16<<10)
		for {
			n, err := from.Read(data)
			if err != nil {
				return
			}
			if forgotten.Load() {
				continue
			}
			timer.Reset(idle)
			select {
			case <-time.After(b.Delay):
			case <-ctx.Done():
			}
			_, _ = to.Write(data[:n])
		}
	}
	var both sync.WaitGroup
	both.Go(func() { pass(near, far) })
	both.Go(func() { pass(far, near) })
	both.Wait()
}
