package pathtest_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"todoku/client"
	"todoku/doctor"
	"todoku/internal/pathtest"
	"todoku/server"
)

// proxies are the real proxies behind which the promises are tested.
func proxies() map[string]func(*testing.T, string, pathtest.Timers) *pathtest.Proxy {
	return map[string]func(*testing.T, string, pathtest.Timers) *pathtest.Proxy{"nginx": pathtest.Nginx, "haproxy": pathtest.HAProxy}
}

// TestHeartbeatsOutliveWhatCutsStreamsOfPings holds a feed without events and quiet
// streams whose connections PING side by side behind the same proxy, for more than
// two of its timers. With TODOKU_SOAK the timers are the proxies' own defaults.
func TestHeartbeatsOutliveWhatCutsStreamsOfPings(t *testing.T) {
	t.Parallel()
	// The proxies' timers are longer than a busy machine stands still.
	timers, watched, every := pathtest.Timers{Idle: 5 * time.Second}, 12*time.Second, time.Second
	change := func(c *server.Config) {
		calm(c)
		c.Keepalive.MinTime = 100 * time.Millisecond
	}
	if soak() {
		timers, watched, every = pathtest.Timers{}, 80*time.Second, 6*time.Second
		change = func(c *server.Config) {
			c.Push.HeartbeatInterval, c.Push.AckTimeout, c.Clients = 0, 0, server.Clients{}
		}
	}
	for name, start := range proxies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := venue(t, change)
			proxy := start(t, app.GRPCAddr().String(), timers)
			began, idle := time.Now(), follow(t, proxy.Address)
			report, err := doctor.Examine(t.Context(), doctor.Config{
				Address: proxy.Address, Plaintext: true, Duration: watched, Rounds: 1,
				PingEvery: []time.Duration{every}, Silences: []time.Duration{watched},
			})
			if err != nil {
				t.Fatal(err)
			}
			if q := report.Pinged[0]; q.End == nil || q.Answered == 0 || !q.Survived {
				t.Errorf("a stream with a PING every %s was not cut while they were answered: %+v", every, q)
			}
			wait(t, watched-time.Since(began))
			if h := idle.history(); !slices.Equal(h, []string{string(client.StateConnecting), string(client.StateLive)}) {
				t.Errorf("a feed with heartbeats went through %q", h)
			}
			if idle.count(beat) < 3 {
				t.Errorf("%d heartbeats", idle.count(beat))
			}
			if _, ended := staffOf(app).connections(t, "alice"); len(ended) != 0 {
				t.Errorf("for the venue it ended: %v", ended)
			}
		})
	}
}

// TestAFrozenClientBehindAProxyIsFreedByMissingAcknowledgements stops the process of
// a client (SIGSTOP) of each of two venues, whose proxies go on answering for it.
// The one that waits for acknowledgements frees it in time; the one that only PINGs
// never does.
func TestAFrozenClientBehindAProxyIsFreedByMissingAcknowledgements(t *testing.T) {
	t.Parallel()
	for name, start := range proxies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pings := func(c *server.Config) { c.Keepalive.Time, c.Keepalive.Timeout = time.Second, time.Second }
			app := venue(t, pings)
			blind := venue(t, func(c *server.Config) {
				pings(c)
				c.Push.AckTimeout = -1
			})
			admin, other := staffOf(app), staffOf(blind)
			frozen := startClient(t, start(t, app.GRPCAddr().String(), pathtest.Timers{}).Address)
			unseen := startClient(t, start(t, blind.GRPCAddr().String(), pathtest.Timers{}).Address)
			frozen.await(string(client.StateLive))
			unseen.await(string(client.StateLive))
			for _, p := range []*process{unseen, frozen} {
				p.signal(syscall.SIGSTOP)
			}
			stopped := time.Now()
			end := admin.ended(t, "carol", stopped)
			if end.GetEndReason() != client.ReasonNotAcknowledging {
				t.Errorf("freed with %s", end.GetEndReason())
			}
			// By now PINGs have been answered, or missed, for longer than they may be.
			if live, ended := other.connections(t, "carol"); len(live) != 1 || len(ended) != 0 {
				t.Errorf("a venue that only PINGs noticed: %v", ended)
			}
			admin.Announce("meanwhile")
			frozen.signal(syscall.SIGCONT)
			admin.Announce("afterwards")
			said := frozen.await("said afterwards")
			if n := strings.Count(strings.Join(said, "\n"), "said meanwhile"); n != 1 {
				t.Errorf("the announcement made while it was frozen arrived %d times: %q", n, said)
			}
		})
	}
}
