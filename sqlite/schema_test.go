package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/sqlite"
)

// TestAJournalOfAnOlderVersionIsMigrated opens a file as the first schema wrote
// it; testdata never changes.
func TestAJournalOfAnOlderVersionIsMigrated(t *testing.T) {
	t.Parallel()
	statements, err := os.ReadFile(filepath.Join("testdata", "journal-v1.sql"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	execSQL(t, path, string(statements))

	_, err = sqlite.OpenJournal(t.Context(), path, sqlite.Options{ReadOnly: true})
	if !errors.Is(err, journal.ErrOlderVersion) {
		t.Fatalf("read-only: %v", err)
	}
	t.Log(err)
	store := openJournal(t, path, sqlite.Options{})
	if epoch, err := store.Epoch(t.Context()); err != nil || epoch != "0123456789abcdef" {
		t.Fatalf("epoch %q, %v", epoch, err)
	}
	if got := journaltest.ReadAll(t, store, 0, 1); len(got) != 5 || string(got[4].Data) != "record 5" {
		t.Fatalf("records %v", got)
	}
	journaltest.Fill(t, store, 2)
	if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 7}); err != nil {
		t.Fatal(err)
	}
	if summary, err := journal.Verify(t.Context(), store, nil); err != nil || summary.Records != 7 {
		t.Fatalf("%+v, %v", summary, err)
	}
}

func TestAJournalOfANewerVersionIsRefusedUnchanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	store := openJournal(t, path, sqlite.Options{})
	journaltest.Fill(t, store, 1)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, path, "PRAGMA user_version = 99")
	before := readFile(t, path)
	for _, readOnly := range []bool{false, true} {
		_, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{ReadOnly: readOnly})
		if !errors.Is(err, journal.ErrNewerVersion) {
			t.Fatalf("read-only %v: %v", readOnly, err)
		}
		t.Log(err)
	}
	if !bytes.Equal(before, readFile(t, path)) {
		t.Fatal("the file was changed")
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	execSQL(t, path, "CREATE TABLE contacts (name TEXT)")
	if _, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{}); !errors.Is(err, journal.ErrForeign) {
		t.Fatalf("another program's database: %v", err)
	}
	path = filepath.Join(t.TempDir(), "journal.db")
	writeFile(t, path, bytes.Repeat([]byte("not a database\n"), 100))
	if _, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{}); err == nil {
		t.Fatal("a text file was opened")
	}
}
