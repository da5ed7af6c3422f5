package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

func TestHistoryBeyondTheRetentionIsDroppedBehindASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewMemoryStore()
		r := start(t, store, engine.Options{SnapshotEvery: 10, Retain: 2 * time.Hour})
		r.signUp("alice")
		for n := range 100 {
			r.must(order("alice", n))
			pass(10 * time.Minute)
		}
		oldest, head := r.log.Oldest(), r.log.Head()
		records, err := r.log.Read(t.Context(), oldest-1, 1)
		if err != nil {
			t.Fatal(err)
		}
		age := time.Since(time.Unix(0, records[0].Time))
		if age < 2*time.Hour || age > 6*time.Hour {
			t.Errorf("record %d of %d is the oldest and %v old", oldest, head, age)
		}
		if _, err := r.log.Read(t.Context(), 0, 1); !errors.Is(err, journal.ErrCompacted) && oldest > 1 {
			// The log may still have it in memory; the store must not have it.
			if _, err := store.Read(t.Context(), 0, 1); !errors.Is(err, journal.ErrCompacted) {
				t.Errorf("the first record: %v", err)
			}
		}
		if r.reported(engine.Compacted) == 0 || r.reported(engine.CompactFailed) != 0 {
			t.Errorf("%d compactions, %d failed", r.reported(engine.Compacted), r.reported(engine.CompactFailed))
		}
		r.sameAfterRestart(store)
	})
}

// forgetful is a store that finds its newest snapshot damaged.
type forgetful struct {
	journal.Store

	damaged atomic.Uint64
}

func (f *forgetful) LoadSnapshot(ctx context.Context, atMost uint64) (journal.Snapshot, error) {
	if damaged := f.damaged.Load(); damaged != 0 {
		atMost = min(atMost, damaged-1)
	}
	return f.Store.LoadSnapshot(ctx, atMost)
}

func TestADamagedSnapshotIsSkipped(t *testing.T) {
	store := &forgetful{Store: journaltest.NewMemoryStore()}
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	r.must(order("alice", 1))
	r.stop()
	first, err := store.LoadSnapshot(t.Context(), journal.MaxSequence)
	if err != nil {
		t.Fatal(err)
	}
	r = start(t, store, engine.Options{})
	r.must(order("alice", 2))
	r.stop()
	second, err := store.LoadSnapshot(t.Context(), journal.MaxSequence)
	if err != nil || second.Sequence <= first.Sequence {
		t.Fatalf("the snapshots are of %d and %d, %v", first.Sequence, second.Sequence, err)
	}
	for _, damaged := range []uint64{second.Sequence, first.Sequence} {
		store.damaged.Store(damaged)
		r.sameAfterRestart(store)
	}
}

func TestAnUnreadableSnapshotIsRefusedWithAnExplanation(t *testing.T) {
	store := journaltest.NewMemoryStore()
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	r.stop()
	if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: r.log.Head(), Data: []byte("\xff")}); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Open(t.Context(), r.log, engine.Options{Clock: time.Now}); err == nil {
		t.Error("opened")
	}
}

// noSnapshots is a store that refuses snapshots.
type noSnapshots struct {
	journal.Store

	tried atomic.Int64
}

func (s *noSnapshots) SaveSnapshot(context.Context, journal.Snapshot) error {
	s.tried.Add(1)
	return journal.ErrFull
}

func TestASnapshotThatFailsIsNotTriedWithEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &noSnapshots{Store: journaltest.NewMemoryStore()}
		log, err := journal.Open(t.Context(), store, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		e, err := engine.Open(t.Context(), log, engine.Options{Clock: time.Now, SnapshotEvery: 100, Report: func(r engine.Report) {
			if r.What == engine.SnapshotFailed && errors.Is(r.Err, journal.ErrFull) {
				failed++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		for range 1000 {
			if _, err := e.Submit(ctx, &trade.Announce{Text: "The next."}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if tried := store.tried.Load(); tried != 10 || failed != 10 {
			t.Errorf("tried %d times and reported %d", tried, failed)
		}
		cancel()
		if err := <-ended; !errors.Is(err, journal.ErrFull) {
			t.Errorf("the last snapshot: %v", err)
		}
	})
}

// slowSnapshots is a store that takes time for each snapshot.
type slowSnapshots struct {
	journal.Store

	saved atomic.Int64
}

func (s *slowSnapshots) SaveSnapshot(ctx context.Context, snapshot journal.Snapshot) error {
	timer := time.NewTimer(2 * time.Second)
	<-timer.C
	s.saved.Add(1)
	return s.Store.SaveSnapshot(ctx, snapshot)
}

func TestSnapshotsTakeATenthOfTheTimeAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowSnapshots{Store: journaltest.NewMemoryStore()}
		r := start(t, store, engine.Options{SnapshotEvery: 10})
		r.signUp("alice")
		for n := range 2000 {
			r.must(order("alice", n))
			pass(100 * time.Millisecond)
		}
		if saved := store.saved.Load(); saved < 9 || saved > 11 {
			t.Errorf("%d snapshots of 2 s each in 200 s", saved)
		}
		newest, err := store.LoadSnapshot(t.Context(), journal.MaxSequence)
		if err != nil || newest.Sequence+250 < r.log.Head() {
			t.Errorf("the newest snapshot is of %d, the head is %d, %v", newest.Sequence, r.log.Head(), err)
		}
		r.sameAfterRestart(store)
	})
}
