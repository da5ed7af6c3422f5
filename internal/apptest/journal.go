package apptest

import (
	"testing"

	"todoku/journal"
	"todoku/server"
	"todoku/trade"
	"todoku/trade/record"
)

// What a venue wrote down, read from its files, to compare with what it sent.

// EachRecord visits the journal from its first record on, beside the venue or
// after it.
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

// EachStored is EachRecord for records as they are stored.
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

// OpenJournal opens a venue's journal for reading, until the test ends.
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
