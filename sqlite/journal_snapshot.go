package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"todoku/journal"
)

const (
	// snapshotPart is how much of a snapshot one transaction writes, in bytes.
	// Appends get their turn between parts.
	snapshotPart = 256 << 10

	// compactStep is how many batches one transaction drops, for the same reason.
	compactStep = 128
)

// SaveSnapshot implements journal.Store. The parts are written first, each by
// itself, and the row that makes them a snapshot comes last; parts of a save
// that was cut off are removed by the next one.
func (j *Journal) SaveSnapshot(ctx context.Context, snapshot journal.Snapshot) error {
	if err := j.checkWrite(ctx); err != nil {
		return err
	}
	j.saving.Lock()
	defer j.saving.Unlock()
	switch _, head, err := j.Bounds(ctx); {
	case err != nil:
		return err
	case snapshot.Sequence > head:
		return fmt.Errorf("%w: snapshot of %d past the head %d", journal.ErrInvalid, snapshot.Sequence, head)
	}
	sequence := int64(snapshot.Sequence)
	switch _, err := j.loadSnapshot(ctx, sequence); {
	case err == nil:
		return nil // the state after one record is always the same
	case !errors.Is(err, journal.ErrCorrupt):
		return err
	}
	if err := j.clearParts(ctx, sequence); err != nil {
		return err
	}
	if err := j.saveParts(ctx, snapshot); err != nil {
		// On a full disk the parts are in the way of the next append; what cannot
		// be removed now, the next save removes.
		_ = j.clearParts(context.WithoutCancel(ctx), sequence)
		return translate("snapshot", err)
	}
	return nil
}

// saveParts writes a snapshot that is not there, and drops what is then too old.
func (j *Journal) saveParts(ctx context.Context, snapshot journal.Snapshot) error {
	sequence := int64(snapshot.Sequence)
	for part := 0; part*snapshotPart < len(snapshot.Data); part++ {
		data := snapshot.Data[part*snapshotPart:]
		data = data[:min(len(data), snapshotPart)]
		if err := j.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO snapshot_parts (sequence, part, data) VALUES (?, ?, ?)", sequence, part, data)
			return err
		}); err != nil {
			return err
		}
		j.checkpoints.wrote(int64(len(data)))
	}
	return j.changeSnapshots(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO snapshots (sequence, time, size, checksum) VALUES (?, ?, ?, ?)",
			sequence, snapshot.Time, len(snapshot.Data), snapshot.Checksum()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM snapshots WHERE sequence NOT IN
			(SELECT sequence FROM snapshots ORDER BY sequence DESC LIMIT ?)`, journal.KeptSnapshots)
		return err
	})
}

// clearParts removes a damaged snapshot of this sequence and parts that belong
// to none.
func (j *Journal) clearParts(ctx context.Context, sequence int64) error {
	return translate("snapshot", j.changeSnapshots(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM snapshots WHERE sequence = ?", sequence)
		return err
	}))
}

// changeSnapshots runs do in a transaction and deletes the parts of snapshots that
// are not there afterwards.
func (j *Journal) changeSnapshots(ctx context.Context, do func(tx *sql.Tx) error) error {
	return j.write(ctx, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM snapshot_parts WHERE sequence NOT IN (SELECT sequence FROM snapshots)")
		return err
	})
}

// write is one transaction that takes its turn with appends and checkpoints.
func (j *Journal) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	j.checkpoints.commits.Lock()
	defer j.checkpoints.commits.Unlock()
	return j.db.write(ctx, do)
}

// LoadSnapshot implements journal.Store.
func (j *Journal) LoadSnapshot(ctx context.Context, atMost uint64) (journal.Snapshot, error) {
	if err := j.check(ctx); err != nil {
		return journal.Snapshot{}, err
	}
	bound := int64(min(atMost, journal.MaxSequence))
	for {
		var sequence int64
		err := j.db.reader.QueryRowContext(ctx,
			"SELECT sequence FROM snapshots WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1", bound).Scan(&sequence)
		if errors.Is(err, sql.ErrNoRows) {
			return journal.Snapshot{}, fmt.Errorf("%w of %d or before", journal.ErrNoSnapshot, atMost)
		}
		if err != nil {
			return journal.Snapshot{}, translate("snapshot", err)
		}
		snapshot, err := j.loadSnapshot(ctx, sequence)
		if !errors.Is(err, journal.ErrCorrupt) {
			return snapshot, err
		}
		bound = sequence - 1 // damaged: an older one will do
	}
}

// loadSnapshot returns the snapshot of exactly this sequence, or an error that
// is journal.ErrCorrupt when there is none or it is damaged.
func (j *Journal) loadSnapshot(ctx context.Context, sequence int64) (journal.Snapshot, error) {
	snapshot := journal.Snapshot{Sequence: uint64(sequence)}
	damaged := &journal.CorruptError{Sequence: snapshot.Sequence, Reason: "its snapshot is damaged or not there"}
	err := j.db.read(ctx, func(tx *sql.Tx) error {
		var size, checksum int64
		if err := tx.QueryRowContext(ctx, "SELECT time, size, checksum FROM snapshots WHERE sequence = ?", sequence).
			Scan(&snapshot.Time, &size, &checksum); err != nil {
			return err
		}
		var data bytes.Buffer
		err := each(ctx, tx, func(row scanner) error {
			var part sql.RawBytes
			err := row.Scan(&part)
			data.Write(part)
			return err
		}, "SELECT data FROM snapshot_parts WHERE sequence = ? ORDER BY part", sequence)
		snapshot.Data = data.Bytes()
		if err == nil && (int64(len(snapshot.Data)) != size || int64(snapshot.Checksum()) != checksum) {
			err = damaged
		}
		return err
	})
	switch {
	case err == nil:
		return snapshot, nil
	case errors.Is(err, sql.ErrNoRows), isCode(err, sqlite3.SQLITE_CORRUPT):
		return journal.Snapshot{}, damaged
	default:
		return journal.Snapshot{}, translate("snapshot", err)
	}
}

// Compact implements journal.Store. It drops oldest first and a little at a
// time, so an interruption leaves a journal that begins later than before and
// has no gap. The file keeps its size; the space is used again.
func (j *Journal) Compact(ctx context.Context, before uint64) error {
	if err := j.checkWrite(ctx); err != nil {
		return err
	}
	j.saving.Lock()
	defer j.saving.Unlock()
	if err := journal.CheckCompact(before, func() (journal.Snapshot, error) {
		return j.LoadSnapshot(ctx, journal.MaxSequence)
	}); err != nil {
		return err
	}
	// The batch that holds before, or the newest, is kept, with all later batches.
	var keep sql.NullInt64
	if err := j.db.reader.QueryRowContext(ctx, "SELECT max(first_sequence) FROM batches WHERE first_sequence <= ?",
		int64(min(before, journal.MaxSequence))).Scan(&keep); err != nil {
		return translate("compact", err)
	}
	for {
		var dropped int64
		err := j.write(ctx, func(tx *sql.Tx) (err error) {
			dropped, err = execute(ctx, tx, `DELETE FROM batches WHERE first_sequence IN
				(SELECT first_sequence FROM batches WHERE first_sequence < ? ORDER BY first_sequence LIMIT ?)`,
				keep.Int64, compactStep)
			return err
		})
		if err != nil || dropped == 0 {
			return translate("compact", err)
		}
		j.checkpoints.wrote(dropped * pageSize)
	}
}
