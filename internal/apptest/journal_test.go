package apptest_test

import (
	"path/filepath"
	"testing"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/sqlite"
	"todoku/trade"
	"todoku/trade/record"
)

// What a venue wrote down, read from its files: the judge over what it told.

// eachRecord visits the journal from its first record on, beside the venue or
// after it.
func eachRecord(t *testing.T, dir string, visit func(*trade.Record)) {
	t.Helper()
	eachStored(t, dir, func(stored *journal.Record) {
		r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
		if err != nil {
			t.Fatal(err)
		}
		visit(r)
	})
}

func eachStored(t *testing.T, dir string, visit func(*journal.Record)) {
	t.Helper()
	store := openJournal(t, dir)
	for after := uint64(0); ; {
		records, err := store.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return
		}
		for i := range records {
			visit(&records[i])
			after = records[i].Sequence
		}
	}
}

func openJournal(t *testing.T, dir string) *sqlite.Journal {
	t.Helper()
	store, err := sqlite.OpenJournal(t.Context(), filepath.Join(dir, "journal.db"), sqlite.Options{ReadOnly: true})
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

// wantReplayed checks, after a clean stop, that the state which the venue held in
// memory (its last snapshot) is the one that the journal leads to from nothing. A
// command that changed something without writing it down does not survive this.
func wantReplayed(t *testing.T, dir string) {
	t.Helper()
	store := openJournal(t, dir)
	_, head, err := store.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := store.LoadSnapshot(t.Context(), head)
	if err != nil || snapshot.Sequence != head {
		t.Fatalf("the last snapshot is of %d, %v, want the head %d", snapshot.Sequence, err, head)
	}
	held, err := record.DecodeSnapshot(snapshot.Data)
	if err != nil {
		t.Fatal(err)
	}
	want, err := record.Hash(held)
	if err != nil {
		t.Fatal(err)
	}
	copied := journal.NewMemoryStore()
	after := uint64(0)
	eachStored(t, dir, func(r *journal.Record) {
		if err := copied.Append(t.Context(), after, []journal.Record{*r}); err != nil {
			t.Fatal(err)
		}
		after = r.Sequence
	})
	log, err := journal.Open(t.Context(), copied, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e, err := engine.Open(t.Context(), log, engine.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if sequence, got, err := e.Hash(); err != nil || sequence != head || got != want {
		t.Errorf("replayed up to %d (%v) to another state than the venue held at %d", sequence, err, head)
	}
}
