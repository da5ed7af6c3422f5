package journal

import (
	"context"
	"errors"
	"fmt"
)

// walkStep is how many records Walk asks for at a time.
const walkStep = 4096

// Summary says what a journal holds.
type Summary struct {
	// Epoch is the journal's identity.
	Epoch string
	// Oldest and Head are the bounds; 1 and 0 when it is empty.
	Oldest, Head uint64
	// FirstTime and LastTime are the times of those two records, in nanoseconds
	// since 1970 UTC; 0 when it is empty.
	FirstTime, LastTime int64
	// Records and Bytes count the records read so far and the length of their
	// data.
	Records, Bytes uint64
}

// Verify reads every record from the oldest to the head at the start, beside a running
// writer or without one, and checks what a Store promises: checksums, no gaps, times that
// never fall. It calls each, which may be nil, with every record and the summary so far,
// and returns its first error. The error for damage is a *CorruptError. With any error, the
// summary counts the good records before it.
func Verify(ctx context.Context, store Store, each func(Record, Summary) error) (Summary, error) {
	var summary Summary
	var err error
	if summary.Epoch, err = store.Epoch(ctx); err != nil {
		return summary, err
	}
	if summary.Oldest, summary.Head, err = store.Bounds(ctx); err != nil {
		return summary, err
	}
	err = Walk(ctx, store, summary.Oldest-1, summary.Head, func(record Record) error {
		if record.Time < summary.LastTime {
			return &CorruptError{record.Sequence, fmt.Sprintf("time %d before %d", record.Time, summary.LastTime)}
		}
		next := summary
		if next.Records == 0 {
			next.FirstTime = record.Time
		}
		next.LastTime = record.Time
		next.Records++
		next.Bytes += uint64(len(record.Data))
		if each != nil {
			if err := each(record, next); err != nil {
				return err
			}
		}
		summary = next
		return nil
	})
	return summary, err
}

// Walk calls use with each record from after+1 to through, which must be the
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
