package apptest_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/rpc"
	"todoku/server"
)

// Refusals by rates and by bounds on numbers.

// only is the least rate after so many. A slow machine may earn one more meanwhile.
func only(n int) rpc.Rate { return rpc.Rate{PerSecond: 1, Burst: n} }

// wantTooFast repeats a call until it is refused as too fast. The refusal must name the time
// to wait and must not come before so many calls.
func wantTooFast(t *testing.T, reason string, least int, again func() error) {
	t.Helper()
	for n := range 100 {
		err := again()
		if err == nil || parseError(t, err).reason != reason {
			continue
		}
		wantRefusal(t, err, codes.ResourceExhausted, reason, "")
		if retry := parseError(t, err).retry; retry <= 0 || retry > time.Second {
			t.Errorf("%s says to wait %s, want up to a second", reason, retry)
		}
		if n < least {
			t.Errorf("%s after %d, want %d", reason, n, least)
		}
		return
	}
	t.Errorf("a hundred times, and never %s", reason)
}

func provokeAttachRate(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Push.StreamsPerUser, c.Limits.AttachesPerUser, c.Limits.AttachesPerNetwork = 2, only(2), only(4)
	})
	alice, bob := app.SignIn("alice"), app.SignIn("bob")
	first := alice.Attach(&request{})
	// Attempts that are refused for another reason count too.
	wantTooFast(t, "ATTACH_RATE", 1, func() error { return alice.AttachRefused(&request{ConnectionId: "nobody's"}) })
	first.Snapshot() // It lives on.
	bob.Attach(&request{})
	wantTooFast(t, "ATTACH_RATE", 0, func() error { return bob.AttachRefused(&request{ConnectionId: "nobody's"}) })
}

func provokeSubscriptionRate(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Limits.SubscriptionsPerUser = only(2) })
	alice, bob := app.SignIn("alice"), app.SignIn("bob")
	update := func(d *apptest.Desktop) error {
		_, err := d.Notifications.UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{ConnectionId: d.Connection, Subscription: everything()})
		return err
	}
	alice.Attach(&request{})
	bob.Attach(&request{})
	wantTooFast(t, "SUBSCRIPTION_RATE", 2, func() error { return update(alice) })
	if err := update(bob); err != nil {
		t.Errorf("another user is refused: %v", err)
	}
}

func provokeSignInRate(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Limits.SignInsPerNetwork = only(2) })
	d := app.Desktop()
	wantTooFast(t, "SIGN_IN_RATE", 2, func() error {
		_, err := d.Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: apptest.Password})
		return err
	})
}

func provokeSessionRate(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Limits.PasswordsPerUser, c.Limits.SessionsPerUser = only(2), only(2) })
	alice, bob, carol := app.SignIn("alice"), app.SignIn("bob"), app.SignIn("carol")
	change := func(d *apptest.Desktop) error {
		_, err := d.Sessions.ChangePassword(t.Context(), &todokuv1.ChangePasswordRequest{OldPassword: "wrong", NewPassword: "new and long enough"})
		return err
	}
	open := func(d *apptest.Desktop) error {
		_, err := d.Sessions.OpenConnection(t.Context(), &todokuv1.OpenConnectionRequest{})
		return err
	}
	refresh := func(d *apptest.Desktop) error {
		_, err := d.Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: d.Refresh})
		return err
	}
	wantTooFast(t, "SESSION_RATE", 2, func() error { return change(alice) })
	wantTooFast(t, "SESSION_RATE", 2, func() error { return open(alice) })
	wantTooFast(t, "SESSION_RATE", 2, func() error { return refresh(bob) })
	wantRefusal(t, change(bob), codes.PermissionDenied, "WRONG_PASSWORD", "old_password")
	if err := errors.Join(open(carol), refresh(carol)); err != nil {
		t.Errorf("another user is refused: %v", err)
	}
}

// provokeTooManyCalls has sign-ins wait for an expensive hash.
func provokeTooManyCalls(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Accounts.Hash = account.HashCost{MemoryKiB: 64 << 10, Passes: 2, Lanes: 1}
		c.Accounts.HashConcurrency, c.Limits.CallsPerUser = 1, 2
	})
	d := app.Desktop()
	errs := make(chan error, 16)
	var calls sync.WaitGroup
	for range cap(errs) {
		calls.Go(func() {
			_, err := d.Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "guest", Password: "guess"})
			errs <- err
		})
	}
	calls.Wait()
	refused := 0
	for range cap(errs) {
		if err := <-errs; parseError(t, err).reason == "TOO_MANY_CALLS" {
			wantRefusal(t, err, codes.ResourceExhausted, "TOO_MANY_CALLS", "")
			refused++
		}
	}
	if refused == 0 {
		t.Error("sixteen sign-ins at once, of which two may be under way: all were heard")
	}
}
