package journal

import (
	"context"
	"errors"
	"fmt"
)

// walkStep is how many records Walk asks for at a time.
const walkStep = 4096

// Summary says what a journal holds. Verify fills everything, Stat leaves
// Records and Bytes to it.
type Summary struct {
	// Epoch is the journal's identity.
	Epoch string
	// Oldest and Head are the bounds; 1 and 0 when it is empty.
	Oldest, Head uint64
	// FirstTime and LastTime are the times of those two records, in nanoseconds
	// since 1970 UTC; 0 when it is empty.
	FirstTime, LastTime int64
	// Snapshot is the sequence of the newest undamaged snapshot, valid when
	// HasSnapshot is set.
	Snapshot    uint64
	HasSnapshot bool
	// Records and Bytes count the records read so far and the length of their
	// data.
	Records, Bytes uint64
}

// Stat reads what a journal holds without walking through it.
func Stat(ctx context.Context, store Store) (Summary, error) {
	summary, err := bounds(ctx, store)
	if err != nil || summary.Head == 0 {
		return summary, err
	}
	first, err := at(ctx, store, summary.Oldest)
	if err != nil {
		return summary, err
	}
	last, err := at(ctx, store, summary.Head)
	if err != nil {
		return summary, err
	}
	summary.FirstTime, summary.LastTime = first.Time, last.Time
	return summary, nil
}

// Verify reads every record from the oldest to the head there was at the start,
// beside a running writer or without one, and checks what a Store promises:
// checksums, no gaps, times that never fall. Progress, which may be nil, is
// called with the count so far after each record. The error is a *CorruptError
// for the first damage met; the summary then counts what was good before it.
func Verify(ctx context.Context, store Store, progress func(Summary)) (Summary, error) {
	summary, err := bounds(ctx, store)
	if err != nil {
		return summary, err
	}
	err = Walk(ctx, store, summary.Oldest-1, summary.Head, func(record Record) error {
		if record.Time < summary.LastTime {
			return &CorruptError{record.Sequence, fmt.Sprintf("time %d before %d", record.Time, summary.LastTime)}
		}
		if summary.Records == 0 {
			summary.FirstTime = record.Time
		}
		summary.LastTime = record.Time
		summary.Records++
		summary.Bytes += uint64(len(record.Data))
		if progress != nil {
			progress(summary)
		}
		return nil
	})
	return summary, err
}

// Walk calls use with each record behind after up to through, which must be the
// head or before, and returns its first error. Records that a running writer
// drops meanwhile are left out. The error for a missing record is a *CorruptError.
func Walk(ctx context.Context, store Store, after, through uint64, use func(Record) error) error {
	for after < through {
		records, err := store.Read(ctx, after, walkStep)
		if errors.Is(err, ErrCompacted) {
			oldest, _, boundsErr := store.Bounds(ctx)
			if boundsErr == nil && oldest > after+1 {
				after = oldest - 1
				continue
			}
		}
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return &CorruptError{after + 1, "is missing"}
		}
		for _, record := range until(records, through) {
			after++
			if record.Sequence != after {
				return &CorruptError{after, fmt.Sprintf("sequence %d in its place", record.Sequence)}
			}
			if err := use(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounds fills the part of a summary that needs no record.
func bounds(ctx context.Context, store Store) (Summary, error) {
	var summary Summary
	var err error
	if summary.Epoch, err = store.Epoch(ctx); err != nil {
		return summary, err
	}
	if summary.Oldest, summary.Head, err = store.Bounds(ctx); err != nil {
		return summary, err
	}
	switch snapshot, err := store.LoadSnapshot(ctx, MaxSequence); {
	case err == nil:
		summary.Snapshot, summary.HasSnapshot = snapshot.Sequence, true
	case !errors.Is(err, ErrNoSnapshot):
		return summary, err
	}
	return summary, nil
}

// at reads one record.
func at(ctx context.Context, store Store, sequence uint64) (Record, error) {
	records, err := store.Read(ctx, sequence-1, 1)
	if err != nil {
		return Record{}, err
	}
	if len(records) == 0 {
		return Record{}, &CorruptError{sequence, "is missing"}
	}
	return records[0], nil
}
