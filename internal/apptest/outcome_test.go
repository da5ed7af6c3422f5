package apptest_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// TestALostAnswerIsFoundOnTheStreamOrByARepeatedRequest places orders through a path that
// swallows the request, the answer, or both, and before a venue that is killed meanwhile.
// The feed has a path of its own.
func TestALostAnswerIsFoundOnTheStreamOrByARepeatedRequest(t *testing.T) {
	for name, c := range map[string]struct {
		swallow    func(*path)
		kill       bool
		fromStream bool
	}{
		"nothing":                              {swallow: func(*path) {}},
		"the reply":                            {swallow: func(p *path) { p.replies.Store(true) }, fromStream: true},
		"the request":                          {swallow: func(p *path) { p.requests.Store(true) }},
		"both":                                 {swallow: func(p *path) { p.requests.Store(true); p.replies.Store(true) }},
		"the reply, and the venue is killed":   {swallow: func(p *path) { p.replies.Store(true) }, kill: true},
		"the request, and the venue is killed": {swallow: func(p *path) { p.requests.Store(true) }, kill: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
				t.Fatal(err)
			}
			process := apptest.Launch(t, dir)
			process.Start()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()

			way := &path{address: process.Address, swallowed: make(chan struct{})}
			alice, err := client.Dial(client.Config{Address: process.Address, Plaintext: true, DialOptions: []grpc.DialOption{way.option()}})
			if err != nil {
				t.Fatal(err)
			}
			defer alice.Close() //nolint:errcheck // What is under way fails; that is what the test's end means.
			if err := alice.Login(ctx, "alice", apptest.Password); err != nil {
				t.Fatal(err)
			}
			feed := alice.NewFeed(client.FeedOptions{})
			live := make(chan struct{})
			var following sync.WaitGroup
			reports := 0
			following.Go(func() {
				ready := sync.OnceFunc(func() { close(live) })
				for u, err := range feed.Updates(ctx) {
					if err != nil {
						return
					}
					if u.Message.GetSnapshotEnd() != nil {
						ready()
					}
					if u.Message.GetExecutionReport().GetRequestId() == "x" {
						reports++
					}
				}
			})
			<-live

			c.swallow(way)
			mended := make(chan struct{})
			placing, placed := context.WithCancel(ctx)
			go func() {
				defer close(mended)
				select {
				case <-way.swallowed:
				case <-placing.Done(): // Nothing was.
					return
				}
				lost := time.NewTimer(2 * time.Second)
				if c.kill { // The kill may come before or after the stream shows the order.
					process.Kill()
					process.Start()
				}
				if c.fromStream { // The path is still broken, so only the stream can show it.
					<-placing.Done()
				} else {
					<-lost.C
				}
				way.mend()
			}()
			outcome, err := feed.Place(ctx, apptest.Limit("x", "USDJPY", todokuv1.Side_SIDE_BUY, "5", "150"))
			placed()
			<-mended
			if err != nil {
				t.Fatal(err)
			}
			if outcome.Answer.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_NEW || c.fromStream && !outcome.FromStream {
				t.Errorf("%+v", outcome)
			}
			if err := feed.WaitFor(ctx, outcome.Answer.GetCursor()); err != nil {
				t.Fatal(err)
			}
			cancel()
			following.Wait()
			if reports != 1 {
				t.Errorf("reported %d times", reports)
			}
		})
	}
}

// path lies between a client and a venue. It swallows bytes on the first connection, which
// carries the requests; they are lost, and the connection breaks when the path is mended.
type path struct {
	address           string
	requests, replies atomic.Bool
	swallowed         chan struct{} // Closed when something was.
	once              sync.Once
	dialer            net.Dialer

	mu     sync.Mutex // protects the fields below
	dialed int
	first  net.Conn
}

func (p *path) option() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
		if err != nil {
			return nil, fmt.Errorf("path: %w", err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.dialed++; p.dialed > 1 {
			return conn, nil
		}
		p.first = conn
		return &swallowing{conn, p}, nil
	})
}

// mend ends the swallowing, and the connection that lost something.
func (p *path) mend() {
	p.requests.Store(false)
	p.replies.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.first.Close() // It may be closed already.
}

// swallowing is a connection that drops the bytes that the path swallows.
type swallowing struct {
	net.Conn
	path *path
}

func (s *swallowing) Write(b []byte) (int, error) {
	if s.path.requests.Load() {
		s.path.once.Do(func() { close(s.path.swallowed) })
		return len(b), nil
	}
	return s.Conn.Write(b)
}

func (s *swallowing) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		if err != nil || !s.path.replies.Load() {
			return n, err
		}
		s.path.once.Do(func() { close(s.path.swallowed) })
	}
}
