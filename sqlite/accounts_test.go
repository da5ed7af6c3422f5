package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"todoku/account"
	"todoku/account/accounttest"
	"todoku/live"
	"todoku/live/livetest"
	"todoku/sqlite"
)

func openAccounts(t *testing.T, dir string) *sqlite.Accounts {
	t.Helper()
	store, err := sqlite.OpenAccounts(t.Context(), filepath.Join(dir, "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestAccountsKeepsThePromisesOfAStore(t *testing.T) {
	accounttest.Run(t, func(t *testing.T, dir string) account.Store {
		t.Helper()
		return openAccounts(t, dir)
	})
}

func TestEvidenceKeepsThePromisesOfAStore(t *testing.T) {
	livetest.Evidence(t, func(t *testing.T) live.Evidence {
		t.Helper()
		store := openAccounts(t, t.TempDir())
		t.Cleanup(func() { _ = store.Close() })
		return store.Evidence()
	})
}

// TestEvidenceOfAnEarlierVersionIsOfTheDefaultNode has streams that were stored
// before entries named their node.
func TestEvidenceOfAnEarlierVersionIsOfTheDefaultNode(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	store := openAccounts(t, dir)
	of := live.Entry{Node: "other", Attach: 7, User: "alice"}
	if err := store.Evidence().Append(ctx, []live.Observation{
		{Kind: live.Began, Entry: of, Epoch: "e", Time: time.Unix(1, 0)},
		{Kind: live.Carried, Entry: of, Topics: "a", Time: time.Unix(1, 0)},
	}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, filepath.Join(dir, "accounts.db"), "ALTER TABLE attaches DROP COLUMN node; PRAGMA user_version = 2")
	store = openAccounts(t, dir)
	defer func() { _ = store.Close() }()
	evidence := store.Evidence()
	if err := evidence.Close(ctx, live.DefaultNode, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	list, err := evidence.Query(ctx, live.Query{Epoch: "e", Sequence: 1, Limit: 1})
	if err != nil || len(list) != 1 || list[0].Node != live.DefaultNode || list[0].Reason != live.ReasonProcessGone {
		t.Fatalf("%+v, %v", list, err)
	}
}

// A restart in the eyes of a client: tokens, connection, retry of a refresh whose
// answer was lost, and the lock-out are all still there.
func TestNobodyTypesAPasswordBecauseTheServerRestarted(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	config := account.Config{
		Hash:    account.HashCost{MemoryKiB: 64, Passes: 1, Lanes: 1},
		Lockout: account.Lockout{UserAfter: 1, Delay: time.Hour, MaxDelay: time.Hour},
	}
	start := func() (*account.Service, *sqlite.Accounts) {
		store := openAccounts(t, dir)
		service, err := account.NewService(ctx, store, config)
		if err != nil {
			t.Fatal(err)
		}
		return service, store
	}
	service, store := start()
	if err := service.SetPublishedPassword(ctx, "alice", "correct horse"); err != nil {
		t.Fatal(err)
	}
	grant, err := service.Login(ctx, "alice", "correct horse", account.LoginInfo{ClientName: "desktop"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Login(ctx, "bob", "guess", account.LoginInfo{}); !errors.Is(err, account.ErrBadCredentials) {
		t.Fatalf("guess: %v", err)
	}
	next, err := service.Refresh(ctx, grant.RefreshToken.Reveal(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	service, store = start()
	defer func() { _ = store.Close() }()
	for _, token := range []account.Secret{grant.AccessToken, next.AccessToken} {
		if identity, err := service.Verify(ctx, token.Reveal()); err != nil || identity.User != "alice" {
			t.Fatalf("Verify: %v, %v", identity, err)
		}
	}
	if c, err := service.Connection(grant.ConnectionID); err != nil || c.User != "alice" {
		t.Fatalf("Connection: %+v, %v", c, err)
	}
	again, err := service.Refresh(ctx, grant.RefreshToken.Reveal(), "")
	if err != nil || again != next {
		t.Fatalf("retry of a refresh: %v, the same grant: %v", err, again == next)
	}
	if _, err := service.Login(ctx, "bob", "guess", account.LoginInfo{}); !errors.Is(err, account.ErrLockedOut) {
		t.Fatalf("guess after restart: %v", err)
	}
}
