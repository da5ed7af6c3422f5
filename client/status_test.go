package client_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/client"
)

// TestStatusHasTheLagAndItsError delivers events that took two seconds, from a venue
// whose clock differs by an hour.
func TestStatusHasTheLagAndItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const off = time.Hour
		v := &venue{clock: off}
		v.feed = func(s *stream) error {
			s.hello()
			m := event(6)
			m.Time = timestamppb.New(time.Now().Add(-off))
			pass(s, 2*time.Second)
			s.send("e:6", m)
			pass(s, 10*time.Second)
			s.send("e:6", heartbeat())
			return s.hold()
		}
		f := v.login(t).NewFeed(client.FeedOptions{ResumeAfter: "e:5"})
		if s := f.Status(); s.State != client.StateIdle || s.ClockError != 0 || s.End != nil {
			t.Errorf("before: %+v", s)
		}
		for u, err := range f.Updates(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if u.Message.GetSequence() == 6 {
				time.Sleep(time.Second) // The loop's own time counts.
				continue
			}
			if u.Message.GetHello() == nil {
				break // The heartbeat.
			}
			time.AfterFunc(5*time.Second, func() {
				s := f.Status()
				if s.State != client.StateLive || s.Silence != 3*time.Second || s.Cursor != "e:6" || s.Streams != 1 {
					t.Errorf("while it is silent: %+v", s)
				}
				if got := (s.Lag - 3*time.Second).Abs(); got > s.LagError+time.Microsecond {
					t.Errorf("lag %s give or take %s, want 3s", s.Lag, s.LagError)
				}
				if got := (s.ClockAhead + off).Abs(); got > s.ClockError+time.Microsecond {
					t.Errorf("clock ahead by %s give or take %s, want -1h", s.ClockAhead, s.ClockError)
				}
			})
			time.AfterFunc(11500*time.Millisecond, func() {
				if s := f.Status(); s.State != client.StateStale || s.Silence != 9500*time.Millisecond {
					t.Errorf("when it is stale: %+v", s)
				}
			})
		}
	})
}

func TestSettingsThatContradictEachOtherAreRefused(t *testing.T) {
	good := client.Config{Address: "127.0.0.1:1"}
	for word, change := range map[string]func(*client.Config){
		"no address":        func(c *client.Config) { c.Address = "" },
		"needs at least":    func(c *client.Config) { c.KeepaliveTime = 4 * time.Second },
		"keepalive timeout": func(c *client.Config) { c.KeepaliveTimeout = -1 },
		"must be shorter":   func(c *client.Config) { c.StaleAfter, c.WatchdogAfter = 15*time.Second, 15*time.Second },
		"not be negative":   func(c *client.Config) { c.WatchdogAfter = -1 },
		"cancel on":         func(c *client.Config) { c.CancelOnDisconnect = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := client.Dial(bad); !errors.Is(err, client.ErrSettings) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// TestIntervalsShorterThanTheHeartbeatsAreRefused has a venue whose heartbeats are rarer
// than the client's own intervals allow.
func TestIntervalsShorterThanTheHeartbeatsAreRefused(t *testing.T) {
	for _, config := range []client.Config{{StaleAfter: 5500 * time.Millisecond}, {WatchdogAfter: 5 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			c := (&venue{}).start(t, config)
			c.Restore(client.Session{ConnectionID: "connection"})
			_, err := follow(t.Context(), c, client.FeedOptions{}, "")
			var end *client.EndError
			if !errors.As(err, &end) || end.Reason != client.ReasonSettings || !errors.Is(err, client.ErrSettings) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// TestStreamsAndRequestsHaveSeparateConnections counts connections, and
// the PINGs on each: keepalive is for streams.
func TestStreamsAndRequestsHaveSeparateConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				return nil
			}
			pass(s, 14*time.Second) // Longer than the keepalive's time, shorter than the watchdog's.
			s.send("e:6", note("done"))
			return s.hold()
		}}
		var mu sync.Mutex // protects pings
		var pings []int   // of each connection
		v.connected = func(_ string, conn net.Conn) net.Conn {
			mu.Lock()
			defer mu.Unlock()
			pings = append(pings, 0)
			return &pinging{Conn: conn, ping: func(n int) func() {
				return func() {
					mu.Lock()
					defer mu.Unlock()
					pings[n]++
				}
			}(len(pings) - 1)}
		}
		c := v.start(t, client.Config{KeepaliveTime: 10 * time.Second})
		if err := c.Login(t.Context(), "alice", "secret"); err != nil {
			t.Fatal(err)
		}
		if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(pings) != 3 || pings[0] != 0 || pings[2] == 0 {
			t.Errorf("PINGs on the connections of requests, a short stream and a long one: %d", pings)
		}
	})
}

// pinging counts the PING frames that are written, each of which grpc-go writes
// in a call of its own.
type pinging struct {
	net.Conn
	ping func()
}

func (p *pinging) Write(b []byte) (int, error) {
	// 8 bytes, type 6, no flags: not an answer.
	if len(b) >= 17 && bytes.Equal(b[:5], []byte{0, 0, 8, 6, 0}) {
		p.ping()
	}
	return p.Conn.Write(b)
}
