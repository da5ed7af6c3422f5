package journaltest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"todoku/journal"
)

// MemoryStore is a [journal.Store] in memory.
type MemoryStore struct {
	shared *memory
	closed atomic.Bool
}

// memory is shared by all handles on one journal.
type memory struct {
	epoch string

	mu        sync.Mutex // protects the fields below
	batches   [][]journal.Record
	snapshots []journal.Snapshot // ascending by sequence
}

// NewMemoryStore returns an empty journal.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{shared: &memory{epoch: journal.NewEpoch()}}
}

// Reopen returns another handle on the same records, as opening a file again
// gives; closing one does not close the other.
func (s *MemoryStore) Reopen() *MemoryStore { return &MemoryStore{shared: s.shared} }

// check is the beginning of every method.
func (s *MemoryStore) check(ctx context.Context) error {
	if s.closed.Load() {
		return journal.ErrClosed
	}
	return ctx.Err()
}

// locked calls do while it holds the lock of the shared memory.
func (s *MemoryStore) locked(ctx context.Context, do func(*memory) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	return do(s.shared)
}

// Epoch implements [journal.Store].
func (s *MemoryStore) Epoch(ctx context.Context) (string, error) {
	return s.shared.epoch, s.check(ctx)
}

// Append implements [journal.Store].
func (s *MemoryStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	return s.locked(ctx, func(m *memory) error {
		var tail journal.Record
		if n := len(m.batches); n > 0 {
			tail = last(m.batches[n-1])
		}
		if tail.Sequence != prev {
			return fmt.Errorf("%w: head is %d, not %d", journal.ErrStale, tail.Sequence, prev)
		}
		if err := journal.CheckBatch(prev, tail.Time, batch); err != nil {
			return err
		}
		batch = slices.Clone(batch)
		for i := range batch {
			batch[i].Data = bytes.Clone(batch[i].Data)
		}
		m.batches = append(m.batches, batch)
		return nil
	})
}

func last(batch []journal.Record) journal.Record { return batch[len(batch)-1] }

// Read implements [journal.Store].
func (s *MemoryStore) Read(ctx context.Context, after uint64, limit int) (records []journal.Record, err error) {
	if limit < 1 {
		return nil, fmt.Errorf("%w: limit %d", journal.ErrInvalid, limit)
	}
	err = s.locked(ctx, func(m *memory) error {
		oldest, head := m.bounds()
		if after >= head {
			return nil
		}
		if after+1 < oldest {
			return fmt.Errorf("%w: oldest record is %d", journal.ErrCompacted, oldest)
		}
		at, _ := m.find(after + 1)
		for ; at < len(m.batches) && len(records) < limit; at++ {
			batch := m.batches[at]
			if first := batch[0].Sequence; first <= after {
				batch = batch[after+1-first:]
			}
			records = append(records, batch...)
		}
		return nil
	})
	return records, err
}

// find returns the index of the batch that ends with or behind a sequence.
func (m *memory) find(sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(m.batches, sequence, func(batch []journal.Record, sequence uint64) int {
		return cmp.Compare(last(batch).Sequence, sequence)
	})
}

// Bounds implements [journal.Store].
func (s *MemoryStore) Bounds(ctx context.Context) (oldest, head uint64, err error) {
	err = s.locked(ctx, func(m *memory) error {
		oldest, head = m.bounds()
		return nil
	})
	return oldest, head, err
}

func (m *memory) bounds() (oldest, head uint64) {
	if len(m.batches) == 0 {
		return 1, 0
	}
	return m.batches[0][0].Sequence, last(m.batches[len(m.batches)-1]).Sequence
}

// SaveSnapshot implements [journal.Store].
func (s *MemoryStore) SaveSnapshot(ctx context.Context, snapshot journal.Snapshot) error {
	return s.locked(ctx, func(m *memory) error {
		if _, head := m.bounds(); snapshot.Sequence > head {
			return fmt.Errorf("%w: snapshot of %d past the head %d", journal.ErrInvalid, snapshot.Sequence, head)
		}
		snapshot.Data = bytes.Clone(snapshot.Data)
		m.snapshots = slices.DeleteFunc(m.snapshots, func(s journal.Snapshot) bool { return s.Sequence == snapshot.Sequence })
		m.snapshots = append(m.snapshots, snapshot)
		slices.SortFunc(m.snapshots, func(a, b journal.Snapshot) int { return cmp.Compare(a.Sequence, b.Sequence) })
		m.snapshots = slices.Delete(m.snapshots, 0, max(0, len(m.snapshots)-journal.KeptSnapshots))
		return nil
	})
}

// LoadSnapshot implements [journal.Store].
func (s *MemoryStore) LoadSnapshot(ctx context.Context, atMost uint64) (snapshot journal.Snapshot, err error) {
	err = s.locked(ctx, func(m *memory) (err error) {
		snapshot, err = m.loadSnapshot(atMost)
		return err
	})
	return snapshot, err
}

func (m *memory) loadSnapshot(atMost uint64) (journal.Snapshot, error) {
	for _, snapshot := range slices.Backward(m.snapshots) {
		if snapshot.Sequence <= atMost {
			snapshot.Data = bytes.Clone(snapshot.Data)
			return snapshot, nil
		}
	}
	return journal.Snapshot{}, fmt.Errorf("%w of %d or before", journal.ErrNoSnapshot, atMost)
}

// Compact implements [journal.Store].
func (s *MemoryStore) Compact(ctx context.Context, before uint64) error {
	return s.locked(ctx, func(m *memory) error {
		err := journal.CheckCompact(before, func() (journal.Snapshot, error) { return m.loadSnapshot(journal.MaxSequence) })
		if err != nil || len(m.batches) == 0 {
			return err
		}
		at, _ := m.find(before)
		m.batches = slices.Delete(m.batches, 0, min(at, len(m.batches)-1))
		return nil
	})
}

// Close implements [journal.Store].
func (s *MemoryStore) Close() error {
	s.closed.Store(true)
	return nil
}
