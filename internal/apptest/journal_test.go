package apptest_test

import (
	"testing"
	"time"

	"todoku/engine"
	"todoku/internal/apptest"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade/record"
)

// wantReplayed checks, after a clean stop, that the state which the venue held in
// memory (its last snapshot) equals a replay of the journal from the beginning. This
// detects a command that changed the state without an event.
func wantReplayed(t *testing.T, dir string) {
	t.Helper()
	store := apptest.OpenJournal(t, dir)
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
	copied := journaltest.NewMemoryStore()
	after := uint64(0)
	apptest.EachStored(t, dir, func(r *journal.Record) {
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
