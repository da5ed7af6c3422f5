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
	tab, err := v.OpenConnection(t.Context(), mine.Session, account.LoginInfo{ClientName: "tab"})
	must(t, err)
	for _, id := range []string{mine.ConnectionID, tab.ID} {
		_, err := v.OwnConnection(t.Context(), identity, id)
		must(t, err)
	}
	for _, id := range []string{mineToo.ConnectionID, bobs.ConnectionID} {
		_, err := v.OwnConnection(t.Context(), identity, id)
		wantError(t, err, account.ErrNotYourConnection)
	}
	must(t, v.CloseConnection(t.Context(), tab.ID, "ADMIN"))
	_, err = v.OwnConnection(t.Context(), identity, tab.ID)
	wantError(t, err, account.ErrUnknownConnection)
	if n := len(v.Connections("alice")); n != 2 {
		t.Errorf("alice has %d connections, want 2", n)
	}
	if n := len(v.Connections("")); n != 3 {
		t.Errorf("there are %d connections, want 3", n)
	}
}

func TestANewConnectionReplacesTheOneDetachedLongestButNoneAttached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{MaxConnectionsPerSession: 3, MaxConnectionsPerUser: 4})
		ctx := t.Context()
		grant := v.login("alice")
		open := func(session string) (account.Connection, error) {
			time.Sleep(time.Second)
			return v.OpenConnection(ctx, session, account.LoginInfo{})
		}
		second, err := open(grant.Session)
		must(t, err)
		third, err := open(grant.Session)
		must(t, err)
		must(t, v.Attached(ctx, grant.ConnectionID, "", ""))
		must(t, v.Attached(ctx, third.ID, "", ""))

		fourth, err := open(grant.Session)
		must(t, err)
		_, err = v.Connection(second.ID)
		wantError(t, err, account.ErrUnknownConnection)
		must(t, v.Attached(ctx, fourth.ID, "", ""))
		_, err = open(grant.Session)
		wantError(t, err, account.ErrTooManyConnections)

		// The bound of the user: four over all sessions.
		other := v.login("alice")
		must(t, v.Attached(ctx, other.ConnectionID, "", ""))
		_, err = open(other.Session)
		wantError(t, err, account.ErrTooManyConnections)
		v.Detached(ctx, third, "STREAM_AGE", "e:1")
		_, err = open(other.Session)
		must(t, err)
		_, err = v.Connection(third.ID)
		wantError(t, err, account.ErrUnknownConnection)

		v.restart()
		if n := len(v.Connections("alice")); n != 4 {
			t.Errorf("%d connections after a restart, want 4", n)
		}
	})
}

func TestWhatAConnectionAcknowledgedSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		stop := v.run()
		grant := v.login("alice")
		time.Sleep(time.Second)
		attached := time.Now()
		must(t, v.Attached(t.Context(), grant.ConnectionID, "192.0.2.1:1", "e:5"))
		v.Acknowledged(grant.ConnectionID, "e:9")
		v.Acknowledged("nobody's", "e:9")
		// A disk that is full for a while loses nothing.
		v.store.Fail(false)
		time.Sleep(10 * time.Second)
		v.store.Heal()
		time.Sleep(5 * time.Second)
		if _, faults := v.heard(); len(faults) == 0 {
			t.Error("nobody was told of the failures")
		}
		v.restart() // Without the last writes of Run: as if killed.
		c, err := v.Connection(grant.ConnectionID)
		must(t, err)
		if c.LastCursor != "e:9" || !c.LastAttach.Equal(attached) || c.Attached != 0 {
			t.Errorf("connection after a restart: %+v", c)
		}
		must(t, stop())
	})
}

func TestTakingOverAConnectionLeavesItAttached(t *testing.T) {
	v := newVenue(t, account.Config{})
	ctx := context.Background()
	grant := v.login("alice")
	must(t, v.Attached(ctx, grant.ConnectionID, "", ""))
	must(t, v.Attached(ctx, grant.ConnectionID, "", "e:1"))
	c, err := v.Connection(grant.ConnectionID)
	must(t, err)
	v.Detached(ctx, c, "REPLACED", "")
	if n := v.Stats().Attached; n != 1 {
		t.Errorf("%d attached, want 1", n)
	}
	v.Detached(ctx, c, "STREAM_AGE", "e:2")
	v.Detached(ctx, c, "STREAM_AGE", "")
	c, err = v.Connection(grant.ConnectionID)
	must(t, err)
	if c.Attached != 0 || c.LastCursor != "e:2" {
		t.Errorf("connection: %+v", c)
	}
}
