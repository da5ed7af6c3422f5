package sqlite_test

import (
	"path/filepath"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/sqlite"
)

func TestJournalKeepsTheStoreContract(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t testing.TB) journaltest.Open {
		path := filepath.Join(t.TempDir(), "journal.db")
		return func(t testing.TB) journal.Store { return openJournal(t, path, sqlite.Options{}) }
	})
}

// openJournal opens a journal that the test's end closes.
func openJournal(t testing.TB, path string, options sqlite.Options) *sqlite.Journal {
	t.Helper()
	store, err := sqlite.OpenJournal(t.Context(), path, options)
	if err != nil {
		t.Fatalf("OpenJournal: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}
