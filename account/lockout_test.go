package account_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

func TestGuessesFromElsewhereKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const office = "192.0.2.7"
		v := newVenue(t, account.Config{})
		must(t, signIn(t, v.Service, "alice", password, office))
		alice, err := v.Verify(t.Context(), v.login("alice").AccessToken.Reveal())
		must(t, err)

		// One guess in 15 min was enough to keep the lock.
		for range 12 {
			for range 5 {
				_ = v.guess("alice", "198.51.100.1")
			}
			wantError(t, signIn(t, v.Service, "alice", password, "198.51.100.1"), account.ErrLockedOut)
			must(t, signIn(t, v.Service, "alice", password, office))
			must(t, signIn(t, v.Service, "alice", password, "203.0.113.5")) // Another desk, for the first time.
			v.restart()
			time.Sleep(14 * time.Minute)
		}

		// From very many networks, the name itself is locked elsewhere, for a short time.
		for i := range 300 {
			_ = v.guess("alice", fmt.Sprintf("2001:db8:0:%x::1", i))
		}
		wantError(t, signIn(t, v.Service, "alice", password, "198.51.100.77"), account.ErrLockedOut)
		must(t, signIn(t, v.Service, "alice", password, office))
		must(t, v.ChangePassword(t.Context(), alice, "198.51.100.1", password, password))
		for i := range 300 {
			_ = v.guess("alice", fmt.Sprintf("2001:db8:1:%x::1", i))
		}
		time.Sleep(time.Minute)
		must(t, signIn(t, v.Service, "alice", password, "198.51.100.77"))
	})
}

func TestGuessesInAnOfficeLockOutOnlyWhoIsNewThere(t *testing.T) {
	const office = "192.0.2.7"
	v := newVenue(t, account.Config{Lockout: account.Lockout{AddressAfter: 10, Delay: time.Hour}})
	must(t, signIn(t, v.Service, "alice", password, office))
	for i := range 10 {
		wantError(t, v.guess(fmt.Sprint("user", i), office), account.ErrBadCredentials)
	}
	wantError(t, signIn(t, v.Service, "bob", password, office), account.ErrLockedOut)
	must(t, signIn(t, v.Service, "alice", password, office))
}

func TestWrongOldPasswordsLockTheChangeAndNoSignIn(t *testing.T) {
	v := newVenue(t, account.Config{Lockout: account.Lockout{Delay: time.Hour}})
	alice, err := v.Verify(t.Context(), v.login("alice").AccessToken.Reveal())
	must(t, err)
	for range 5 {
		wantError(t, v.ChangePassword(t.Context(), alice, "", "guess", "staple battery"), account.ErrWrongPassword)
	}
	wantError(t, v.ChangePassword(t.Context(), alice, "", password, "staple battery"), account.ErrLockedOut)
	v.login("alice")
}
