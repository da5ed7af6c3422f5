package apptest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// Sessions on live streams, also on those whose client does not read.

// TestARefreshIsSentOnEveryStreamOfTheSession covers SessionUpdate.
func TestARefreshIsSentOnEveryStreamOfTheSession(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, elsewhere := app.SignIn("alice"), app.SignIn("alice")
	streams := []*apptest.Stream{alice.Attach(&request{}), alice.Another().Attach(&request{})}
	other := elsewhere.Attach(&request{})
	reply, err := alice.Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: alice.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		update := s.Await("SessionUpdate", func(m *todokuv1.Message) bool { return m.GetSessionUpdate() != nil }).GetSessionUpdate()
		if want := reply.GetTokens().GetAccessExpireTime().AsTime(); !update.GetSessionExpireTime().AsTime().Equal(want) {
			t.Errorf("the stream says that the session expires at %s, want %s", update.GetSessionExpireTime().AsTime(), want)
		}
	}
	app.SignIn("admin").Announce("mark")
	for _, m := range other.Until("mark") {
		if m.GetSessionUpdate() != nil {
			t.Error("the stream of another session got the refresh")
		}
	}
}

// stuckVenue serves a venue in which only a session's end ends a stream whose client does
// not read.
func stuckVenue(t *testing.T, change func(*server.Config)) *apptest.App {
	t.Helper()
	return serve(t, func(c *server.Config) {
		c.Push.SendTimeout, c.Push.AckTimeout, c.Accounts.MaxSessionsPerUser = time.Hour, 2*time.Hour, 10_000
		change(c)
	})
}

// stuck returns a desktop whose stream is stuck: its windows are closed and more waits
// for it. user is signed in anew.
func stuck(t *testing.T, app *apptest.App, user string) (*apptest.Desktop, *apptest.Stream) {
	t.Helper()
	d := app.Desktop(grpc.WithTransportCredentials(insecure.NewCredentials()), // Windows that are set do not grow.
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	d.SignIn(user)
	s := d.Attach(&request{InstanceId: "one"})
	s.Snapshot()
	admin := app.SignIn("admin")
	for n := range 5000 {
		admin.Announce(strings.Repeat("x", 1000))
		// Some are waiting, and none of them went while others came.
		if n%50 == 49 && queued(t, app, d.Connection) >= 50 {
			return d, s
		}
	}
	t.Fatal("five megabytes were announced, and none of it waits")
	return nil, nil
}

// queued returns how many events wait for a stream.
func queued(t *testing.T, app *apptest.App, connection string) uint32 {
	t.Helper()
	for _, c := range connections(t, app) {
		if c.GetConnectionId() == connection && c.GetEndTime() == nil {
			return c.GetQueued()
		}
	}
	return 0
}

func connections(t *testing.T, app *apptest.App) []*todokuv1.ConnectionInfo {
	t.Helper()
	reply, err := app.SignIn("admin").Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{Ended: 100})
	if err != nil {
		t.Fatal(err)
	}
	return reply.GetConnections()
}

// wantEnded waits for the record of a stream's end.
func wantEnded(t *testing.T, app *apptest.App, attach uint64, reason string) {
	t.Helper()
	var end *todokuv1.ConnectionInfo
	wantEventually(t, func() bool {
		for _, c := range connections(t, app) {
			if c.GetAttachNumber() == attach && c.GetEndTime() != nil {
				end = c
			}
		}
		return end != nil
	}, "the stream's end")
	if end.GetEndReason() != reason {
		t.Errorf("ended with %s, want %s", end.GetEndReason(), reason)
	}
}

// TestTheEndOfASessionEndsItsStuckStreams checks that streams whose sends hang end with the
// right reason, not by a timeout, and that their clients receive it when they read again.
func TestTheEndOfASessionEndsItsStuckStreams(t *testing.T) {
	t.Parallel()
	app := stuckVenue(t, func(*server.Config) {})
	attachFrom := func(d *apptest.Desktop, instance string) {
		other := app.Desktop()
		other.Token, other.Connection = d.Token, d.Connection
		if hello := other.Attach(&request{InstanceId: instance}).Hello; hello.GetSupersededAnother() != (instance != "one") {
			t.Errorf("%s got %v about the stream before it", instance, hello)
		}
	}
	for _, c := range []struct {
		name, user string
		end        func(ctx context.Context, d *apptest.Desktop) error
		code       codes.Code
		reason     string
	}{
		{"sign-out", "alice", func(ctx context.Context, d *apptest.Desktop) error {
			elsewhere := app.Desktop()
			elsewhere.Token = d.Token
			_, err := elsewhere.Sessions.Logout(ctx, &todokuv1.LogoutRequest{})
			return err
		}, codes.Unauthenticated, "SESSION_REVOKED"},
		{"password changed", "bob", func(ctx context.Context, _ *apptest.Desktop) error {
			_, err := app.SignIn("bob").Sessions.ChangePassword(ctx, &todokuv1.ChangePasswordRequest{OldPassword: apptest.Password, NewPassword: "another " + apptest.Password})
			return err
		}, codes.Unauthenticated, "SESSION_REVOKED"},
		{"suspension", "carol", func(ctx context.Context, _ *apptest.Desktop) error {
			_, err := app.SignIn("admin").Admin.SuspendUser(ctx, &todokuv1.SuspendUserRequest{RequestId: "s", User: "carol"})
			return err
		}, codes.Unauthenticated, "USER_SUSPENDED"},
		{"revoked", "vera", func(ctx context.Context, d *apptest.Desktop) error {
			_, err := app.SignIn("vera").Sessions.RevokeSession(ctx, &todokuv1.RevokeSessionRequest{SessionId: d.Session})
			return err
		}, codes.Unauthenticated, "SESSION_REVOKED"},
		{"taken over by another", "rita", func(_ context.Context, d *apptest.Desktop) error {
			attachFrom(d, "two")
			return nil
		}, codes.Aborted, "SUPERSEDED"},
		{"taken over by itself", "alice", func(_ context.Context, d *apptest.Desktop) error {
			attachFrom(d, "one")
			return nil
		}, codes.Aborted, "REPLACED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, s := stuck(t, app, c.user)
			if err := c.end(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, app, s.Hello.GetAttachNumber(), c.reason)
			wantEnd(t, s, c.code, c.reason)
		})
	}
}

// TestAStuckStreamEndsWhenItsSessionExpires covers the one end without a request. The
// session lives long enough for the stream to get stuck; then a refresh at a venue whose
// clock is behind makes it short.
func TestAStuckStreamEndsWhenItsSessionExpires(t *testing.T) {
	t.Parallel()
	const life, rest, grace = time.Hour, 2 * time.Second, 500 * time.Millisecond
	var behind atomic.Int64
	app := stuckVenue(t, func(c *server.Config) {
		c.Accounts.AccessTTL, c.Accounts.Grace, c.Push.ExpiryGrace = life, grace, grace
		c.Clock = func() time.Time { return time.Now().Add(-time.Duration(behind.Load())) }
	})
	d, s := stuck(t, app, "alice")
	behind.Store(int64(life - rest))
	reply, err := app.Desktop().Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: d.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	behind.Store(0)
	<-time.NewTimer(time.Until(reply.GetTokens().GetAccessExpireTime().AsTime().Add(grace))).C
	wantEnded(t, app, s.Hello.GetAttachNumber(), "SESSION_EXPIRED")
	wantEnd(t, s, codes.Unauthenticated, "SESSION_EXPIRED")
}
