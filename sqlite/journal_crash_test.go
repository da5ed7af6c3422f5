package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/sqlite"
)

// TestALogCutAtAnyByteOpensAtAWholeBatch is a machine that stops while the
// write-ahead log is being written: whatever length of it reached the disk, the
// journal opens with exactly the batches whose commit is in there.
func TestALogCutAtAnyByteOpensAtAWholeBatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	// The smallest pages make the log short enough to cut at every byte.
	execSQL(t, path, "PRAGMA page_size = 512; PRAGMA journal_mode = WAL")
	if err := openJournal(t, path, sqlite.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	store := openJournal(t, path, sqlite.Options{})
	type commit struct {
		walSize int
		head    uint64
	}
	var commits []commit
	for _, size := range []int{1, 15, 2} { // the second needs overflow pages
		journaltest.Fill(t, store, size)
		_, head, err := store.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, commit{len(readFile(t, path+"-wal")), head})
	}
	file, wal := readFile(t, path), readFile(t, path+"-wal")
	t.Logf("%d cuts, commits at %v", len(wal)+1, commits)

	const shares = 4 // at once, since each mostly waits for the disk
	for share := range shares {
		t.Run(strconv.Itoa(share), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for cut := share * cutStep; cut <= len(wal); cut += shares * cutStep {
				var want uint64
				for _, commit := range commits {
					if commit.walSize <= cut {
						want = commit.head
					}
				}
				openCut(t, dir, file, wal[:cut], want)
			}
		})
	}
}

// openCut opens a copy of the files and fails the test unless it has exactly
// the records up to head. Recovery is the same for a reader, which is cheaper to
// open; at some lengths a writer opens and goes on from there.
func openCut(t *testing.T, dir string, file, wal []byte, head uint64) {
	t.Helper()
	path := filepath.Join(dir, "journal.db")
	writeFile(t, path, file)
	writeFile(t, path+"-wal", wal)
	if err := os.RemoveAll(path + "-shm"); err != nil {
		t.Fatal(err)
	}
	writing := len(wal)%61 == 0
	store, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{ReadOnly: !writing})
	if err != nil {
		t.Fatalf("cut at %d: %v", len(wal), err)
	}
	records, err := store.Read(t.Context(), 0, 100)
	if err != nil || len(records) != int(head) {
		t.Fatalf("cut at %d: %d records, %v, want %d", len(wal), len(records), err, head)
	}
	if writing {
		journaltest.Fill(t, store, 2)
	}
	if err := store.Close(); err != nil {
		t.Fatalf("cut at %d: %v", len(wal), err)
	}
}

// TestAFlippedBitIsRefusedNamingItsRecord flips every bit of a stored batch in
// turn.
func TestAFlippedBitIsRefusedNamingItsRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	store := openJournal(t, path, sqlite.Options{})
	journaltest.Fill(t, store, 2, 3, 2)
	db := openRaw(t, path)
	var blob []byte
	if err := db.QueryRowContext(t.Context(), "SELECT data FROM batches WHERE first_sequence = 3").Scan(&blob); err != nil {
		t.Fatal(err)
	}
	const header = 9
	record := (len(blob) - header) / 3 // the three records are of one length
	for bit := range len(blob) * 8 {
		damaged := append([]byte(nil), blob...)
		damaged[bit/8] ^= 1 << (bit % 8)
		setBlob(t, db, 3, damaged)
		_, err := journal.Verify(t.Context(), store, nil)
		var corrupt *journal.CorruptError
		if !errors.As(err, &corrupt) || !errors.Is(err, journal.ErrCorrupt) {
			t.Fatalf("bit %d: got %v", bit, err)
		}
		want := uint64(3)
		if bit/8 >= header {
			want += uint64((bit/8 - header) / record)
		}
		// A changed count is seen where the records end too early or too late.
		if inCount := bit/8 >= 5 && bit/8 < header; corrupt.Sequence != want && (!inCount || corrupt.Sequence < 3 || corrupt.Sequence > 6) {
			t.Fatalf("bit %d: names record %d, want %d", bit, corrupt.Sequence, want)
		}
		if records, err := store.Read(t.Context(), 5, 9); err != nil || len(records) != 2 {
			t.Fatalf("bit %d: records behind the damage: %d, %v", bit, len(records), err)
		}
	}
	setBlob(t, db, 3, blob)
	if _, err := journal.Verify(t.Context(), store, nil); err != nil {
		t.Fatalf("restored: %v", err)
	}
}

// TestAChangedHistoryIsRefused exchanges, removes and mislabels whole batches,
// each valid by itself.
func TestAChangedHistoryIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   string
		sequence uint64
	}{
		"removed":       {"DELETE FROM batches WHERE first_sequence = 3", 3},
		"mislabelled":   {"UPDATE batches SET first_sequence = 100 WHERE first_sequence = 6", 6},
		"cut short":     {"UPDATE batches SET last_sequence = 4 WHERE first_sequence = 3", 3},
		"checksum":      {"UPDATE batches SET checksum = checksum + 1 WHERE first_sequence = 3", 5},
		"wrong content": {"UPDATE batches SET data = (SELECT data FROM batches WHERE first_sequence = 1) WHERE first_sequence = 3", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal.db")
			store := openJournal(t, path, sqlite.Options{})
			journaltest.Fill(t, store, 2, 3, 2)
			if _, err := openRaw(t, path).ExecContext(t.Context(), test.change); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Verify(t.Context(), store, nil)
			var corrupt *journal.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Sequence != test.sequence {
				t.Fatalf("got %v, want record %d", err, test.sequence)
			}
		})
	}
}

// TestAnotherHistoryIsNotContinued puts a batch of another journal in the place
// of the same records: every checksum in it is right, the chain is not.
func TestAnotherHistoryIsNotContinued(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := openJournal(t, filepath.Join(dir, "here.db"), sqlite.Options{})
	there := openJournal(t, filepath.Join(dir, "there.db"), sqlite.Options{})
	journaltest.Fill(t, here, 2, 3)
	other := journaltest.Records(0, 2)
	other[0].Data = []byte("another past")
	if err := there.Append(t.Context(), 0, other); err != nil {
		t.Fatal(err)
	}
	journaltest.Fill(t, there, 3)
	db := openRaw(t, filepath.Join(dir, "here.db"))
	if _, err := db.ExecContext(t.Context(), "ATTACH ? AS there", filepath.Join(dir, "there.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `REPLACE INTO main.batches
		SELECT * FROM there.batches WHERE first_sequence = 3`); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Verify(t.Context(), here, nil)
	var corrupt *journal.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Sequence != 3 {
		t.Fatalf("got %v, want record 3", err)
	}
}

func TestDamageAtTheEndIsRefusedAtOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	store := openJournal(t, path, sqlite.Options{})
	journaltest.Fill(t, store, 2, 2)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, path, "UPDATE batches SET data = zeroblob(length(data)) WHERE first_sequence = 3")
	_, err := sqlite.OpenJournal(t.Context(), path, sqlite.Options{})
	var corrupt *journal.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Sequence != 3 {
		t.Fatalf("got %v, want record 3", err)
	}
	reader := openJournal(t, path, sqlite.Options{ReadOnly: true})
	summary, err := journal.Verify(t.Context(), reader, nil)
	if !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Verify: %+v, %v", summary, err)
	}
}

// TestADamagedSnapshotIsPassedOver damages the newest one in each of its parts.
func TestADamagedSnapshotIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"content":  "UPDATE snapshot_parts SET data = zeroblob(length(data)) WHERE sequence = 4 AND part = 1",
		"missing":  "DELETE FROM snapshot_parts WHERE sequence = 4 AND part = 0",
		"checksum": "UPDATE snapshots SET checksum = -1 WHERE sequence = 4",
		"time":     "UPDATE snapshots SET time = time + 1 WHERE sequence = 4",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal.db")
			store := openJournal(t, path, sqlite.Options{})
			journaltest.Fill(t, store, 4, 2)
			data := make([]byte, 600<<10)
			for i := range data {
				data[i] = byte(i * 7)
			}
			for _, sequence := range []uint64{2, 4} {
				if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: sequence, Data: data}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := openRaw(t, path).ExecContext(t.Context(), damage); err != nil {
				t.Fatal(err)
			}
			if snapshot, err := store.LoadSnapshot(t.Context(), journal.MaxSequence); err != nil || snapshot.Sequence != 2 {
				t.Fatalf("got snapshot %d, %v", snapshot.Sequence, err)
			}
			if err := store.Compact(t.Context(), 5); !errors.Is(err, journal.ErrNeedsSnapshot) {
				t.Fatalf("compacting behind a damaged snapshot: %v", err)
			}
			if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 4, Data: data}); err != nil {
				t.Fatal(err)
			}
			if snapshot, err := store.LoadSnapshot(t.Context(), journal.MaxSequence); err != nil || snapshot.Sequence != 4 {
				t.Fatalf("saved again: got snapshot %d, %v", snapshot.Sequence, err)
			}
		})
	}
}

// openRaw opens the file past the store, as a bad disk would change it.
func openRaw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// execSQL runs statements on the file, past the store, and lets go of it.
func execSQL(t *testing.T, path, statements string) {
	t.Helper()
	db := openRaw(t, path)
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func setBlob(t *testing.T, db *sql.DB, first int, data []byte) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "UPDATE batches SET data = ? WHERE first_sequence = ?", data, first); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
