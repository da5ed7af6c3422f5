package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"todoku/journal"
)

// selectBatches finds the batch that holds the record after ?1 and goes on from
// the batch before it, whose data is not needed but whose last checksum begins
// the chain.
const selectBatches = `
SELECT first_sequence, last_sequence, checksum,
       CASE WHEN last_sequence > ?1 THEN data END
FROM batches
WHERE first_sequence >= (
    SELECT min(first_sequence) FROM (
        SELECT first_sequence FROM batches WHERE first_sequence <= ?1 + 1
        ORDER BY first_sequence DESC LIMIT 2))
ORDER BY first_sequence`

// Read implements journal.Store. It looks at batches in one statement, so it
// sees one moment of the file.
func (j *Journal) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, fmt.Errorf("%w: limit %d", journal.ErrInvalid, limit)
	}
	if after >= journal.MaxSequence {
		return nil, nil
	}
	rows, err := j.db.reader.QueryContext(ctx, selectBatches, int64(after))
	if err != nil {
		return nil, translate("read", err)
	}
	defer func() { _ = rows.Close() }()

	var walk batchWalk
	for len(walk.records) < limit && walk.bytes < readBytes && rows.Next() {
		if err := walk.next(rows, after); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, translate("read", err)
	}
	if walk.started {
		return walk.records, nil
	}
	// No batch begins at or before after+1.
	oldest, _, err := j.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	if after+1 < oldest {
		return nil, fmt.Errorf("%w: oldest record is %d", journal.ErrCompacted, oldest)
	}
	return nil, nil
}

// batchWalk follows consecutive rows of batches and checks that each continues
// the one before.
type batchWalk struct {
	started  bool
	last     uint64 // last sequence of the row before
	checksum int64  // its checksum
	records  []journal.Record
	bytes    int
}

// next adds one row. Records up to after are left out.
func (w *batchWalk) next(rows *sql.Rows, after uint64) error {
	var first, last uint64
	var checksum int64
	var data []byte
	if err := rows.Scan(&first, &last, &checksum, &data); err != nil {
		return translate("read", err)
	}
	if w.started && first != w.last+1 {
		return &journal.CorruptError{Sequence: w.last + 1, Reason: fmt.Sprintf("is missing, next is %d", first)}
	}
	if data != nil {
		batch, err := journal.DecodeBatch(first, data)
		if err != nil {
			return err
		}
		switch decoded := batch.Records[len(batch.Records)-1].Sequence; {
		case w.started && int64(batch.Previous) != w.checksum:
			return &journal.CorruptError{Sequence: first, Reason: "does not follow the record before"}
		case decoded != last:
			return &journal.CorruptError{Sequence: first, Reason: fmt.Sprintf("batch ends at %d, not %d", decoded, last)}
		case int64(batch.Checksum) != checksum:
			return &journal.CorruptError{Sequence: last, Reason: "checksum beside the batch does not match"}
		}
		if first <= after {
			batch.Records = batch.Records[after+1-first:]
		}
		w.records = append(w.records, batch.Records...)
		w.bytes += len(data)
	}
	w.started, w.last, w.checksum = true, last, checksum
	return nil
}
