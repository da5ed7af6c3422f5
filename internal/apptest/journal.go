package apptest

import (
	"testing"

	"todoku/journal"
	"todoku/server"
	"todoku/trade"
	"todoku/trade/record"
)

// EachRecord visits the journal of a venue, running or stopped, from its first record, so
// that a test can compare it with what the venue sent.
func EachRecord(t testing.TB, dir string, visit func(*trade.Record)) {
	t.Helper()
	EachStored(t, dir, func(stored *journal.Record) {
		r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
		if err != nil {
			t.Fatal(err)
		}
		visit(r)
	})
}

// EachStored is EachRecord for records that are not decoded.
func EachStored(t testing.TB, dir string, visit func(*journal.Record)) {
	t.Helper()
	store := OpenJournal(t, dir)
	_, head, err := store.Bounds(t.Context())
	if err == nil {
		err = journal.Walk(t.Context(), store, 0, head, func(r journal.Record) error {
			visit(&r)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// OpenJournal opens a venue's journal for reading until the test ends.
func OpenJournal(t testing.TB, dir string) journal.Store {
	t.Helper()
	store, err := server.OpenJournal(t.Context(), dir)
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
