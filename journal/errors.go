package journal

import (
	"errors"
	"fmt"
)

// The errors of a Store and a Log. All are matched with errors.Is; what is
// returned usually wraps one of them together with its cause.
var (
	// ErrStale says that the head is not what the writer expects: another writer
	// else has appended. Nothing was written.
	ErrStale = errors.New("journal: stale writer")
	// ErrFailed says that an append has failed and the Log takes no more until
	// [Log.Reopen]. Whether that append took effect is not known before.
	ErrFailed = errors.New("journal: failed, must be reopened")
	// ErrFull says that the disk, or the store's size limit, is full. Nothing
	// of the batch is visible; reads go on.
	ErrFull = errors.New("journal: no space left")
	// ErrInvalid says that an argument breaks the journal's rules: an empty
	// batch, a gap, a falling time, a limit below 1. Nothing was written.
	ErrInvalid = errors.New("journal: invalid argument")
	// ErrTooLarge says that a record is longer than [MaxRecordSize] or a batch
	// longer than [MaxBatchSize]. Nothing was written.
	ErrTooLarge = errors.New("journal: too large")
	// ErrCompacted says that the records asked for were dropped by Compact.
	// Start from a snapshot instead.
	ErrCompacted = errors.New("journal: records compacted away")
	// ErrCorrupt says that stored bytes are not what was written. It is always
	// inside a *CorruptError where the sequence is known.
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrNoSnapshot says that no undamaged snapshot is old enough.
	ErrNoSnapshot = errors.New("journal: no snapshot")
	// ErrNeedsSnapshot says that compacting would drop records that no snapshot
	// stands for. Nothing was dropped.
	ErrNeedsSnapshot = errors.New("journal: compacting needs a newer snapshot")
	// ErrReadOnly says that the store was opened for reading. Nothing was written.
	ErrReadOnly = errors.New("journal: opened read-only")
	// ErrFollower says that the Log follows another that appends. Nothing was
	// written.
	ErrFollower = errors.New("journal: this log is a follower and cannot append")
	// ErrClosed says that the Log or Store has been closed.
	ErrClosed = errors.New("journal: closed")
)

// The errors of opening what a venue keeps, the same for every database. What is
// returned names the place and says what to do. Nothing was changed there.
var (
	// ErrInUse says that another process uses the data.
	ErrInUse = errors.New("data is in use")
	// ErrNewerVersion says that a newer version of Todoku has written the data.
	ErrNewerVersion = errors.New("data written by a newer version")
	// ErrOlderVersion says that the data was opened for reading and would have to
	// be migrated first.
	ErrOlderVersion = errors.New("data written by an older version")
	// ErrForeign says that the data is not Todoku's.
	ErrForeign = errors.New("not data of Todoku")
)

// CorruptError says which record is damaged. It matches [ErrCorrupt].
type CorruptError struct {
	// Sequence is the first record that cannot be trusted.
	Sequence uint64
	// Reason is what was found, for an operator.
	Reason string
}

// Error names the record and what was found.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal: record %d is corrupt: %s", e.Sequence, e.Reason)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }
