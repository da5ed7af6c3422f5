// Package accounttest is the suite that every account.Store passes, and a Store
// that fails on request.
package accounttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"todoku/account"
)

// start is a moment with nanoseconds that no rounding survives.
var start = time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.UTC)

// Run checks that the stores which open returns fulfil the contract of account.Store.
// open is given a directory of the test's own. After the first store is closed (if it has
// a Close), a store opened in the same directory must have the same content.
func Run(t *testing.T, open func(t *testing.T, dir string) account.Store) {
	t.Helper()
	cases := []struct {
		name string
		test func(t *testing.T, store account.Store)
	}{
		{"AnEmptyStoreHoldsNothing", testEmpty},
		{"KeysComeBackInOrderAndAreNeverReplaced", testKeys},
		{"ACredentialIsReplacedOnlyByTheNextVersion", testCredentialVersions},
		{"ANewPasswordEndsTheOtherSessionsOfItsUser", testPasswordEndsSessions},
		{"OneOfManyWritersOfACredentialWins", testCredentialRace},
		{"AttemptsChangeTogether", testAttempts},
		{"NoFailureIsLostWhenManyAreCountedAtOnce", testAttemptsRace},
		{"ASessionOfAnOldPasswordIsNotCreated", testCreateSession},
		{"ASessionRotatesOneGenerationAtATime", testRotate},
		{"OneOfManyRotationsWins", testRotateRace},
		{"EndingASessionEndsItsConnections", testEndSessions},
		{"ConnectionsBelongToASession", testConnections},
		{"TextsComeBackAsTheyWere", testTexts},
		{"TheAccessLogIsReadNewestFirstAndInPages", testAccess},
		{"PruningNeverFreesAnID", testPrune},
		{"PruningDeletesActivityEarlierAndNotMuchAtOnce", testPruneActivity},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := open(t, t.TempDir())
			t.Cleanup(func() { closeStore(t, store) })
			c.test(t, store)
		})
	}
	t.Run("EverythingSurvivesReopening", func(t *testing.T) { testReopen(t, open) })
}

func closeStore(t *testing.T, store account.Store) {
	t.Helper()
	if closer, ok := store.(io.Closer); ok {
		must(t, closer.Close())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T) func(value T, err error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		must(t, err)
		return value
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func credential(user string, version uint64) account.Credential {
	return account.Credential{User: user, Hash: fmt.Sprint("hash of ", user, version), Version: version, Updated: start}
}

func session(id, user string) account.Session {
	return account.Session{
		ID: id, User: user, ClientName: "desktop", RemoteAddr: "192.0.2.1:5", Created: start,
		Generation: 1, KeyID: 1, Refreshed: start.Add(1), AccessExpires: start.Add(2), Expires: start.Add(3),
	}
}

func connection(id string, s account.Session) account.Connection {
	return account.Connection{
		ID: id, Session: s.ID, User: s.User, ClientName: "desktop", RemoteAddr: "192.0.2.1:5",
		Created: start, CancelOnDisconnect: 3 * time.Second, LastSeen: start,
	}
}

// signIn stores a user's first credential and a session with one connection.
func signIn(t *testing.T, store account.Store, user string) (account.Session, account.Connection) {
	t.Helper()
	must(t, store.PutCredential(t.Context(), credential(user, 1), ""))
	s := session("session-"+user, user)
	c := connection("connection-"+user, s)
	must(t, store.CreateSession(t.Context(), s, c, 1))
	return s, c
}

func testEmpty(t *testing.T, store account.Store) {
	ctx := t.Context()
	wantEqual(t, len(get[[]account.Key](t)(store.Keys(ctx))), 0)
	wantEqual(t, len(get[[]account.Session](t)(store.Sessions(ctx))), 0)
	wantEqual(t, len(get[[]account.Connection](t)(store.Connections(ctx, ""))), 0)
	wantEqual(t, len(get[[]account.Entry](t)(store.Access(ctx, account.AccessQuery{Limit: 1}))), 0)
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, "user:nobody")), account.Failures{Subject: "user:nobody"})
	_, err := store.Credential(ctx, "nobody")
	wantError(t, err, account.ErrNotFound)
	_, err = store.Session(ctx, "none")
	wantError(t, err, account.ErrNotFound)
	must(t, store.EndSessions(ctx, []string{"none"}))
	wantEqual(t, len(get[[]account.Connection](t)(store.Connections(ctx, ""))), 0)
	must(t, store.DeleteKeys(ctx, 9))
	prune(t, store, account.Horizon{Log: start, Activity: start, Attempts: start})
	wantError(t, store.RotateSession(ctx, session("none", "nobody"), session("none", "nobody")), account.ErrNotFound)
	wantError(t, store.CreateConnection(ctx, connection("c", session("none", "nobody")), ""), account.ErrNotFound)
}

func testKeys(t *testing.T, store account.Store) {
	ctx := t.Context()
	key := func(id uint32) account.Key {
		return account.Key{ID: id, Secret: []byte{byte(id), 0, 255}, Created: start.Add(time.Duration(id))}
	}
	for _, id := range []uint32{2, 1, 10} {
		must(t, store.AddKey(ctx, key(id)))
	}
	wantError(t, store.AddKey(ctx, account.Key{ID: 2, Secret: []byte("other"), Created: start}), account.ErrConflict)
	wantEqual(t, get[[]account.Key](t)(store.Keys(ctx)), []account.Key{key(1), key(2), key(10)})
	must(t, store.DeleteKeys(ctx, 10))
	wantEqual(t, get[[]account.Key](t)(store.Keys(ctx)), []account.Key{key(10)})

	// The store shares no memory with its caller.
	get[[]account.Key](t)(store.Keys(ctx))[0].Secret[0] = 99
	wantEqual(t, get[[]account.Key](t)(store.Keys(ctx)), []account.Key{key(10)})
}

func testCredentialVersions(t *testing.T, store account.Store) {
	ctx := t.Context()
	wantError(t, store.PutCredential(ctx, credential("alice", 2), ""), account.ErrConflict)
	must(t, store.PutCredential(ctx, credential("alice", 1), ""))
	wantError(t, store.PutCredential(ctx, credential("alice", 1), ""), account.ErrConflict)
	wantError(t, store.PutCredential(ctx, credential("alice", 3), ""), account.ErrConflict)
	must(t, store.PutCredential(ctx, credential("alice", 2), ""))
	wantEqual(t, get[account.Credential](t)(store.Credential(ctx, "alice")), credential("alice", 2))
	_, err := store.Credential(ctx, "Alice")
	wantError(t, err, account.ErrNotFound)
}

func testPasswordEndsSessions(t *testing.T, store account.Store) {
	ctx := t.Context()
	first, _ := signIn(t, store, "alice")
	other, _ := signIn(t, store, "bob")
	second := session("second", "alice")
	must(t, store.CreateSession(ctx, second, connection("c2", second), 1))

	// A conflict ends no session.
	wantError(t, store.PutCredential(ctx, credential("alice", 9), first.ID), account.ErrConflict)
	wantEqual(t, len(get[[]account.Session](t)(store.Sessions(ctx))), 3)

	must(t, store.PutCredential(ctx, credential("alice", 2), first.ID))
	_, err := store.Session(ctx, second.ID)
	wantError(t, err, account.ErrNotFound)
	wantEqual(t, get[account.Session](t)(store.Session(ctx, first.ID)), first)
	wantEqual(t, get[account.Session](t)(store.Session(ctx, other.ID)), other)
	wantEqual(t, connectionIDs(t, store), []string{"connection-alice", "connection-bob"})

	must(t, store.PutCredential(ctx, credential("alice", 3), ""))
	wantEqual(t, connectionIDs(t, store), []string{"connection-bob"})
}

func connectionIDs(t *testing.T, store account.Store) []string {
	t.Helper()
	var ids []string
	for _, c := range get[[]account.Connection](t)(store.Connections(t.Context(), "")) {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// race runs do in n goroutines and returns how many succeeded. The others must fail with
// the error lost.
func race(t *testing.T, n int, lost error, do func(ctx context.Context, i int) error) (won int) {
	t.Helper()
	ctx := t.Context()
	results := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i] = do(ctx, i) })
	}
	wg.Wait()
	for _, err := range results {
		if err == nil {
			won++
		} else {
			wantError(t, err, lost)
		}
	}
	return won
}

func testCredentialRace(t *testing.T, store account.Store) {
	won := race(t, 8, account.ErrConflict, func(ctx context.Context, i int) error {
		c := credential("alice", 1)
		c.Hash = strconv.Itoa(i)
		return store.PutCredential(ctx, c, "")
	})
	wantEqual(t, won, 1)
}

func testAttempts(t *testing.T, store account.Store) {
	ctx := t.Context()
	subjects := []string{"user:alice", "address:192.0.2.1"}
	count := func(f account.Failures) account.Failures {
		f.Count++
		f.Last = start
		if strings.HasPrefix(f.Subject, "user:") {
			f.LockedUntil = start.Add(time.Minute)
		}
		return f
	}
	get[[]account.Failures](t)(store.ChangeAttempts(ctx, subjects[:1], count))
	changed := get[[]account.Failures](t)(store.ChangeAttempts(ctx, subjects, count))
	want := []account.Failures{
		{Subject: subjects[0], Count: 2, Last: start, LockedUntil: start.Add(time.Minute)},
		{Subject: subjects[1], Count: 1, Last: start},
	}
	wantEqual(t, changed, want)
	for i, subject := range subjects {
		wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subject)), want[i])
	}
	forget := func(f account.Failures) account.Failures { return account.Failures{Subject: f.Subject} }
	get[[]account.Failures](t)(store.ChangeAttempts(ctx, subjects[:1], forget))
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[0])), account.Failures{Subject: subjects[0]})
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[1])), want[1])

	// Failures are pruned only if both of their times are old.
	get[[]account.Failures](t)(store.ChangeAttempts(ctx, subjects[:1], count))
	prune(t, store, account.Horizon{Attempts: start})
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[1])).Count, 1)
	prune(t, store, account.Horizon{Attempts: start.Add(time.Minute)})
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[1])).Count, 0)
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[0])).Count, 1)
	prune(t, store, account.Horizon{Attempts: start.Add(time.Minute + 1)})
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, subjects[0])).Count, 0)
}

func testAttemptsRace(t *testing.T, store account.Store) {
	race(t, 20, nil, func(ctx context.Context, _ int) error {
		_, err := store.ChangeAttempts(ctx, []string{"user:alice"}, func(f account.Failures) account.Failures {
			f.Count++
			f.Last = start
			return f
		})
		return err
	})
	wantEqual(t, get[account.Failures](t)(store.Attempts(t.Context(), "user:alice")).Count, 20)
}

func testCreateSession(t *testing.T, store account.Store) {
	ctx := t.Context()
	s := session("s", "alice")
	wantError(t, store.CreateSession(ctx, s, connection("c", s), 1), account.ErrConflict)
	must(t, store.PutCredential(ctx, credential("alice", 1), ""))
	must(t, store.PutCredential(ctx, credential("alice", 2), ""))
	wantError(t, store.CreateSession(ctx, s, connection("c", s), 1), account.ErrConflict)
	wantEqual(t, len(connectionIDs(t, store)), 0)
	must(t, store.CreateSession(ctx, s, connection("c", s), 2))
	wantEqual(t, get[account.Session](t)(store.Session(ctx, "s")), s)
	wantEqual(t, get[[]account.Session](t)(store.Sessions(ctx)), []account.Session{s})
	wantError(t, store.CreateSession(ctx, s, connection("c2", s), 2), account.ErrConflict)
	wantEqual(t, connectionIDs(t, store), []string{"c"})
}

func testRotate(t *testing.T, store account.Store) {
	ctx := t.Context()
	s, _ := signIn(t, store, "alice")
	next := s
	next.Generation, next.KeyID = 2, 7
	next.Refreshed, next.AccessExpires, next.Expires = start.Add(time.Hour), start.Add(2*time.Hour), start.Add(3*time.Hour)
	must(t, store.RotateSession(ctx, s, next))
	wantEqual(t, get[account.Session](t)(store.Session(ctx, s.ID)), next)
	wantError(t, store.RotateSession(ctx, s, next), account.ErrConflict)
	other := next
	other.Refreshed = next.Refreshed.Add(1)
	wantError(t, store.RotateSession(ctx, other, s), account.ErrConflict)
	must(t, store.RotateSession(ctx, next, other))
	wantEqual(t, get[account.Session](t)(store.Session(ctx, s.ID)), other)
	wantEqual(t, connectionIDs(t, store), []string{"connection-alice"})
}

func testRotateRace(t *testing.T, store account.Store) {
	s, _ := signIn(t, store, "alice")
	next := s
	next.Generation = 2
	won := race(t, 8, account.ErrConflict, func(ctx context.Context, _ int) error { return store.RotateSession(ctx, s, next) })
	wantEqual(t, won, 1)
}

func testEndSessions(t *testing.T, store account.Store) {
	ctx := t.Context()
	alice, _ := signIn(t, store, "alice")
	bob, _ := signIn(t, store, "bob")
	signIn(t, store, "carol")
	must(t, store.CreateConnection(ctx, connection("tab", alice), ""))
	must(t, store.EndSessions(ctx, []string{alice.ID, bob.ID}))
	must(t, store.EndSessions(ctx, []string{alice.ID}))
	wantEqual(t, connectionIDs(t, store), []string{"connection-carol"})
	wantEqual(t, len(get[[]account.Session](t)(store.Sessions(ctx))), 1)
	alice.Generation = 2
	wantError(t, store.RotateSession(ctx, alice, alice), account.ErrNotFound)
}

func testConnections(t *testing.T, store account.Store) {
	ctx := t.Context()
	s, first := signIn(t, store, "alice")
	second := connection("tab", s)
	must(t, store.CreateConnection(ctx, second, ""))

	byID := map[string]account.Connection{}
	for _, c := range get[[]account.Connection](t)(store.Connections(ctx, "")) {
		byID[c.ID] = c
	}
	wantEqual(t, byID, map[string]account.Connection{first.ID: first, second.ID: second})
	bob, only := signIn(t, store, "bob")
	wantEqual(t, get[[]account.Connection](t)(store.Connections(ctx, bob.ID)), []account.Connection{only})
	wantEqual(t, len(get[[]account.Connection](t)(store.Connections(ctx, "none"))), 0)
	must(t, store.EndSessions(ctx, []string{bob.ID}))

	// Replacing is atomic, and no connection is replaced for a session that ended.
	orphan := connection("orphan", session("none", "alice"))
	wantError(t, store.CreateConnection(ctx, orphan, first.ID), account.ErrNotFound)
	wantEqual(t, connectionIDs(t, store), []string{first.ID, second.ID})
	must(t, store.CreateConnection(ctx, connection("third", s), first.ID))
	wantEqual(t, connectionIDs(t, store), []string{"tab", "third"})
}

func testTexts(t *testing.T, store account.Store) {
	ctx := t.Context()
	const text = `'"; DROP TABLE sessions; -- 届く %s \x00 $1 ?`
	must(t, store.PutCredential(ctx, account.Credential{User: text, Hash: text, Version: 1, Updated: start}, text))
	s := session(text, text)
	s.ClientName, s.RemoteAddr = text, text
	c := connection(text, s)
	c.ClientName = text
	must(t, store.CreateSession(ctx, s, c, 1))
	wantEqual(t, get[account.Session](t)(store.Session(ctx, text)), s)
	wantEqual(t, get[[]account.Connection](t)(store.Connections(ctx, "")), []account.Connection{c})
	e := account.Entry{
		ID: 1, Time: start, Kind: text, User: text, Session: text, Connection: text,
		RemoteAddr: text, Reason: text, Cursor: text, Detail: text,
	}
	must(t, store.AppendAccess(ctx, []account.Entry{e}))
	got := get[[]account.Entry](t)(store.Access(ctx, account.AccessQuery{
		AccessFilter: account.AccessFilter{User: text, Kinds: []account.Kind{text}}, Limit: 10,
	}))
	e.ID = got[0].ID
	wantEqual(t, got, []account.Entry{e})
}
