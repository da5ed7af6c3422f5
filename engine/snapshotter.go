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
// every snapshot proves that the state follows from the journal alone.
type snapshotter struct {
	log     *journal.Log
	options Options
	due     chan uint64
	// offered is the sequence that was last sent to run; only the engine's goroutine
	// uses it.
	offered uint64
	// saved is the newest snapshot's sequence.
	saved atomic.Uint64
}

func newSnapshotter(log *journal.Log, options Options, saved uint64) *snapshotter {
	s := &snapshotter{log: log, options: options, due: make(chan uint64, 1), offered: saved}
	s.saved.Store(saved)
	return s
}

// offer requests a snapshot when one is due at a sequence. It never waits: while a
// snapshot is being written, the next one is requested later.
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

// run writes snapshots until ctx ends. It reports errors; the next attempt is the next
// snapshot that is due.
func (s *snapshotter) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case sequence := <-s.due:
			began := s.options.Clock()
			// The journal may have grown since the offer, and the last snapshot may be
			// newer than the offer.
			sequence = max(sequence, s.log.Head())
			if sequence == s.saved.Load() {
				continue
			}
			if err := s.write(ctx, sequence); err != nil && ctx.Err() == nil && !errors.Is(err, journal.ErrFollower) {
				s.options.Report(Report{What: SnapshotFailed, Sequence: sequence, Err: err})
			}
			pause(ctx, pauseFactor*s.options.Clock().Sub(began))
		}
	}
}

// write makes the snapshot of a sequence from the one before and the records since. The
// requests of the one before, which may be millions, are copied without decoding them.
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
	state.requests.noLookup = true
	if err := state.replay(ctx, s.log, sequence); err != nil {
		return err
	}
	requests, err = requests.Since(state.requests.forgotten)
	if err != nil {
		return fmt.Errorf("engine: snapshot %d: %w", before.Sequence, err)
	}
	return s.save(ctx, state, requests)
}

// The pause after a snapshot is pauseFactor times as long as writing it took. A snapshot
// with a million requests takes seconds; on a busy venue, the next one would be due
// before it is written. longestPause bounds the pause when the clock was set.
const (
	pauseFactor  = 9
	longestPause = 10 * time.Minute
)

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(min(d, longestPause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// last writes the snapshot of a stopping engine, if its state agrees with the journal
// and is newer than the last snapshot.
func (s *snapshotter) last(ctx context.Context, state *state, sound bool) error {
	if !sound || state.sequence == s.saved.Load() {
		return nil
	}
	return s.save(ctx, state, nil)
}

// save stores a state, with the requests earlier before its own.
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

// compact drops the records that are older than the retention and are covered by a
// snapshot. That is the snapshot before the newest, so that a restart can replay from it
// when the newest is damaged.
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
