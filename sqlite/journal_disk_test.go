package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/sqlite"
)

// TestAFullJournalLosesNothingAndGoesOnWithMoreSpace fills a database to its
// size limit, which is SQLite's own "disk is full".
func TestAFullJournalLosesNothingAndGoesOnWithMoreSpace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	const limit = 256 << 10
	store := openJournal(t, path, sqlite.Options{MaxBytes: limit})
	log, err := journal.Open(t.Context(), store, journal.Options{MaxRecords: 1})
	if err != nil {
		t.Fatal(err)
	}
	batch := func() []journal.Record {
		records := journaltest.Records(log.Head(), 3)
		records[1].Data = make([]byte, 5000)
		return records
	}
	for err == nil {
		err = log.Append(t.Context(), log.Head(), batch())
	}
	if !errors.Is(err, journal.ErrFull) || !errors.Is(err, journal.ErrFailed) {
		t.Fatalf("at the limit: %v", err)
	}
	acknowledged := log.Head()
	if acknowledged == 0 {
		t.Fatal("nothing fits at all")
	}
	if size := int64(len(readFile(t, path))); size > limit {
		t.Fatalf("file of %d bytes under a limit of %d", size, limit)
	}
	if err := log.Append(t.Context(), acknowledged, batch()); !errors.Is(err, journal.ErrFailed) {
		t.Fatalf("before Reopen: %v", err)
	}
	if records := journaltest.ReadAll(t, store, 0, 10); uint64(len(records)) != acknowledged {
		t.Fatalf("%d records readable of %d", len(records), acknowledged)
	}
	if err := log.Reopen(t.Context()); err != nil || log.Head() != acknowledged {
		t.Fatalf("Reopen: %v, head %d, want %d", err, log.Head(), acknowledged)
	}
	if err := log.Append(t.Context(), acknowledged, batch()); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("still full: %v", err)
	}
	if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Data: make([]byte, limit)}); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("snapshot without space: %v", err)
	}
	var parts int
	if err := openRaw(t, path).QueryRowContext(t.Context(), "SELECT count(*) FROM snapshot_parts").Scan(&parts); err != nil || parts != 0 {
		t.Fatalf("%d parts of it left in the way, %v", parts, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openJournal(t, path, sqlite.Options{MaxBytes: 4 * limit})
	journaltest.Fill(t, store, 2)
	summary, err := journal.Verify(t.Context(), store, nil)
	if err != nil || summary.Records != acknowledged+2 {
		t.Fatalf("with more space: %+v, %v", summary, err)
	}
}

// TestCompactingMakesRoom drops history from a full journal.
func TestCompactingMakesRoom(t *testing.T) {
	t.Parallel()
	store := openJournal(t, filepath.Join(t.TempDir(), "journal.db"), sqlite.Options{MaxBytes: 256 << 10})
	journaltest.Fill(t, store, 2)
	if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 2}); err != nil {
		t.Fatal(err)
	}
	head := uint64(2)
	fill := func() (err error) {
		for err == nil {
			records := journaltest.Records(head, 1)
			records[0].Data = make([]byte, 20_000)
			if err = store.Append(t.Context(), head, records); err == nil {
				head++
			}
		}
		return err
	}
	if err := fill(); !errors.Is(err, journal.ErrFull) {
		t.Fatal(err)
	}
	full := head
	// The state is small: it fits where the last record did not.
	if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: full}); err != nil {
		t.Fatal(err)
	}
	if err := store.Compact(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if err := fill(); !errors.Is(err, journal.ErrFull) {
		t.Fatal(err)
	}
	if head < full+5 {
		t.Fatalf("room for %d records only", head-full)
	}
}

// TestVerifyReadsBesideARunningServer opens read-only while another handle
// writes, and after it has closed.
func TestVerifyReadsBesideARunningServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	writer := openJournal(t, path, sqlite.Options{})
	journaltest.Fill(t, writer, 3)
	reader := openJournal(t, path, sqlite.Options{ReadOnly: true})
	verify := func(reader journal.Store, want uint64) {
		t.Helper()
		summary, err := journal.Verify(t.Context(), reader, nil)
		if err != nil || summary.Records != want {
			t.Fatalf("%+v, %v, want %d records", summary, err, want)
		}
	}
	verify(reader, 3)
	journaltest.Fill(t, writer, 4)
	verify(reader, 7)
	for doing, err := range map[string]error{
		"Append":       reader.Append(t.Context(), 7, journaltest.Records(7, 1)),
		"SaveSnapshot": reader.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 1}),
		"Compact":      reader.Compact(t.Context(), 2),
	} {
		if !errors.Is(err, journal.ErrReadOnly) {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if err := errors.Join(reader.Close(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	verify(openJournal(t, path, sqlite.Options{ReadOnly: true}), 7)
}

func TestReadOnlyMakesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	_, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{ReadOnly: true})
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the file is there: %v", err)
	}
}

// TestTheFileIsPrivateAndStandsAlone looks at what is left after Close.
func TestTheFileIsPrivateAndStandsAlone(t *testing.T) {
	t.Parallel()
	// A name that means something in a URI must not.
	path := filepath.Join(t.TempDir(), "my data?mode=ro#1%20.db")
	store := openJournal(t, path, sqlite.Options{})
	journaltest.Fill(t, store, 3)
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Fatalf("left behind: %v, %v", entries, err)
	}
}

// TestTheLogDoesNotGrowForAsLongAsTheLoadLasts appends without a pause: the
// write-ahead log must begin again while commits go on.
func TestTheLogDoesNotGrowForAsLongAsTheLoadLasts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	store := openJournal(t, path, sqlite.Options{CheckpointBytes: 128 << 10})
	data := make([]byte, 20_000)
	var written int
	for head := range uint64(400) {
		if err := store.Append(t.Context(), head, []journal.Record{{Sequence: head + 1, Data: data}}); err != nil {
			t.Fatal(err)
		}
		written += len(data)
	}
	if size := len(readFile(t, path+"-wal")); size > written/2 {
		t.Fatalf("log of %d bytes after %d written", size, written)
	}
	if _, err := journal.Verify(t.Context(), store, nil); err != nil {
		t.Fatal(err)
	}
}

func TestOneServerPerDataDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	release, err := sqlite.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Lock(dir)
	if !errors.Is(err, journal.ErrInUse) {
		t.Fatalf("second: %v", err)
	}
	t.Log(err)
	release()
	release()
	again, err := sqlite.Lock(dir)
	if err != nil {
		t.Fatalf("released: %v", err)
	}
	again()
}
