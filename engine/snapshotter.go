package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"todoku/journal"
	"todoku/trade/record"
)

// snapshotter writes snapshots beside the running engine. It reads the journal
// into a state of its own, as a restart would: the engine never waits for it, and
// every snapshot proves that the journal alone leads to the state.
type snapshotter struct {
	log     *journal.Log
	options Options
	due     chan uint64
	// offered is the sequence that was last taken up by run; the engine's goroutine
	// alone uses it.
	offered uint64
	// saved is the newest snapshot's sequence.
	saved atomic.Uint64
}

func newSnapshotter(log *journal.Log, options Options, saved uint64) *snapshotter {
	s := &snapshotter{log: log, options: options, due: make(chan uint64, 1), offered: saved}
	s.saved.Store(saved)
	return s
}

// offer says that the journal has come to a sequence. It never waits: while a
// snapshot is being written, the next one is due later.
func (s *snapshotter) offer(sequence uint64) {
	if sequence < s.offered+s.options.SnapshotEvery {
		return
	}
	select {
	case s.due <- sequence:
		s.offered = sequence
	default:
	}
}

// run writes snapshots until ctx ends. What goes wrong is reported, and the next
// one is tried when it would be due in any case.
func (s *snapshotter) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case sequence := <-s.due:
			began := s.options.Clock()
			// More may have come while the last one was being written or paid for, and
			// the last one may have had what this one was offered for.
			sequence = max(sequence, s.log.Head())
			if sequence == s.saved.Load() {
				continue
			}
			if err := s.write(ctx, sequence); err != nil && ctx.Err() == nil && !errors.Is(err, journal.ErrFollower) {
				s.options.Report(Report{What: SnapshotFailed, Sequence: sequence, Err: err})
			}
			rest(ctx, restAfter*s.options.Clock().Sub(began))
		}
	}
}

// write makes the snapshot of a sequence out of the one before and the records
// since, and lets go of both. The requests that the one before holds, which may be
// millions, stay the bytes that they are.
func (s *snapshotter) write(ctx context.Context, sequence uint64) error {
	before, err := newestSnapshot(ctx, s.log, sequence)
	if err != nil {
		return err
	}
	core, requests, err := record.CutRequests(before.Data)
	if err != nil {
		return fmt.Errorf("engine: snapshot %d: %w", before.Sequence, err)
	}
	snapshot, err := record.DecodeSnapshot(core)
	if err != nil {
		return fmt.Errorf("engine: snapshot %d: %w", before.Sequence, err)
	}
	state := restore(snapshot)
	state.requests.unsought = true
	if err := state.replay(ctx, s.log, sequence); err != nil {
		return err
	}
	requests, err = requests.Since(state.requests.forgotten)
	if err != nil {
		return fmt.Errorf("engine: snapshot %d: %w", before.Sequence, err)
	}
	return s.save(ctx, state, requests)
}

// restAfter is how many times as long as a snapshot took none is written after it:
// a state of a million requests takes seconds, and a venue that fills the journal
// in less would do little else. longestRest is for a clock that was set.
const (
	restAfter   = 9
	longestRest = 10 * time.Minute
)

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(min(d, longestRest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// last writes the snapshot of a stopping engine, if its state is the journal's
// and there is something new in it.
func (s *snapshotter) last(ctx context.Context, state *state, sound bool) error {
	if !sound || state.sequence == s.saved.Load() {
		return nil
	}
	return s.save(ctx, state, nil)
}

// save stores a state, with requests that were answered before those that it has.
func (s *snapshotter) save(ctx context.Context, state *state, earlier record.Requests) error {
	data, err := record.EncodeSnapshotAfter(earlier, state.snapshot())
	if err != nil {
		return fmt.Errorf("engine: encode snapshot: %w", err)
	}
	if err := s.log.SaveSnapshot(ctx, journal.Snapshot{Sequence: state.sequence, Time: state.time, Data: data}); err != nil {
		return fmt.Errorf("engine: save snapshot: %w", err)
	}
	before := s.saved.Swap(state.sequence)
	s.options.Report(Report{What: SnapshotSaved, Sequence: state.sequence})
	return s.compact(ctx, before)
}

// compact drops the records that are older than the retention and stand behind a
// snapshot: the one before the newest, so that a restart which finds the newest
// damaged can still replay from it.
func (s *snapshotter) compact(ctx context.Context, snapshot uint64) error {
	if s.options.Retain <= 0 {
		return nil
	}
	before, err := s.log.FirstSince(ctx, s.options.Clock().Add(-s.options.Retain).UnixNano(), snapshot)
	if err == nil && before > s.log.Oldest() {
		err = s.log.Compact(ctx, before)
		if err == nil {
			s.options.Report(Report{What: Compacted, Sequence: before})
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.options.Report(Report{What: CompactFailed, Sequence: before, Err: err})
	}
	return nil
}
