package pathtest_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/internal/pathtest"
	"todoku/server"
)

// Behind a proxy different causes look alike, and each proxy reports them differently. Both
// ends must distinguish them as far as possible, and the client must reconnect after each.

// TestEndsBehindAProxyAreDistinguished causes each end, and checks what the client and the
// venue report.
func TestEndsBehindAProxyAreDistinguished(t *testing.T) {
	t.Parallel()
	// A wrong setting on purpose: the heartbeats come too seldom for the proxy.
	mute := func(c *server.Config) {
		c.Push.HeartbeatInterval, c.Push.AckTimeout, c.Clients = 3*time.Second, time.Minute, server.Clients{}
	}
	for what, c := range map[string]struct {
		change func(*server.Config)
		timers pathtest.Timers
		cause  func(t *testing.T, p *pathtest.Proxy, admin staff)
		by     client.Ender
		// Of the client, behind each proxy.
		nginx, haproxy string
		// Of the venue, and what it saw of its connection: a close that meets a
		// heartbeat under way is a reset, a reset stream may be followed by a close.
		venue string
		seen  []string
	}{
		"idle timer": {
			change: mute, timers: pathtest.Timers{Idle: time.Second},
			cause: func(*testing.T, *pathtest.Proxy, staff) {},
			by:    client.EnderConnection, nginx: client.ReasonReset, haproxy: client.ReasonNoTrailers,
			venue: "DISCONNECTED", seen: []string{"CLIENT_CLOSED", "CLIENT_CANCELED", "CONNECTION_RESET"},
		},
		"proxy killed": {
			change: calm,
			cause:  func(_ *testing.T, p *pathtest.Proxy, _ staff) { p.Kill() },
			by:     client.EnderConnection, nginx: client.ReasonConnectLost, haproxy: client.ReasonConnectLost,
			venue: "DISCONNECTED", seen: []string{"CLIENT_CLOSED", "CONNECTION_RESET"},
		},
		"proxy reloaded, hard stop": {
			change: calm, timers: pathtest.Timers{HardStop: time.Second},
			cause: func(_ *testing.T, p *pathtest.Proxy, _ staff) { p.Reload() },
			by:    client.EnderConnection, nginx: client.ReasonGoAway, haproxy: client.ReasonNoTrailers,
			venue: "DISCONNECTED", seen: []string{"CLIENT_CLOSED", "CLIENT_CANCELED", "CONNECTION_RESET"},
		},
		"ended by staff": {
			change: calm,
			cause: func(t *testing.T, _ *pathtest.Proxy, admin staff) {
				t.Helper()
				live, _ := admin.connections(t, "alice")
				if _, err := admin.Admin.DisconnectConnection(t.Context(), &todokuv1.DisconnectConnectionRequest{ConnectionId: live[0].GetConnectionId()}); err != nil {
					t.Fatal(err)
				}
			},
			by: client.EnderVenue, nginx: "BY_VENUE", haproxy: "BY_VENUE", venue: "BY_VENUE", seen: []string{""},
		},
	} {
		for name, start := range proxies() {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				app := venue(t, c.change)
				admin := staffOf(app)
				proxy := start(t, app.GRPCAddr().String(), c.timers)
				f := follow(t, proxy.Address)
				c.cause(t, proxy, admin)
				end, want := f.ended(), map[string]string{"nginx": c.nginx, "haproxy": c.haproxy}[name]
				if end.By != c.by || end.Reason != want {
					t.Errorf("for the client it ended by %s with %s (%s, %v), want %s %s", end.By, end.Reason, end.Detail, end.Err, c.by, want)
				}
				if end.Age <= 0 || end.Cursor == "" || end.Attach == 0 || end.Peer != proxy.Address {
					t.Errorf("the client's record is incomplete: %+v", end)
				}
				seen := admin.ended(t, "alice", time.Time{})
				if seen.GetEndReason() != c.venue || !slices.Contains(c.seen, seen.GetEndCause()) {
					t.Errorf("for the venue it ended with %s %s, want %s %s", seen.GetEndReason(), seen.GetEndCause(), c.venue, c.seen)
				}
			})
		}
	}
}

// TestEachProxyReportsAKilledVenueInItsOwnWay ends the venue's process (SIGKILL)
// behind a proxy, which looks the same as an idle timer, and starts it again.
func TestEachProxyReportsAKilledVenueInItsOwnWay(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"nginx": client.ReasonReset, "haproxy": client.ReasonNoTrailers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := apptest.Seed(t.Context(), dir, apptest.Users(), nil); err != nil {
				t.Fatal(err)
			}
			process := apptest.Launch(t, dir)
			process.Start()
			f := follow(t, proxies()[name](t, process.Address, pathtest.Timers{}).Address)
			process.Kill()
			if end := f.ended(); end.By != client.EnderConnection || end.Reason != want {
				t.Errorf("it ended by %s with %s (%v), want %s", end.By, end.Reason, end.Err, want)
			}
			process.Start()
			f.await(string(client.StateLive))
		})
	}
}

// TestNamedEndsPassThroughProxies checks that reason and code of the venue arrive
// unchanged at clients that do not reconnect when they are asked to.
func TestNamedEndsPassThroughProxies(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(*server.Config)
		cause  func(*testing.T, *apptest.App)
		code   codes.Code
	}{
		"SHUTDOWN": {
			func(c *server.Config) { c.Drain, c.Push.AckTimeout = 2*time.Second, time.Minute },
			func(t *testing.T, app *apptest.App) {
				t.Helper()
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					app.Shutdown()
				}()
				t.Cleanup(func() { <-stopped })
			}, codes.Unavailable,
		},
		"STREAM_AGE": {
			func(c *server.Config) {
				c.Push.StreamAge, c.Push.ReconnectGrace, c.Push.AckTimeout = 500*time.Millisecond, 300*time.Millisecond, time.Minute
			},
			func(*testing.T, *apptest.App) {}, codes.Unavailable,
		},
		"NOT_ACKNOWLEDGING": {
			func(c *server.Config) { c.Push.AckTimeout = time.Second },
			func(*testing.T, *apptest.App) {}, codes.DeadlineExceeded,
		},
	} {
		for name, start := range proxies() {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				app := venue(t, c.change)
				d := apptest.NewDesktop(t, start(t, app.GRPCAddr().String(), pathtest.Timers{}).Address)
				d.SignIn("alice")
				stream := d.Attach(&todokuv1.FeedNotificationRequest{})
				c.cause(t, app)
				_, err := stream.Finish()
				if client.Reason(err) != what || status.Code(err) != c.code {
					t.Errorf("it ended with %v, want %s %s", err, c.code, what)
				}
			})
		}
	}
}
