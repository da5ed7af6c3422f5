package account_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

func TestAConnectionServesOnlyItsSession(t *testing.T) {
	v := newVenue(t, account.Config{})
	mine, mineToo, bobs := v.login("alice"), v.login("alice"), v.login("bob")
	identity, err := v.Verify(t.Context(), mine.AccessToken.Reveal())
	must(t, err)
	tab, err := v.OpenConnection(t.Context(), mine.Session, "192.0.2.1")
	must(t, err)
	for _, id := range []string{mine.ConnectionID, tab.ID} {
		_, err := v.OwnConnection(t.Context(), identity, id)
		must(t, err)
	}
	for _, id := range []string{mineToo.ConnectionID, bobs.ConnectionID} {
		_, err := v.OwnConnection(t.Context(), identity, id)
		wantError(t, err, account.ErrNotYourConnection)
	}
	_, err = v.OwnConnection(t.Context(), identity, "none")
	wantError(t, err, account.ErrUnknownConnection)
	if tab.ClientName != "test" || tab.CancelOnDisconnect != time.Second || tab.RemoteAddr != "192.0.2.1" {
		t.Errorf("the settings of the session are not those of %+v", tab)
	}
	if n := v.Stats().Connections; n != 4 {
		t.Errorf("there are %d connections, want 4", n)
	}
}

func TestANewConnectionReplacesTheOneDetachedLongestButNoneAttached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attached := map[string]bool{}
		v := newVenue(t, account.Config{
			MaxConnectionsPerSession: 3, MaxConnectionsPerUser: 4,
			Attached: func(_ context.Context, user string) (map[string]bool, error) {
				if user != "alice" {
					t.Errorf("asked for the streams of %s", user)
				}
				return attached, nil
			},
		})
		ctx := t.Context()
		grant := v.login("alice")
		open := func(session string) (account.Connection, error) {
			time.Sleep(time.Second)
			return v.OpenConnection(ctx, session, "")
		}
		second, err := open(grant.Session)
		must(t, err)
		third, err := open(grant.Session)
		must(t, err)
		attached[grant.ConnectionID] = true
		attached[third.ID] = true

		fourth, err := open(grant.Session)
		must(t, err)
		_, err = v.Connection(second.ID)
		wantError(t, err, account.ErrUnknownConnection)
		attached[fourth.ID] = true
		_, err = open(grant.Session)
		wantError(t, err, account.ErrTooManyConnections)

		// The bound of the user: four over all sessions.
		other := v.login("alice")
		attached[other.ConnectionID] = true
		_, err = open(other.Session)
		wantError(t, err, account.ErrTooManyConnections)
		delete(attached, third.ID)
		v.Detached(third.ID)
		_, err = open(other.Session)
		must(t, err)
		_, err = v.Connection(third.ID)
		wantError(t, err, account.ErrUnknownConnection)

		v.restart()
		if n := v.Stats().Connections; n != 4 {
			t.Errorf("%d connections after a restart, want 4", n)
		}
	})
}
