package account_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

func TestSessionsLiveOnWhileNothingCanBeStored(t *testing.T) {
	for what, fail := range map[string]func(*venue){
		"writes fail":                func(v *venue) { v.store.Fail(false) },
		"writes are said to fail":    func(v *venue) { v.store.Fail(true) },
		"reads and writes fail":      func(v *venue) { v.store.FailAll() },
		"a second process goes on":   func(v *venue) { v.store.Fail(false) },
		"the process starts again":   func(v *venue) { v.store.Fail(false) },
		"the store works in between": func(v *venue) { v.store.Fail(false) },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVenue(t, account.Config{})
				grant := v.login("alice")
				ends := grant.RefreshExpires
				fail(v)
				for range 40 { // 10 hours.
					time.Sleep(14 * time.Minute)
					next, err := v.refresh(grant.RefreshToken)
					must(t, err)
					if grant = next; time.Until(grant.AccessExpires) <= 14*time.Minute || grant.RefreshExpires.Before(ends) {
						t.Fatalf("the new token expires at %v, and the session at %v", grant.AccessExpires, grant.RefreshExpires)
					}
					must(t, verify(v, grant.AccessToken))
					switch what {
					case "a second process goes on":
						must(t, verify(v.anotherProcess(), grant.AccessToken))
					case "the process starts again":
						v.restart()
						must(t, verify(v, grant.AccessToken))
					case "the store works in between":
						v.store.Heal()
						if grant, err = v.refresh(grant.RefreshToken); err != nil {
							t.Fatal(err)
						}
						must(t, verify(v, grant.AccessToken))
						fail(v)
					}
				}
				if extended, _ := v.heard(); !slices.Contains(extended, grant.Session) {
					t.Error("OnExtend did not hear of it, so streams end")
				}
				if what == "the store works in between" {
					return
				}
				// Not beyond what is stored.
				v.store.Fail(false)
				time.Sleep(13 * time.Hour)
				_, err := v.refresh(grant.RefreshToken)
				wantError(t, err, account.ErrExpired)
				wantError(t, verify(v, grant.AccessToken), account.ErrExpired)
			})
		})
	}
}

func TestWhatCannotBeStoredIsRefusedByName(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant := v.login("alice")
	identity, err := v.Verify(t.Context(), grant.AccessToken.Reveal())
	must(t, err)
	v.store.Fail(false)
	wantError(t, signIn(t, v.Service, "alice", password, ""), account.ErrUnavailable)
	wantError(t, v.guess("alice", ""), account.ErrUnavailable)
	_, err = v.OpenConnection(t.Context(), grant.Session, "")
	wantError(t, err, account.ErrUnavailable)
	wantError(t, v.ChangePassword(t.Context(), identity, "", password, "staple battery"), account.ErrUnavailable)
	wantError(t, v.SetPassword(t.Context(), "alice", "staple battery"), account.ErrUnavailable)
	_, err = v.CreateCredentialIfAbsent(t.Context(), "carol", "staple battery")
	wantError(t, err, account.ErrUnavailable)
	wantError(t, v.Logout(t.Context(), grant.Session), account.ErrUnavailable)
	must(t, verify(v, grant.AccessToken))
	v.store.FailAll()
	wantError(t, signIn(t, v.Service, "alice", password, ""), account.ErrUnavailable)
	_, _, err = v.ListAccess(t.Context(), account.AccessFilter{}, 1, 0)
	wantError(t, err, account.ErrUnavailable)
}
