package account_test

import (
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

// replaceKeys does what "todoku keys rotate" does.
func (v *venue) replaceKeys(t *testing.T) {
	t.Helper()
	keys, err := v.store.Keys(t.Context())
	must(t, err)
	next := keys[len(keys)-1].ID + 1
	must(t, v.store.AddKey(t.Context(), account.Key{ID: next, Secret: make([]byte, 32), Created: time.Now()}))
	must(t, v.store.DeleteKeys(t.Context(), next))
}

func TestReplacedKeysEndTheirSessionsInARunningServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		stop := v.run()
		before := v.login("alice")
		v.replaceKeys(t)
		time.Sleep(31 * time.Second) // The stored keys are read every 30 s.
		wantError(t, verify(v, before.AccessToken), account.ErrBadToken)
		_, err := v.refresh(before.RefreshToken)
		wantError(t, err, account.ErrBadToken)
		if live := v.Sessions(""); len(live) != 0 {
			t.Errorf("sessions of lost keys live on: %v", live)
		}
		v.wantEnded(account.Ended{Session: before.Session, User: "alice", Reason: account.EndRevoked})
		after := v.login("alice")
		must(t, verify(v, after.AccessToken))
		must(t, stop())
	})
}

func TestAStoreThatLostItsKeysGetsOneThatSignedNoSessionBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		before := v.login("alice")
		must(t, v.store.DeleteKeys(t.Context(), 99)) // A backup without keys was restored.
		v.restart()
		stop := v.run()
		synctest.Wait()
		wantError(t, verify(v, before.AccessToken), account.ErrBadToken)
		if live := v.Sessions(""); len(live) != 0 {
			t.Errorf("sessions that nobody can use live on: %v", live)
		}
		after := v.login("alice")
		must(t, verify(v, after.AccessToken))
		must(t, stop())
	})
}

func TestKeysThatDisappearWhileAServerRunsStayInUseAndAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		stop := v.run()
		grant := v.login("alice")
		must(t, v.store.DeleteKeys(t.Context(), 99))
		time.Sleep(31 * time.Second)
		must(t, verify(v, grant.AccessToken))
		_, faults := v.heard()
		if len(faults) != 1 {
			t.Fatalf("faults %v, want one", faults)
		}
		wantError(t, faults[0], account.ErrNoKeys)
		must(t, stop())
	})
}
