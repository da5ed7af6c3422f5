package journaltest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"todoku/journal"
)

// MemoryStore is a [journal.Store] in memory. It keeps the same encoded batches as
// the durable stores, so it finds damage as they do.
type MemoryStore struct {
	shared *memory
	closed atomic.Bool
}

// memory is what all handles on one journal share.
type memory struct {
	epoch string

	mu        sync.RWMutex // protects what follows
	batches   []memoryBatch
	snapshots []memorySnapshot // ascending by sequence
}

type memoryBatch struct {
	first, last uint64
	lastTime    int64
	checksum    uint32
	data        []byte
}

type memorySnapshot struct {
	journal.Snapshot

	checksum uint32
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

// Epoch implements [journal.Store].
func (s *MemoryStore) Epoch(ctx context.Context) (string, error) {
	return s.shared.epoch, s.check(ctx)
}

// Append implements [journal.Store].
func (s *MemoryStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	m := s.shared
	m.mu.Lock()
	defer m.mu.Unlock()
	var tail memoryBatch
	if len(m.batches) > 0 {
		tail = m.batches[len(m.batches)-1]
	}
	if tail.last != prev {
		return fmt.Errorf("%w: head is %d, not %d", journal.ErrStale, tail.last, prev)
	}
	if err := journal.CheckBatch(prev, tail.lastTime, batch); err != nil {
		return err
	}
	last := batch[len(batch)-1]
	data, checksum := journal.EncodeBatch(nil, tail.checksum, batch)
	m.batches = append(m.batches, memoryBatch{
		first: batch[0].Sequence, last: last.Sequence, lastTime: last.Time, checksum: checksum, data: data,
	})
	return nil
}

// Read implements [journal.Store].
func (s *MemoryStore) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, fmt.Errorf("%w: limit %d", journal.ErrInvalid, limit)
	}
	m := s.shared
	m.mu.RLock()
	defer m.mu.RUnlock()
	oldest, head := m.bounds()
	if after >= head {
		return nil, nil
	}
	if after+1 < oldest {
		return nil, fmt.Errorf("%w: oldest record is %d", journal.ErrCompacted, oldest)
	}
	var records []journal.Record
	at := sort.Search(len(m.batches), func(i int) bool { return m.batches[i].last > after })
	for ; at < len(m.batches) && len(records) < limit; at++ {
		stored := m.batches[at]
		batch, err := journal.DecodeBatch(stored.first, stored.data)
		if err != nil {
			return nil, err
		}
		if at > 0 && batch.Previous != m.batches[at-1].checksum {
			return nil, &journal.CorruptError{Sequence: stored.first, Reason: "does not follow the record before"}
		}
		if stored.first <= after {
			batch.Records = batch.Records[after+1-stored.first:]
		}
		records = append(records, batch.Records...)
	}
	return records, nil
}

// Bounds implements [journal.Store].
func (s *MemoryStore) Bounds(ctx context.Context) (oldest, head uint64, err error) {
	if err := s.check(ctx); err != nil {
		return 0, 0, err
	}
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	oldest, head = s.shared.bounds()
	return oldest, head, nil
}

func (m *memory) bounds() (oldest, head uint64) {
	if len(m.batches) == 0 {
		return 1, 0
	}
	return m.batches[0].first, m.batches[len(m.batches)-1].last
}

// SaveSnapshot implements [journal.Store].
func (s *MemoryStore) SaveSnapshot(ctx context.Context, snapshot journal.Snapshot) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	m := s.shared
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, head := m.bounds(); snapshot.Sequence > head {
		return fmt.Errorf("%w: snapshot of %d past the head %d", journal.ErrInvalid, snapshot.Sequence, head)
	}
	snapshot.Data = bytes.Clone(snapshot.Data)
	saved := memorySnapshot{snapshot, snapshot.Checksum()}
	at, found := slices.BinarySearchFunc(m.snapshots, snapshot.Sequence, func(saved memorySnapshot, sequence uint64) int {
		return cmp.Compare(saved.Sequence, sequence)
	})
	if found {
		m.snapshots[at] = saved
	} else {
		m.snapshots = slices.Insert(m.snapshots, at, saved)
	}
	if extra := len(m.snapshots) - journal.KeptSnapshots; extra > 0 {
		m.snapshots = slices.Delete(m.snapshots, 0, extra)
	}
	return nil
}

// LoadSnapshot implements [journal.Store].
func (s *MemoryStore) LoadSnapshot(ctx context.Context, atMost uint64) (journal.Snapshot, error) {
	if err := s.check(ctx); err != nil {
		return journal.Snapshot{}, err
	}
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	return s.shared.loadSnapshot(atMost)
}

func (m *memory) loadSnapshot(atMost uint64) (journal.Snapshot, error) {
	for _, saved := range slices.Backward(m.snapshots) {
		if saved.Sequence <= atMost && saved.checksum == saved.Checksum() {
			snapshot := saved.Snapshot
			snapshot.Data = bytes.Clone(snapshot.Data)
			return snapshot, nil
		}
	}
	return journal.Snapshot{}, fmt.Errorf("%w of %d or before", journal.ErrNoSnapshot, atMost)
}

// Compact implements [journal.Store].
func (s *MemoryStore) Compact(ctx context.Context, before uint64) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	m := s.shared
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := journal.CheckCompact(before, func() (journal.Snapshot, error) { return m.loadSnapshot(journal.MaxSequence) }); err != nil {
		return err
	}
	drop := 0
	for drop < len(m.batches)-1 && m.batches[drop].last < before {
		drop++
	}
	m.batches = slices.Delete(m.batches, 0, drop)
	return nil
}

// Close implements [journal.Store].
func (s *MemoryStore) Close() error {
	s.closed.Store(true)
	return nil
}
