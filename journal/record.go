package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

const (
	// MaxRecordSize is the longest Data of one record, in bytes.
	MaxRecordSize = 60 << 20
	// MaxBatchSize is the longest encoded batch, in bytes. A writer that gathers
	// records closes its batch before it gets there.
	MaxBatchSize = 64 << 20
	// MaxSequence is the highest sequence: databases count in signed integers.
	MaxSequence = math.MaxInt64
	// KeptSnapshots is how many snapshots a Store keeps: the newest, and one to
	// fall back on when that is damaged.
	KeptSnapshots = 2
)

// Record is one entry: what one command led to, as the engine wrote it down.
type Record struct {
	// Sequence counts records from 1 without gaps.
	Sequence uint64
	// Time is in nanoseconds since 1970 UTC, not negative, and never less than
	// that of the record before.
	Time int64
	// Data is opaque here and may be empty. Records share it with every reader:
	// it must not be changed.
	Data []byte
}

// Snapshot is the writer's whole state after one record, from which a replay
// can start instead of from the first record ever.
type Snapshot struct {
	// Sequence is the last record that the state includes, at most the head.
	Sequence uint64
	// Time is that record's, in nanoseconds since 1970 UTC.
	Time int64
	// Data is opaque here.
	Data []byte
}

// Checksum is the CRC-32C of all fields, stored beside the snapshot.
func (s Snapshot) Checksum() uint32 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], s.Sequence)
	binary.LittleEndian.PutUint64(head[8:], uint64(s.Time))
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(head[:], table), table, s.Data)
}

// CheckBatch applies the rules that every Store holds an appended batch to: not
// empty, consecutive from prev+1, times from lastTime on never falling, sizes
// within the limits. It returns ErrInvalid or ErrTooLarge with the reason.
func CheckBatch(prev uint64, lastTime int64, batch []Record) error {
	if len(batch) == 0 {
		return fmt.Errorf("%w: empty batch", ErrInvalid)
	}
	if prev > MaxSequence-uint64(len(batch)) {
		return fmt.Errorf("%w: sequence would exceed %d", ErrInvalid, uint64(MaxSequence))
	}
	if lastTime < 0 {
		lastTime = 0
	}
	size := batchHeaderSize
	for i, record := range batch {
		if want := prev + 1 + uint64(i); record.Sequence != want {
			return fmt.Errorf("%w: got record %d, want %d", ErrInvalid, record.Sequence, want)
		}
		if record.Time < lastTime {
			return fmt.Errorf("%w: record %d has time %d before %d", ErrInvalid, record.Sequence, record.Time, lastTime)
		}
		if len(record.Data) > MaxRecordSize {
			return fmt.Errorf("%w: record %d has %d bytes, at most %d", ErrTooLarge, record.Sequence, len(record.Data), MaxRecordSize)
		}
		lastTime = record.Time
		size += recordHeaderSize + len(record.Data) + checksumSize
	}
	if size > MaxBatchSize {
		return fmt.Errorf("%w: batch of %d bytes, at most %d", ErrTooLarge, size, MaxBatchSize)
	}
	return nil
}

// CheckCompact is the rule by which every Store refuses to compact: the newest
// undamaged snapshot, which load returns, must stand for all records before
// before. It returns ErrNeedsSnapshot, or what load failed with.
func CheckCompact(before uint64, load func() (Snapshot, error)) error {
	if before <= 1 {
		return nil
	}
	switch snapshot, err := load(); {
	case errors.Is(err, ErrNoSnapshot):
		return fmt.Errorf("%w: no snapshot, want one of %d or later", ErrNeedsSnapshot, before-1)
	case err != nil:
		return err
	case snapshot.Sequence < before-1:
		return fmt.Errorf("%w: the newest is of sequence %d, want %d or later", ErrNeedsSnapshot, snapshot.Sequence, before-1)
	default:
		return nil
	}
}
