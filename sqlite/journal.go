package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"

	"todoku/journal"
)

const (
	// defaultCheckpointBytes is the write-ahead log at which a checkpoint begins.
	// Measured against 4 MiB, fewer than one commit in a hundred then meets a
	// checkpoint; 32 MiB gains little more and makes recovery longer.
	defaultCheckpointBytes = 16 << 20

	// keptBuffer is the largest encoding buffer kept from append to append.
	keptBuffer = 4 << 20

	// readBytes ends a Read at the next batch, so that a large limit does not
	// bring a large piece of the file into memory.
	readBytes = 16 << 20
)

// Options are the options of [OpenJournal]. The zero value is an ordinary
// journal that grows as the disk allows.
type Options struct {
	// ReadOnly opens an existing journal beside the server that writes it. Methods
	// that write return journal.ErrReadOnly.
	ReadOnly bool
	// MaxBytes limits the database file, in bytes; 0 is no limit. An append past
	// it fails with journal.ErrFull. A file already larger is left as it is and
	// does not grow.
	MaxBytes int64
	// CheckpointBytes is how large the write-ahead log gets before it is folded
	// into the file; 0 means 16 MiB. Smaller makes recovery shorter, larger makes
	// checkpoints rarer.
	CheckpointBytes int64
}

// Journal is a journal.Store in one SQLite file: one row per batch, so that a
// group of a hundred commands costs one row and one sync. Safe for concurrent
// use; of two processes writing one file, one gets journal.ErrStale.
type Journal struct {
	db          *database
	epoch       string
	insert      *sql.Stmt     // nil when read-only
	checkpoints *checkpointer // nil when read-only
	closed      atomic.Bool
	closing     sync.Once
	closeErr    error

	appending sync.Mutex // protects tail and buffer, held through an append
	tail      tail
	tailKnown bool
	buffer    []byte // reused from append to append: SQLite copies it

	saving sync.Mutex // one snapshot or compaction at a time
}

// tail is the newest record, which the next batch continues.
type tail struct {
	sequence uint64
	time     int64
	checksum uint32
}

var _ journal.Store = (*Journal)(nil)

// OpenJournal opens the journal at path, making or migrating it as needed. The
// newest batch is checked, because appends continue it: damage there is refused
// as a *journal.CorruptError, unless the journal is opened read-only.
func OpenJournal(ctx context.Context, path string, options Options) (_ *Journal, err error) {
	db, err := open(ctx, path, "journal", openOptions{
		readOnly: options.ReadOnly, maxBytes: options.MaxBytes, manualCheckpoint: true,
	})
	if err != nil {
		return nil, err
	}
	j := &Journal{db: db}
	defer func() { //nolint:contextcheck // what was opened is closed whether or not ctx has ended
		if err != nil {
			err = errors.Join(err, j.Close())
		}
	}()
	if !options.ReadOnly {
		if err := j.prepare(ctx, options); err != nil {
			return nil, err
		}
	}
	if err := db.reader.QueryRowContext(ctx, "SELECT epoch FROM identity").Scan(&j.epoch); err != nil {
		return nil, translate("open", fmt.Errorf("identity: %w", err))
	}
	if options.ReadOnly {
		return j, nil // damage at the end is for Verify to find
	}
	if j.tail, err = j.readTail(ctx); err != nil {
		return nil, err
	}
	j.tailKnown = true
	return j, nil
}

// prepare makes the parts that only a writing journal has.
func (j *Journal) prepare(ctx context.Context, options Options) (err error) {
	if _, err := j.db.writer.ExecContext(ctx,
		"INSERT INTO identity (only, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING", journal.NewEpoch()); err != nil {
		return translate("open", err)
	}
	if j.insert, err = j.db.writer.PrepareContext(ctx, insertBatch); err != nil {
		return translate("open", err)
	}
	if options.CheckpointBytes <= 0 {
		options.CheckpointBytes = defaultCheckpointBytes
	}
	j.checkpoints, err = startCheckpointer(ctx, j.db, options.CheckpointBytes)
	return err
}

// Epoch implements journal.Store.
func (j *Journal) Epoch(ctx context.Context) (string, error) {
	return j.epoch, j.check(ctx)
}

// check is the beginning of every method.
func (j *Journal) check(ctx context.Context) error {
	if j.closed.Load() {
		return journal.ErrClosed
	}
	return ctx.Err()
}

// checkWrite is the beginning of every method that writes.
func (j *Journal) checkWrite(ctx context.Context) error {
	if err := j.check(ctx); err != nil {
		return err
	}
	if j.db.writer == nil {
		return journal.ErrReadOnly
	}
	return nil
}

// insertBatch is a whole transaction in one statement: it reads the head and
// adds the batch only when that is the record which the batch continues, by
// sequence and by checksum. A BEGIN, SELECT, INSERT, COMMIT in its place costs
// a third of the throughput of small batches.
const insertBatch = `
INSERT INTO batches (first_sequence, last_sequence, count, last_time, checksum, data)
SELECT ?1, ?2, ?2 - ?1 + 1, ?3, ?4, ?5
WHERE coalesce((SELECT last_sequence FROM batches ORDER BY first_sequence DESC LIMIT 1), 0) = ?1 - 1
  AND coalesce((SELECT checksum FROM batches ORDER BY first_sequence DESC LIMIT 1), 0) = ?6`

// Append implements journal.Store.
func (j *Journal) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	if err := j.checkWrite(ctx); err != nil {
		return err
	}
	j.appending.Lock()
	defer j.appending.Unlock()
	if err := j.check(ctx); err != nil {
		return err
	}
	// An append that has begun is not canceled: its outcome would be unknown.
	ctx = context.WithoutCancel(ctx)
	if !j.tailKnown || j.tail.sequence != prev {
		var err error
		if j.tail, err = j.readTail(ctx); err != nil {
			return err
		}
		j.tailKnown = true
	}
	if j.tail.sequence != prev {
		return fmt.Errorf("%w: head is %d, not %d", journal.ErrStale, j.tail.sequence, prev)
	}
	if err := journal.CheckBatch(prev, j.tail.time, batch); err != nil {
		return err
	}
	last := batch[len(batch)-1]
	var checksum uint32
	j.buffer, checksum = journal.EncodeBatch(j.buffer[:0], j.tail.checksum, batch)
	rows, err := j.exec(ctx, int64(prev+1), int64(last.Sequence), last.Time, checksum, j.buffer, j.tail.checksum)
	if cap(j.buffer) > keptBuffer {
		j.buffer = nil // do not keep the memory of one huge batch
	}
	if err != nil {
		j.tailKnown = false
		return translate("append", err)
	}
	if rows == 0 {
		j.tailKnown = false
		return fmt.Errorf("%w: another process has appended after %d", journal.ErrStale, prev)
	}
	j.tail = tail{sequence: last.Sequence, time: last.Time, checksum: checksum}
	return nil
}

// exec runs insertBatch beside, not during, the short end of a checkpoint.
func (j *Journal) exec(ctx context.Context, args ...any) (rows int64, err error) {
	j.checkpoints.commits.Lock()
	result, err := j.insert.ExecContext(ctx, args...)
	j.checkpoints.commits.Unlock()
	if err != nil {
		return 0, err
	}
	j.checkpoints.wrote(int64(len(j.buffer)))
	return result.RowsAffected()
}

// readTail decodes the newest batch.
func (j *Journal) readTail(ctx context.Context) (tail, error) {
	var first, last uint64
	var data []byte
	err := j.db.reader.QueryRowContext(ctx,
		"SELECT first_sequence, last_sequence, data FROM batches ORDER BY first_sequence DESC LIMIT 1").
		Scan(&first, &last, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return tail{}, nil
	}
	if err != nil {
		return tail{}, translate("read", err)
	}
	batch, err := journal.DecodeBatch(first, data)
	if err != nil {
		return tail{}, err
	}
	newest := batch.Records[len(batch.Records)-1]
	if newest.Sequence != last {
		return tail{}, &journal.CorruptError{Sequence: first, Reason: fmt.Sprintf("batch ends at %d, not %d", newest.Sequence, last)}
	}
	return tail{sequence: last, time: newest.Time, checksum: batch.Checksum}, nil
}

// Bounds implements journal.Store.
func (j *Journal) Bounds(ctx context.Context) (oldest, head uint64, err error) {
	if err := j.check(ctx); err != nil {
		return 0, 0, err
	}
	err = j.db.reader.QueryRowContext(ctx, `
		SELECT coalesce((SELECT first_sequence FROM batches ORDER BY first_sequence LIMIT 1), 1),
		       coalesce((SELECT last_sequence FROM batches ORDER BY first_sequence DESC LIMIT 1), 0)`).
		Scan(&oldest, &head)
	return oldest, head, translate("read", err)
}

// Close stops the checkpoints, waits for them, folds the write-ahead log into
// the file and closes it. It implements journal.Store.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.closed.Store(true)
		j.appending.Lock()
		defer j.appending.Unlock()
		j.saving.Lock()
		defer j.saving.Unlock()
		if j.checkpoints != nil {
			j.closeErr = j.checkpoints.stop()
		}
		if j.insert != nil {
			j.closeErr = errors.Join(j.closeErr, j.insert.Close())
		}
		j.closeErr = errors.Join(j.closeErr, j.db.close())
	})
	return j.closeErr
}

// translate maps SQLite's errors to those of package journal. The text names the operation,
// and SQLite's own error stays wrapped.
func translate(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("sqlite: journal: %s: %w: %w", doing, journal.ErrFull, err)
	case isCode(err, sqlite3.SQLITE_CORRUPT), isCode(err, sqlite3.SQLITE_NOTADB):
		return fmt.Errorf("sqlite: journal: %s: %w: %w", doing, journal.ErrCorrupt, err)
	default:
		return fmt.Errorf("sqlite: journal: %s: %w", doing, err)
	}
}
