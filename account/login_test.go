package account_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"todoku/account"
)

func TestASignInOpensASessionAndAConnection(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant, err := v.Login(t.Context(), "alice", password, account.LoginInfo{
		ClientName: "desktop 1.0", RemoteAddr: "192.0.2.7:4000", CancelOnDisconnect: time.Second,
	})
	must(t, err)
	identity, err := v.Verify(t.Context(), grant.AccessToken.Reveal())
	must(t, err)
	want := account.Identity{User: "alice", Session: grant.Session, Expires: grant.AccessExpires}
	if identity != want {
		t.Errorf("identity: got %v, want %v", identity, want)
	}
	c, err := v.OwnConnection(t.Context(), identity, grant.ConnectionID)
	must(t, err)
	if c.User != "alice" || c.Session != grant.Session || c.ClientName != "desktop 1.0" || c.CancelOnDisconnect != time.Second {
		t.Errorf("connection: %+v", c)
	}
	if kinds := v.kinds(account.AccessFilter{User: "alice"}); !slices.Equal(kinds, []account.Kind{account.PasswordChanged, account.SignIn}) {
		t.Errorf("log: %v", kinds)
	}
}

func TestAnUnknownUserIsAnsweredLikeAWrongPassword(t *testing.T) {
	v := newVenue(t, account.Config{Lockout: account.Lockout{UserAfter: 2}})
	for range 2 {
		known, unknown := v.guess("alice", ""), v.guess("nobody", "")
		wantError(t, known, account.ErrBadCredentials)
		if known.Error() != unknown.Error() {
			t.Errorf("known %q, unknown %q", known, unknown)
		}
	}
	wantError(t, v.guess("alice", ""), account.ErrLockedOut)
	wantError(t, v.guess("nobody", ""), account.ErrLockedOut)
}

func TestLockOutGrowsAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		for range 5 {
			wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
		}
		for _, delay := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			delay *= time.Second
			v.restart()
			_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{})
			var locked *account.LockedOutError
			if !errors.As(err, &locked) || !errors.Is(err, account.ErrLockedOut) {
				t.Fatalf("the right password during a lock: %v", err)
			}
			if left := time.Until(locked.Until); left != delay {
				t.Fatalf("locked for %v, want %v", left, delay)
			}
			time.Sleep(delay - 1)
			wantError(t, v.guess("alice", ""), account.ErrLockedOut)
			time.Sleep(time.Nanosecond)
			wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
		}
		v.login("bob") // Only alice is locked.

		time.Sleep(15 * time.Minute)
		v.login("alice")
		for range 4 {
			wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
		}
		v.login("alice") // The success had reset the count.
	})
}

func TestFailuresAreForgottenAfterTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		for range 20 {
			wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
			time.Sleep(15*time.Minute + 1)
		}
	})
}

func TestAnAddressThatGuessesIsLockedForUsersWhoAreNewThere(t *testing.T) {
	v := newVenue(t, account.Config{Lockout: account.Lockout{AddressAfter: 10, Delay: time.Hour}})
	for i := range 10 {
		wantError(t, v.guess(fmt.Sprint("user", i), fmt.Sprintf("[2001:db8::%x]:1", i)), account.ErrBadCredentials)
		// A success of one's own does not buy more guesses.
		if i < 9 {
			_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{RemoteAddr: "[2001:db8::99]:1"})
			must(t, err)
		}
	}
	_, err := v.Login(t.Context(), "bob", password, account.LoginInfo{RemoteAddr: "2001:db8::5"})
	wantError(t, err, account.ErrLockedOut)
	_, err = v.Login(t.Context(), "bob", password, account.LoginInfo{RemoteAddr: "[2001:db8:0:1::5]:1"})
	must(t, err)
	_, err = v.Login(t.Context(), "alice", password, account.LoginInfo{RemoteAddr: "not an address"})
	must(t, err)
}

func TestGuessesAtOnceAreWorthNoMoreThanOneByOne(t *testing.T) {
	v := newVenue(t, account.Config{HashConcurrency: 8, Lockout: account.Lockout{Delay: time.Hour}})
	results := make([]error, 40)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = v.guess("alice", "") })
	}
	wg.Wait()
	looked := 0
	for _, err := range results {
		if errors.Is(err, account.ErrBadCredentials) {
			looked++
		} else if !errors.Is(err, account.ErrBusy) { // Eight wait, the others are refused at once.
			wantError(t, err, account.ErrLockedOut)
		}
	}
	if looked < 1 || looked > 5 {
		t.Errorf("%d guesses were looked at, want 1 to 5", looked)
	}
}

// slowStore holds every look at a credential until release is closed.
type slowStore struct {
	account.Store
	release chan struct{}
}

func (s slowStore) Credential(ctx context.Context, user string) (account.Credential, error) {
	select {
	case <-s.release:
		return s.Store.Credential(ctx, user)
	case <-ctx.Done():
		return account.Credential{}, context.Cause(ctx)
	}
}

func TestALoginFloodIsTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := slowStore{Store: newStore(t), release: make(chan struct{})}
		service, err := account.NewService(t.Context(), slow, account.Config{
			Hash: account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1}, HashConcurrency: 2, HashQueue: 3, HashWait: time.Second,
		})
		must(t, err)
		results := make([]error, 10)
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range results {
			wg.Go(func() {
				results[i] = signIn(t, service, fmt.Sprint("user", i), "x", "")
			})
			synctest.Wait()
		}
		// Two are being checked, three wait, five were turned away at once.
		for _, err := range results[5:] {
			wantError(t, err, account.ErrBusy)
		}
		if waiting := service.Stats().SignInsWaiting; waiting != 3 || time.Since(begin) != 0 {
			t.Errorf("%d wait after %v", waiting, time.Since(begin))
		}
		time.Sleep(2 * time.Second)
		close(slow.release)
		wg.Wait()
		for _, err := range results[2:5] {
			wantError(t, err, account.ErrBusy)
		}
		for _, err := range results[:2] {
			wantError(t, err, account.ErrBadCredentials)
		}
		wantError(t, signIn(t, service, "user2", "x", ""), account.ErrBadCredentials)
	})
}

func TestAFloodFromOneNetworkLeavesRoomForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := slowStore{Store: newStore(t), release: make(chan struct{})}
		service, err := account.NewService(t.Context(), slow, account.Config{
			Hash: account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1}, HashConcurrency: 1, HashQueue: 4, HashShare: 2,
		})
		must(t, err)
		var wg sync.WaitGroup
		from := func(remote string, n int) []error {
			results := make([]error, n)
			for i := range results {
				wg.Go(func() {
					results[i] = signIn(t, service, fmt.Sprint(remote, i), "x", remote)
				})
				synctest.Wait()
			}
			return results
		}
		// One is being checked and two wait, which is the share of a network.
		flood := from("[2001:db8::1]:443", 10)
		for _, err := range flood[3:] {
			wantError(t, err, account.ErrBusy)
		}
		// The same customer with another address of the same network gets no more.
		wantError(t, from("2001:db8::2", 1)[0], account.ErrBusy)
		honest := from("192.0.2.7:1234", 1)
		close(slow.release)
		wg.Wait()
		for _, err := range append(flood[:3], honest...) {
			wantError(t, err, account.ErrBadCredentials)
		}
	})
}

func TestAGuessCountsThoughItsCallerHungUp(t *testing.T) {
	store := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	service, err := account.NewService(t.Context(), hangUp{Store: store, cancel: cancel}, account.Config{
		Hash: account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1},
	})
	must(t, err)
	_, _ = service.Login(ctx, "alice", "guess", account.LoginInfo{})
	f, err := store.Attempts(t.Context(), "user:alice")
	must(t, err)
	if f.Count != 1 {
		t.Errorf("counted %d, want 1", f.Count)
	}
}

// hangUp ends the caller's context while the password is being checked.
type hangUp struct {
	account.Store
	cancel context.CancelFunc
}

func (s hangUp) Attempts(ctx context.Context, subject string) (account.Failures, error) {
	f, err := s.Store.Attempts(ctx, subject)
	if strings.HasPrefix(subject, "user:") { // The last that is read before.
		s.cancel()
	}
	return f, err
}

func TestAFailedWriteLetsNobodyIn(t *testing.T) {
	v := newVenue(t, account.Config{})
	v.store.Fail(false)
	_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{})
	if err == nil || len(v.Sessions("")) != 0 {
		t.Fatalf("signed in without a stored session: %v, %v", err, v.Sessions(""))
	}
	if err := v.guess("alice", ""); err == nil || errors.Is(err, account.ErrBadCredentials) {
		t.Fatalf("a guess that could not be counted was answered: %v", err)
	}
	if err := v.SetPassword(t.Context(), "alice", "battery"); err == nil {
		t.Fatal("a password that was not stored was accepted")
	}
	v.store.Heal()
	v.login("alice")
}

func TestANewPasswordEndsOtherSessions(t *testing.T) {
	v := newVenue(t, account.Config{})
	mine, other, bobs := v.login("alice"), v.login("alice"), v.login("bob")
	identity, err := v.Verify(t.Context(), mine.AccessToken.Reveal())
	must(t, err)
	wantError(t, v.ChangePassword(t.Context(), identity, "", "wrong", "staple battery"), account.ErrWrongPassword)
	must(t, verify(v, other.AccessToken))

	must(t, v.ChangePassword(t.Context(), identity, "", password, "staple battery"))
	v.wantEnded(account.Ended{Session: other.Session, User: "alice", Reason: account.EndPasswordChanged})
	must(t, verify(v, mine.AccessToken))
	must(t, verify(v, bobs.AccessToken))
	wantError(t, verify(v, other.AccessToken), account.ErrRevoked)
	_, err = v.Login(t.Context(), "alice", password, account.LoginInfo{})
	wantError(t, err, account.ErrBadCredentials)
	again, err := v.Login(t.Context(), "alice", "staple battery", account.LoginInfo{})
	must(t, err)

	must(t, v.SetPassword(t.Context(), "alice", "battery staple"))
	v.wantEnded(
		account.Ended{Session: mine.Session, User: "alice", Reason: account.EndPasswordChanged},
		account.Ended{Session: again.Session, User: "alice", Reason: account.EndPasswordChanged},
	)
	wantError(t, v.ChangePassword(t.Context(), identity, "", "battery staple", "third staple"), account.ErrRevoked)

	created, err := v.CreateCredentialIfAbsent(t.Context(), "alice", "other staple")
	must(t, err)
	if created {
		t.Error("a password was replaced by a retry")
	}
	must(t, signIn(t, v.Service, "alice", "battery staple", ""))
}

func TestAResetPasswordLiftsTheLock(t *testing.T) {
	v := newVenue(t, account.Config{Lockout: account.Lockout{Delay: time.Hour}})
	for range 5 {
		wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
	}
	wantError(t, v.guess("alice", ""), account.ErrLockedOut)
	must(t, v.SetPassword(t.Context(), "alice", password))
	v.login("alice")
}

func TestAUserSuspendedWhileSigningInIsOut(t *testing.T) {
	suspended := errors.New("suspended")
	asked := 0
	v := newVenue(t, account.Config{Admit: func(user string) error {
		if asked++; user == "alice" && asked > 1 {
			return suspended // Between the first question and the second.
		}
		return nil
	}})
	_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{})
	wantError(t, err, suspended)
	if sessions := v.Sessions("alice"); len(sessions) != 0 {
		t.Errorf("sessions are left: %v", sessions)
	}
	_, err = v.Login(t.Context(), "alice", password, account.LoginInfo{})
	wantError(t, err, suspended)
	// Without the password nobody learns of the suspension.
	wantError(t, v.guess("alice", ""), account.ErrBadCredentials)
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	v := newVenue(t, account.Config{})
	bad := []string{"", strings.Repeat("a", 10_000), "\xff\xfe", "a\x00b", "a\nb", "a\u202eb"}
	for _, user := range bad {
		_, err := v.Login(t.Context(), user, password, account.LoginInfo{})
		wantError(t, err, account.ErrInvalid)
		wantError(t, v.SetPassword(t.Context(), user, password), account.ErrInvalid)
		_, err = v.CreateCredentialIfAbsent(t.Context(), user, password)
		wantError(t, err, account.ErrInvalid)
		wantError(t, v.ChangePassword(t.Context(), account.Identity{User: user}, "", password, password), account.ErrInvalid)
	}
	for _, secret := range []string{"", strings.Repeat("a", 1025), "\xff"} {
		wantError(t, v.SetPassword(t.Context(), "alice", secret), account.ErrInvalid)
		wantError(t, signIn(t, v.Service, "alice", secret, ""), account.ErrInvalid)
	}
	for _, text := range append(bad, "届く", strings.Repeat("届", 1000)) {
		_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{ClientName: text, RemoteAddr: text})
		must(t, err)
		_, err = v.Connection(text)
		wantError(t, err, account.ErrUnknownConnection)
		must(t, v.Logout(t.Context(), text))
		_, err = v.OpenConnection(t.Context(), text, "")
		wantError(t, err, account.ErrRevoked)
	}
	for _, session := range v.Sessions("") {
		if len(session.ClientName) > 256 || !utf8.ValidString(session.ClientName) || strings.Contains(session.ClientName, "\x00") {
			t.Errorf("stored %q", session.ClientName)
		}
	}
	for _, config := range []account.Config{
		{AccessTTL: time.Hour, RefreshTTL: time.Hour},
		{Grace: -1},
		{HashQueue: -1},
		{Hash: account.HashCost{MemoryKiB: 1 << 30, Passes: 1, Lanes: 1}},
		{Hash: account.HashCost{Passes: 1}},
	} {
		_, err := account.NewService(t.Context(), newStore(t), config)
		wantError(t, err, account.ErrInvalid)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant := v.login("alice")
	secret := grant.AccessToken.Reveal()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("grant", slog.Any("grant", grant), slog.Any("token", grant.AccessToken))
	encoded, err := json.Marshal(grant)
	must(t, err)
	var out strings.Builder
	out.Write(log.Bytes())
	out.Write(encoded)
	key, err := v.store.Keys(t.Context())
	must(t, err)
	credential, err := v.store.Credential(t.Context(), "alice")
	must(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, grant)
		fmt.Fprintf(&out, verb, grant.AccessToken)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb, key)
		fmt.Fprintf(&out, verb, credential)
	}
	_, err = v.refresh(grant.AccessToken) // The wrong kind.
	wantError(t, err, account.ErrBadToken)
	shown := out.String() + err.Error()
	for _, hidden := range []string{
		secret, fmt.Sprintf("%x", secret), grant.RefreshToken.Reveal(), credential.Hash,
		hex.EncodeToString(key[0].Secret), fmt.Sprintf("%v", key[0].Secret),
	} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%q was shown in\n%s", hidden, shown)
		}
	}
	if !strings.Contains(shown, "[redacted]") {
		t.Error("nothing was redacted: the test looks at the wrong thing")
	}
}
