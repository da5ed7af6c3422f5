package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"todoku/journal/journaltest"
)

// TestAReaderInTheWayDelaysACheckpointOnly holds a read transaction open
// through a checkpoint: appends go on, and the log is folded once it is gone.
func TestAReaderInTheWayDelaysACheckpointOnly(t *testing.T) {
	t.Parallel()
	store, err := OpenJournal(t.Context(), filepath.Join(t.TempDir(), "journal.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	journaltest.Fill(t, store, 5)
	err = store.db.read(t.Context(), func(tx *sql.Tx) error {
		var count int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM batches").Scan(&count); err != nil {
			return err
		}
		journaltest.Fill(t, store, 5)
		if err := store.checkpoints.checkpoint(t.Context()); !errors.Is(err, errBlockedByReader) {
			t.Errorf("checkpoint beside a reader: %v", err)
		}
		journaltest.Fill(t, store, 5)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.checkpoints.checkpoint(t.Context()); err != nil {
		t.Errorf("checkpoint with the reader gone: %v", err)
	}
}

// TestAMigrationThatFailsChangesNothing runs a second step that breaks half way.
func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "some.db")
	if err := createPrivate(path); err != nil {
		t.Fatal(err)
	}
	d := &database{path: path}
	var err error
	if d.writer, err = d.connect(1, "mode=rw", "_txlock=immediate"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	first := "CREATE TABLE one (id INTEGER); INSERT INTO one VALUES (1)"
	if err := d.migrate(t.Context(), []string{first}); err != nil {
		t.Fatal(err)
	}
	broken := "CREATE TABLE two (id INTEGER); INSERT INTO nowhere VALUES (1)"
	if err := d.migrate(t.Context(), []string{first, broken}); err == nil {
		t.Fatal("a broken migration went through")
	}
	wantTables(t, d, 1, 1)
	repaired := "CREATE TABLE two (id INTEGER)"
	for range 2 {
		if err := d.migrate(t.Context(), []string{first, repaired}); err != nil {
			t.Fatal(err)
		}
	}
	wantTables(t, d, 2, 2)
}

func wantTables(t *testing.T, d *database, tables, version int) {
	t.Helper()
	var got int
	if err := d.writer.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema").Scan(&got); err != nil {
		t.Fatal(err)
	}
	gotVersion, err := schemaVersion(t.Context(), d.writer)
	if err != nil || got != tables || gotVersion != version {
		t.Fatalf("%d tables at version %d, %v, want %d at %d", got, gotVersion, err, tables, version)
	}
}
