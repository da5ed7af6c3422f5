package account_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/account"
	"todoku/account/accounttest"
	"todoku/sqlite"
)

func TestMain(m *testing.M) {
	account.NewTestStore = func(t testing.TB) account.Store { return newStore(t) }
	goleak.VerifyTestMain(m)
}

// newStore returns an empty store that is closed when the test ends.
func newStore(t testing.TB) account.Store {
	t.Helper()
	store, err := sqlite.OpenAccounts(t.Context(), filepath.Join(t.TempDir(), "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// venue is a service over a store that can fail, and what its listeners heard.
type venue struct {
	*account.Service
	t      *testing.T
	store  *accounttest.Faulty
	config account.Config

	mu       sync.Mutex // protects what follows
	ended    []account.Ended
	extended []string
	faults   []error
}

const password = "correct horse"

// newVenue has the users alice and bob with the same password. Hashes are cheap.
func newVenue(t *testing.T, config account.Config) *venue {
	t.Helper()
	v := &venue{t: t, config: config, store: &accounttest.Faulty{Store: newStore(t)}}
	v.restart()
	for _, user := range []string{"alice", "bob"} {
		must(t, v.SetPublishedPassword(t.Context(), user, password))
	}
	return v
}

// restart makes a new service over the same store.
func (v *venue) restart() {
	v.t.Helper()
	config := v.config
	config.Hash = account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1}
	config.MinPassword = max(config.MinPassword, 1) // Short ones in most tests.
	config.OnEnd = func(e account.Ended) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.ended = append(v.ended, e)
	}
	config.OnExtend = func(session string, _ time.Time) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.extended = append(v.extended, session)
	}
	config.OnFault = func(err error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.faults = append(v.faults, err)
	}
	service, err := account.NewService(v.t.Context(), v.store, config)
	if err != nil {
		v.t.Fatal(err)
	}
	v.Service = service
}

// run runs Run until the returned function, which returns its error.
func (v *venue) run() (stop func() error) {
	ctx, cancel := context.WithCancel(v.t.Context())
	done := make(chan error, 1)
	service := v.Service // A restart puts another in its place.
	go func() { done <- service.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func (v *venue) login(user string) account.Grant {
	v.t.Helper()
	grant, err := v.Login(v.t.Context(), user, password, account.LoginInfo{ClientName: "test", CancelOnDisconnect: time.Second})
	if err != nil {
		v.t.Fatal(err)
	}
	return grant
}

func (v *venue) guess(user, remote string) error {
	_, err := v.Login(v.t.Context(), user, "wrong", account.LoginInfo{RemoteAddr: remote})
	return err
}

// signIn reports how a sign-in ends.
func signIn(t *testing.T, s *account.Service, user, password, remote string) error {
	t.Helper()
	_, err := s.Login(t.Context(), user, password, account.LoginInfo{RemoteAddr: remote})
	return err
}

func (v *venue) refresh(token account.Secret) (account.Grant, error) {
	return v.Refresh(v.t.Context(), token.Reveal(), "")
}

// wantEnded checks what OnEnd has heard, in any order, since the last call.
func (v *venue) wantEnded(want ...account.Ended) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	got := slices.Clone(v.ended)
	v.ended = nil
	if len(got) != len(want) {
		v.t.Fatalf("ended: got %v, want %v", got, want)
	}
	for _, e := range want {
		if !slices.Contains(got, e) {
			v.t.Fatalf("ended: got %v, want %v", got, want)
		}
	}
}

// heard returns what OnExtend and OnFault have heard.
func (v *venue) heard() (extended []string, faults []error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.extended), slices.Clone(v.faults)
}

// kinds lists the log, oldest first.
func (v *venue) kinds(filter account.AccessFilter) []account.Kind {
	v.t.Helper()
	entries, _, err := v.ListAccess(v.t.Context(), filter, account.MaxPage, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	var kinds []account.Kind
	for _, e := range slices.Backward(entries) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func verify(v *venue, token account.Secret) error {
	_, err := v.Verify(v.t.Context(), token.Reveal())
	return err
}
