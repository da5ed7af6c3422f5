package apptest_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// Every end of a stream has a name. How soon it comes is measured by a benchmark.

// TestTheEndOfASessionEndsItsStreamsWithAReason covers sign-out, a changed password,
// suspension, a refresh token used twice, and revocation by a user or an administrator.
// No other limit ends a stream of this venue while the test waits.
func TestTheEndOfASessionEndsItsStreamsWithAReason(t *testing.T) {
	t.Parallel()
	// A used refresh token is not a retry here.
	app := serve(t, func(c *server.Config) { c.Accounts.RetryWindow = time.Nanosecond })
	admin := app.SignIn("admin")
	for name, c := range map[string]struct {
		user   string
		end    func(ctx context.Context, d *apptest.Desktop) error
		reason string
		code   codes.Code
	}{
		"sign-out": {"alice", func(ctx context.Context, d *apptest.Desktop) error {
			_, err := d.Sessions.Logout(ctx, &todokuv1.LogoutRequest{})
			return err
		}, "SESSION_REVOKED", codes.Unauthenticated},
		"password changed elsewhere": {"bob", func(ctx context.Context, _ *apptest.Desktop) error {
			_, err := app.SignIn("bob").Sessions.ChangePassword(ctx, &todokuv1.ChangePasswordRequest{OldPassword: apptest.Password, NewPassword: "another " + apptest.Password})
			return err
		}, "SESSION_REVOKED", codes.Unauthenticated},
		"suspension": {"carol", func(ctx context.Context, _ *apptest.Desktop) error {
			_, err := admin.Admin.SuspendUser(ctx, &todokuv1.SuspendUserRequest{RequestId: "s", User: "carol"})
			return err
		}, "USER_SUSPENDED", codes.Unauthenticated},
		"refresh token used twice": {"vera", func(ctx context.Context, d *apptest.Desktop) error {
			wantRefusal(t, reuse(ctx, d), codes.Unauthenticated, "TOKEN_REUSED", "")
			return nil
		}, "SESSION_REVOKED", codes.Unauthenticated},
		"revoked from another session": {"rita", func(ctx context.Context, d *apptest.Desktop) error {
			_, err := app.SignIn("rita").Sessions.RevokeSession(ctx, &todokuv1.RevokeSessionRequest{SessionId: d.Session})
			return err
		}, "SESSION_REVOKED", codes.Unauthenticated},
		"session ended by staff": {"alice", func(ctx context.Context, d *apptest.Desktop) error {
			_, err := admin.Admin.DisconnectConnection(ctx, &todokuv1.DisconnectConnectionRequest{ConnectionId: d.Connection, RevokeSession: true})
			return err
		}, "SESSION_REVOKED", codes.Unauthenticated},
		"stream ended by staff": {"alice", func(ctx context.Context, d *apptest.Desktop) error {
			_, err := admin.Admin.DisconnectConnection(ctx, &todokuv1.DisconnectConnectionRequest{ConnectionId: d.Connection})
			return err
		}, "BY_VENUE", codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			d := app.SignIn(c.user)
			s := d.Attach(&request{})
			s.Snapshot()
			if err := c.end(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			wantEnd(t, s, c.code, c.reason)
			if c.reason == "BY_VENUE" {
				d.Attach(&request{}) // The session was left.
				return
			}
			_, err := d.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{})
			if got := parseError(t, err); got.code != codes.Unauthenticated {
				t.Errorf("the session still gets %v", got)
			}
		})
	}
}

// TestAStreamOutlivesItsTokenOnlyIfItIsRefreshed lets tokens of a few seconds expire
// on two streams, one of which is refreshed in time: so often that a machine may stand
// still for most of a token's life.
func TestAStreamOutlivesItsTokenOnlyIfItIsRefreshed(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) {
		c.Accounts.AccessTTL, c.Accounts.Grace, c.Push.ExpiryGrace = 5*time.Second, time.Second, time.Second
		c.Push.HeartbeatInterval = 100 * time.Millisecond
	})
	refreshed, forgotten := app.SignIn("alice"), app.SignIn("bob")
	living, dying := refreshed.Attach(&request{}), forgotten.Attach(&request{})
	first := living.Hello.GetSessionExpireTime().AsTime()
	// Refresh every tenth of the token's life, until the first token's end and
	// grace are over.
	next, before, extended := time.Time{}, first, first
	living.Await("a heartbeat long after the first token's end", func(m *todokuv1.Message) bool {
		beat := m.GetHeartbeat()
		if beat == nil {
			return false
		}
		// A heartbeat sent during the refresh still has the old expiry.
		if expiry := beat.GetSessionExpireTime().AsTime(); !expiry.Equal(extended) && !expiry.Equal(before) {
			t.Errorf("the heartbeat says that the session expires at %s, want %s", expiry, extended)
		}
		now := beat.GetServerTime().AsTime()
		if now.After(next) {
			next = now.Add(500 * time.Millisecond)
			reply, err := refreshed.Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: refreshed.Refresh})
			if err != nil {
				t.Fatal(err)
			}
			before = extended
			refreshed.Refresh, extended = reply.GetTokens().GetRefreshToken(), reply.GetTokens().GetAccessExpireTime().AsTime()
		}
		return now.After(first.Add(1100 * time.Millisecond))
	})
	wantEnd(t, dying, codes.Unauthenticated, "SESSION_EXPIRED")
	_, err := forgotten.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{})
	wantRefusal(t, err, codes.Unauthenticated, "TOKEN_EXPIRED", "")
}

// TestAnOldStreamIsAskedToReconnectBeforeItEnds covers the stream age: a client
// that follows loses nothing, one that does not is ended.
func TestAnOldStreamIsAskedToReconnectBeforeItEnds(t *testing.T) {
	t.Parallel()
	grown := func(grace time.Duration) (*apptest.Desktop, *apptest.Stream) {
		t.Helper()
		alice := serve(t, func(c *server.Config) {
			c.Push.HeartbeatInterval = 100 * time.Millisecond
			c.Push.StreamAge, c.Push.ReconnectGrace = 300*time.Millisecond, grace
		}).SignIn("alice")
		s := alice.Attach(&request{InstanceId: "one"})
		reconnect := s.Await("Reconnect", func(m *todokuv1.Message) bool { return m.GetReconnect() != nil }).GetReconnect()
		if within := reconnect.GetWithin().AsDuration(); reconnect.GetReason() != "STREAM_AGE" || within <= 0 || within > grace {
			t.Errorf("reconnect with a grace of %v, want %s", reconnect, grace)
		}
		return alice, s
	}
	_, s := grown(400 * time.Millisecond)
	wantEnd(t, s, codes.Unavailable, "STREAM_AGE")

	alice, s := grown(apptest.Patience) // Enough to follow on any machine.
	next := alice.Attach(&request{InstanceId: "one", ResumeAfter: s.Cursor})
	wantEnd(t, s, codes.Aborted, "REPLACED")
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	next.Report("a", execNew)
}

// TestAReaderThatStopsReadingIsEndedAndResumesWithoutLoss fills everything between the
// venue and a client that does not read.
func TestAReaderThatStopsReadingIsEndedAndResumesWithoutLoss(t *testing.T) {
	t.Parallel()
	// The client does not acknowledge either; that must not end the stream.
	app := serve(t, func(c *server.Config) { c.Push.SendTimeout, c.Push.AckTimeout = 500*time.Millisecond, -1 })
	// Windows that are set do not grow.
	slow := app.Desktop(grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	slow.SignIn("carol")
	s := slow.Attach(&request{InstanceId: "one"})
	s.Snapshot()
	rita, admin := app.SignIn("rita"), app.SignIn("admin")
	ended := func() bool {
		reply, err := rita.Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{User: "carol", Ended: 1})
		if err != nil {
			t.Fatal(err)
		}
		return len(reply.GetConnections()) == 1 && reply.GetConnections()[0].GetEndReason() == "SLOW_CONSUMER"
	}
	said := 0
	for ; said < 2_000 && !ended(); said++ {
		admin.Announce(strconv.Itoa(said) + " " + strings.Repeat("x", 500))
	}
	seen := 0
	count := func(all []*todokuv1.Message) {
		for _, m := range all {
			if a := m.GetAnnouncement(); a != nil {
				if !strings.HasPrefix(a.GetText(), strconv.Itoa(seen)+" ") {
					t.Fatalf("announcement %.5q after %d", a.GetText(), seen-1)
				}
				seen++
			}
		}
	}
	all, err := s.Finish()
	wantSlowEnd(t, err)
	count(all)
	admin.Announce("enough")
	s = slow.Attach(&request{InstanceId: "one", ResumeAfter: s.Cursor})
	if s.Hello.GetStart() != todokuv1.Hello_START_REPLAY {
		t.Fatalf("resumed with %v", s.Hello.GetStart())
	}
	count(s.Until("enough"))
	if seen != said {
		t.Errorf("saw %d of %d announcements", seen, said)
	}
}

// wantSlowEnd checks the end of a stream whose client has not read until now. Its transport
// is reset a second after the end: on a slow machine possibly before the client has read
// the status.
func wantSlowEnd(t *testing.T, err error) {
	t.Helper()
	reset := status.Code(err) == codes.Unavailable && reasonOf(err) == ""
	if !reset && (status.Code(err) != codes.ResourceExhausted || reasonOf(err) != "SLOW_CONSUMER") {
		t.Errorf("the stream ended with %v, want %s SLOW_CONSUMER", err, codes.ResourceExhausted)
	}
}

// TestADrainNotifiesEveryStreamAndEndsItWithAReason stops a venue with streams that move
// and one that does not.
func TestADrainNotifiesEveryStreamAndEndsItWithAReason(t *testing.T) {
	t.Parallel()
	const limit = 6 * time.Second // A client that is to move has three quarters of it.
	app := serve(t, func(c *server.Config) { c.Drain = limit })
	alice, bob := app.SignIn("alice"), app.SignIn("bob")
	moving, staying := alice.Attach(&request{}), bob.Attach(&request{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		app.Shutdown()
	}()
	reconnect := func(m *todokuv1.Message) bool { return m.GetReconnect().GetReason() == "SHUTDOWN" }
	moving.Await("Reconnect", reconnect)
	wantRefusal(t, alice.AttachRefused(&request{ResumeAfter: moving.Cursor}), codes.Unavailable, "SHUTDOWN", "")
	moving.Cut()
	staying.Await("Reconnect", reconnect)
	wantEnd(t, staying, codes.Unavailable, "SHUTDOWN")
	<-stopped
}
