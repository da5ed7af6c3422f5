package journal

import "context"

// Store is what a database must do to hold a journal. journaltest.Run checks
// an implementation against these words.
//
// All methods must be safe for concurrent use, and reads must not wait for an
// append that is being synced. A context that is done before a method starts
// must make it return the context's error and change nothing.
type Store interface {
	// Epoch must return the random identity that the journal got when it was
	// created (see [NewEpoch]); it never changes and is part of every cursor.
	Epoch(ctx context.Context) (string, error)

	// Append must write batch as one and return when it is durable. It must
	// refuse with ErrStale when the head is not prev, decided in the same
	// transaction that writes, and with what [CheckBatch] returns when the batch
	// breaks the rules. ErrFull says that space ran out and nothing was written.
	// After any other error the batch may be there whole or not at all, never in
	// part; the caller looks at Bounds before it goes on. It must not keep or
	// change the slices it is given.
	Append(ctx context.Context, prev uint64, batch []Record) error

	// Read must return records with a Sequence above after in order, from
	// after+1 on without gaps. It must stop at the end of the batch in which it
	// reaches limit, and may stop at the end of an earlier one, but must return
	// at least one record when there is one: only an empty answer means the end.
	// It must return ErrCompacted when after+1 lies before the oldest record, a
	// *CorruptError and no records when a record in reach is damaged or missing,
	// and ErrInvalid when limit is below 1. The caller owns the slice and must
	// not change the records' Data.
	Read(ctx context.Context, after uint64, limit int) ([]Record, error)

	// Bounds must return the sequences of the oldest and the newest record held.
	// Of an empty journal they are 1 and 0.
	Bounds(ctx context.Context) (oldest, head uint64, err error)

	// SaveSnapshot must store the snapshot under a checksum, all or nothing,
	// without holding up appends for its whole length, and then drop all but the
	// newest [KeptSnapshots]. A snapshot past the head is ErrInvalid. Saving one
	// sequence again must leave a good snapshot of it. It must not keep Data.
	SaveSnapshot(ctx context.Context, snapshot Snapshot) error

	// LoadSnapshot must return the newest undamaged snapshot with a Sequence of
	// at most atMost, passing over damaged ones, or ErrNoSnapshot. The caller
	// owns Data.
	LoadSnapshot(ctx context.Context, atMost uint64) (Snapshot, error)

	// Compact must drop the batches that lie wholly before the record before,
	// but never the newest batch, and must refuse with ErrNeedsSnapshot unless an
	// undamaged snapshot of before-1 or later is there. Interrupted, it must
	// leave a journal without gaps.
	Compact(ctx context.Context, before uint64) error

	// Close must release the store; afterwards every method returns ErrClosed.
	// It must wait for what the store has running and may be called again.
	Close() error
}
