package pathtest_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/internal/pathtest"
	"todoku/server"
)

// Times of these tests, scaled down from those of the protocol by about ten. Proxies
// support only whole seconds.
const (
	heartbeat = 250 * time.Millisecond
	stale     = 1500 * time.Millisecond
	watchdog  = 3 * time.Second
	ackLimit  = 3 * time.Second
	seldom    = 10 * time.Minute // No PING of the venue comes while a test runs.

	// patience is reached only if a promise is broken. Tests of client, push and feed, which
	// control the clock, check how soon each end notices.
	patience = 90 * time.Second
)

// calm sets limits so long that pauses of a busy machine do not end or mark a stream.
func calm(c *server.Config) {
	c.Push.AckTimeout, c.Clients = patience, server.Clients{Stale: patience / 2, Watchdog: patience}
}

// soak reports whether a test must use the default times instead.
func soak() bool { return os.Getenv("TODOKU_SOAK") != "" }

// settings are those of a venue with scaled-down times, whose users are there.
func settings(t *testing.T) server.Config {
	t.Helper()
	config := apptest.Config(t.TempDir())
	config.Push.HeartbeatInterval = heartbeat
	config.Push.AckTimeout = ackLimit
	config.Clients = server.Clients{Stale: stale, Watchdog: watchdog}
	config.Keepalive.Time = seldom
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), nil); err != nil {
		t.Fatal(err)
	}
	return config
}

// venue serves one with scaled-down times.
func venue(t *testing.T, change func(*server.Config)) *apptest.App {
	t.Helper()
	config := settings(t)
	if change != nil {
		change(&config)
	}
	return apptest.Serve(t, config)
}

// follower is a feed of the Go client and its history: states, reasons of ends, and texts
// of announcements.
type follower struct {
	t      *testing.T
	events chan string

	mu   sync.Mutex // protects the fields below
	seen []string
	ends []client.End
}

// follow follows alice's feed from an address until the test ends.
func follow(t *testing.T, address string, changes ...func(*client.Config)) *follower {
	t.Helper()
	config := client.Config{Address: address, Plaintext: true}
	for _, change := range changes {
		change(&config)
	}
	c, err := client.Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(t.Context(), "alice", apptest.Password); err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, events: make(chan string, 10_000)}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.run(ctx, c)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		_ = c.Close() // Calls that still run at the test's end fail.
	})
	f.await(string(client.StateLive))
	return f
}

// from has a client connect from a host of a network.
func from(host *pathtest.Host) func(*client.Config) {
	return func(c *client.Config) { c.DialOptions = append(c.DialOptions, grpc.WithContextDialer(host.Dial)) }
}

func (f *follower) run(ctx context.Context, c *client.Client) {
	options := client.FeedOptions{
		OnStatus: func(s client.Status) { f.note(string(s.State)) },
		OnEnd: func(end client.End) {
			f.mu.Lock()
			f.ends = append(f.ends, end)
			f.mu.Unlock()
			f.note(end.Reason)
		},
	}
	for update, err := range c.Feed(ctx, options) {
		if err != nil {
			return
		}
		if a := update.Message.GetAnnouncement(); a != nil {
			f.note(a.GetText())
		}
		if update.Message.GetHeartbeat() != nil {
			f.note(beat)
		}
	}
}

// beat is the event of a heartbeat.
const beat = "heartbeat"

func (f *follower) note(what string) {
	f.mu.Lock()
	f.seen = append(f.seen, what)
	f.mu.Unlock()
	f.events <- what
}

// await reads events up to this one.
func (f *follower) await(want string) {
	f.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e := <-f.events:
			if e == want {
				return
			}
		case <-timer.C:
			f.t.Fatalf("no %q within %s, but %v", want, patience, f.history())
		}
	}
}

// history returns what happened, heartbeats left out.
func (f *follower) history() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.seen {
		if e != beat {
			all = append(all, e)
		}
	}
	return all
}

// count returns how often something happened.
func (f *follower) count(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.seen {
		if e == what {
			n++
		}
	}
	return n
}

// ended waits for the end of a stream and returns the first that ended.
func (f *follower) ended() client.End {
	f.t.Helper()
	f.await(string(client.StateResuming))
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ends[0]
}

// staff looks at a venue's connections and announces.
type staff struct{ *apptest.Desktop }

// staffOf signs an administrator in at the venue itself.
func staffOf(app *apptest.App) staff { return staff{app.SignIn("admin")} }

// connections returns a user's streams, live and ended.
func (s staff) connections(t *testing.T, user string) (live, ended []*todokuv1.ConnectionInfo) {
	t.Helper()
	reply, err := s.Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{User: user, Ended: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range reply.GetConnections() {
		if c.GetEndTime() == nil {
			live = append(live, c)
		} else {
			ended = append(ended, c)
		}
	}
	return live, ended
}

// ended waits until a stream of a user has ended for the venue, after a moment, and
// returns the first that did: on a slow machine others may have ended before.
func (s staff) ended(t *testing.T, user string, after time.Time) *todokuv1.ConnectionInfo {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		_, ended := s.connections(t, user)
		for _, end := range slices.Backward(ended) {
			if end.GetEndTime().AsTime().After(after) {
				return end
			}
		}
		select {
		case <-ticker.C:
		case <-timer.C:
			t.Fatalf("the venue did not report the end within %s", patience)
		}
	}
}

// wait waits for a time in which something must not happen.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
