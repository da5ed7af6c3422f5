package account_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// The number stands on the page of operations, where it was missing.
func TestASessionHasTheDocumentedNumberOfConnections(t *testing.T) {
	const documented = 64
	attached := map[string]bool{}
	v := newVenue(t, account.Config{Attached: func(context.Context, string) (map[string]bool, error) { return attached, nil }})
	grant := v.login("alice")
	attached[grant.ConnectionID] = true
	for i := 1; i < documented; i++ {
		c, err := v.OpenConnection(t.Context(), grant.Session, "")
		must(t, err)
		attached[c.ID] = true
	}
	_, err := v.OpenConnection(t.Context(), grant.Session, "")
	wantError(t, err, account.ErrTooManyConnections)
	page, err := os.ReadFile(filepath.Join("..", "docs", "operations.md"))
	must(t, err)
	if row := fmt.Sprintf("| streams of a session, of all sessions of a user: each has a connection | %d,", documented); !strings.Contains(string(page), row) {
		t.Errorf("docs/operations.md has no row %q", row)
	}
}

// What a signed-in user can send must not read the store without bound.
func TestMadeUpConnectionsReadTheStoreOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		grant := v.login("alice")
		reads := &countingStore{Store: v.store}
		other, err := account.NewService(t.Context(), reads, account.Config{})
		must(t, err)
		identity, err := other.Verify(t.Context(), grant.AccessToken.Reveal())
		must(t, err)
		reads.connections = 0
		for i := range 100 {
			_, err := other.OwnConnection(t.Context(), identity, fmt.Sprint("made up", i))
			wantError(t, err, account.ErrUnknownConnection)
		}
		if reads.connections != 1 {
			t.Errorf("100 unknown connections were read %d times, want once", reads.connections)
		}
		tab, err := v.OpenConnection(t.Context(), grant.Session, "")
		must(t, err)
		time.Sleep(time.Second)
		_, err = other.OwnConnection(t.Context(), identity, tab.ID)
		must(t, err)
	})
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
