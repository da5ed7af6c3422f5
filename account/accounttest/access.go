package accounttest

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"todoku/account"
)

// entries returns n entries, a second apart, of two users and three kinds.
func entries(n int) []account.Entry {
	kinds := []account.Kind{account.SignIn, account.Attach, account.Detach}
	list := make([]account.Entry, 0, n)
	for i := range n {
		list = append(list, account.Entry{
			Time: start.Add(time.Duration(i) * time.Second), Kind: kinds[i%len(kinds)],
			User: fmt.Sprint("user", i%2), Detail: strconv.Itoa(i),
		})
	}
	return list
}

func testAccess(t *testing.T, store account.Store) {
	ctx := t.Context()
	list := entries(30)
	must(t, store.AppendAccess(ctx, list[:7]))
	must(t, store.AppendAccess(ctx, nil))
	must(t, store.AppendAccess(ctx, list[7:]))

	filters := []account.AccessFilter{
		{},
		{User: "user1"},
		{User: "nobody"},
		{Kinds: []account.Kind{account.Attach}},
		{Kinds: []account.Kind{account.Attach, account.SignIn}},
		{From: list[10].Time},
		{Until: list[10].Time},
		{User: "user0", Kinds: []account.Kind{account.Detach}, From: list[2].Time, Until: list[26].Time},
	}
	for i, filter := range filters {
		var want []string
		for _, e := range slices.Backward(list) {
			if (filter.User == "" || filter.User == e.User) &&
				(filter.Kinds == nil || slices.Contains(filter.Kinds, e.Kind)) &&
				!e.Time.Before(filter.From) && (filter.Until.IsZero() || e.Time.Before(filter.Until)) {
				want = append(want, e.Detail)
			}
		}
		for _, limit := range []int{1, 4, 100} {
			var got []string
			query := account.AccessQuery{AccessFilter: filter, Limit: limit}
			for {
				page := get[[]account.Entry](t)(store.Access(ctx, query))
				if len(page) > limit {
					t.Fatalf("filter %d: %d entries for a limit of %d", i, len(page), limit)
				}
				for _, e := range page {
					got = append(got, e.Detail)
					query.Before = e.ID
				}
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("filter %d, limit %d: got %v, want %v", i, limit, got, want)
			}
		}
	}
}

func testPrune(t *testing.T, store account.Store) {
	ctx := t.Context()
	list := entries(10)
	must(t, store.AppendAccess(ctx, list))
	all := account.AccessQuery{Limit: 100}
	newest := get[[]account.Entry](t)(store.Access(ctx, all))[0].ID

	prune(t, store, account.Horizon{})
	wantEqual(t, len(get[[]account.Entry](t)(store.Access(ctx, all))), 10)
	prune(t, store, account.Horizon{Log: list[4].Time})
	left := get[[]account.Entry](t)(store.Access(ctx, all))
	wantEqual(t, len(left), 6)
	wantEqual(t, left[5].Detail, "4")

	prune(t, store, account.Horizon{Log: list[9].Time.Add(time.Hour)})
	wantEqual(t, len(get[[]account.Entry](t)(store.Access(ctx, all))), 0)
	must(t, store.AppendAccess(ctx, list[:1]))
	if again := get[[]account.Entry](t)(store.Access(ctx, all))[0].ID; again <= newest {
		t.Fatalf("entry got ID %d, and %d was used before", again, newest)
	}
}

// prune deletes all that is due.
func prune(t *testing.T, store account.Store, before account.Horizon) {
	t.Helper()
	for get[bool](t)(store.Prune(t.Context(), before)) {
		t.Fatal("a few entries were too many for one Prune")
	}
}

func testPruneActivity(t *testing.T, store account.Store) {
	ctx := t.Context()
	const n = account.PruneBatch + 10
	at := func(i int) time.Time { return start.Add(time.Duration(i)) }
	kinds := append(account.ActivityKinds(), account.SignIn)
	list := make([]account.Entry, 0, n)
	for i := range n {
		list = append(list, account.Entry{Time: at(i), Kind: kinds[i%len(kinds)]})
	}
	must(t, store.AppendAccess(ctx, list))
	count := func(kinds ...account.Kind) int {
		query := account.AccessQuery{AccessFilter: account.AccessFilter{Kinds: kinds}, Limit: 2 * n}
		return len(get[[]account.Entry](t)(store.Access(ctx, query)))
	}
	wantEqual(t, get[bool](t)(store.Prune(ctx, account.Horizon{Activity: at(n / 2)})), false)
	wantEqual(t, count(account.SignIn), n/len(kinds))
	wantEqual(t, count(account.ActivityKinds()...), n/len(kinds)*(len(kinds)-1)/2)

	must(t, store.AppendAccess(ctx, list))
	wantEqual(t, get[bool](t)(store.Prune(ctx, account.Horizon{Log: at(n)})), true)
	wantEqual(t, get[bool](t)(store.Prune(ctx, account.Horizon{Log: at(n)})), false)
	wantEqual(t, count(), 0)
}

func testReopen(t *testing.T, open func(t *testing.T, dir string) account.Store) {
	ctx, dir := t.Context(), t.TempDir()
	store := open(t, dir)
	key := account.Key{ID: 1, Secret: []byte("secret"), Created: start}
	must(t, store.AddKey(ctx, key))
	s, c := signIn(t, store, "alice")
	locked := account.Failures{Subject: "user:bob", Count: 5, Last: start, LockedUntil: start.Add(1)}
	get[[]account.Failures](t)(store.ChangeAttempts(ctx, []string{"user:bob"}, func(account.Failures) account.Failures { return locked }))
	must(t, store.AppendAccess(ctx, entries(1)))
	closeStore(t, store)

	store = open(t, dir)
	defer closeStore(t, store)
	wantEqual(t, get[[]account.Key](t)(store.Keys(ctx)), []account.Key{key})
	wantEqual(t, get[account.Credential](t)(store.Credential(ctx, "alice")), credential("alice", 1))
	wantEqual(t, get[[]account.Session](t)(store.Sessions(ctx)), []account.Session{s})
	wantEqual(t, get[[]account.Connection](t)(store.Connections(ctx, "")), []account.Connection{c})
	wantEqual(t, get[account.Failures](t)(store.Attempts(ctx, "user:bob")), locked)
	wantEqual(t, get[[]account.Entry](t)(store.Access(ctx, account.AccessQuery{Limit: 9}))[0].Detail, "0")
}
