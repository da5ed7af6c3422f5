package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

func TestAFullDiskRefusesAndRecoversByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewFaulty(journaltest.NewMemoryStore())
		r := start(t, store, engine.Options{})
		r.signUp("alice")
		kept := r.must(order("alice", 1))
		store.Fail(journaltest.FaultBefore, -1, nil)
		for range 3 {
			if _, err := r.Submit(t.Context(), order("alice", 2)); !errors.Is(err, engine.ErrNotDurable) || !errors.Is(err, journal.ErrFull) {
				t.Fatalf("on a full disk: %v", err)
			}
		}
		if err := r.Health(); !errors.Is(err, journal.ErrFull) {
			t.Errorf("health on a full disk: %v", err)
		}
		if records, err := r.log.Read(t.Context(), 0, 100); err != nil || len(records) != int(kept.Sequence) {
			t.Errorf("reading on a full disk: %d records, %v", len(records), err)
		}
		tries := store.Appends()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := store.Appends() - tries; n < 5 || n > 11 {
			t.Errorf("%d attempts in ten seconds", n)
		}
		if r.Health() == nil {
			t.Error("healthy while nothing can be written")
		}
		store.Heal()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if err := r.Health(); err != nil {
			t.Errorf("the disk has room again: %v", err)
		}
		answer := r.must(order("alice", 2))
		if again := r.must(order("alice", 1)); again != kept {
			t.Errorf("answered %+v, before the failure %+v", again, kept)
		}
		r.stop()
		if failed, recovered := r.reported(engine.JournalFailed), r.reported(engine.JournalRecovered); failed != 1 || recovered != 1 {
			t.Errorf("reported %d failures and %d recoveries", failed, recovered)
		}
		checkAnswered(t, store, map[trade.RequestID]engine.Result{"1": {Answer: kept}, "2": {Answer: answer}})
		r.sameAfterRestart(store)
	})
}

func TestAWriteThatTookEffectIsASuccess(t *testing.T) {
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	store.Fail(journaltest.FaultAfter, 1, nil)
	answer := r.must(order("alice", 1))
	if err := r.Health(); err != nil {
		t.Error(err)
	}
	next := r.must(order("alice", 2))
	if next.Sequence != answer.Sequence+1 {
		t.Errorf("answers %+v and %+v", answer, next)
	}
	r.stop()
	checkAnswered(t, store, map[trade.RequestID]engine.Result{"1": {Answer: answer}, "2": {Answer: next}})
	r.sameAfterRestart(store)
}

func TestAnOutcomeThatCannotBeReadIsUnknownUntilLater(t *testing.T) {
	for _, fault := range []journaltest.Fault{journaltest.FaultAfter, journaltest.FaultBefore} {
		synctest.Test(t, func(t *testing.T) {
			store := journaltest.NewFaulty(journaltest.NewMemoryStore())
			r := start(t, store, engine.Options{})
			r.signUp("alice")
			store.Fail(fault, -1, syscall.EIO)
			store.FailReads(syscall.EIO)
			if _, err := r.Submit(t.Context(), order("alice", 1)); !errors.Is(err, engine.ErrOutcomeUnknown) {
				t.Fatalf("%v", err)
			}
			if _, err := r.Submit(t.Context(), order("alice", 2)); !errors.Is(err, engine.ErrNotDurable) {
				t.Fatalf("%v", err)
			}
			// A full disk promises that nothing was written, even if reading fails.
			time.Sleep(3 * time.Second)
			store.Heal()
			time.Sleep(3 * time.Second)
			store.Fail(journaltest.FaultBefore, 1, nil)
			store.FailReads(syscall.EIO)
			if _, err := r.Submit(t.Context(), order("alice", 3)); !errors.Is(err, engine.ErrNotDurable) {
				t.Fatalf("%v", err)
			}
			store.Heal()
			time.Sleep(3 * time.Second)
			answer := r.must(order("alice", 1))
			r.stop()
			checkAnswered(t, store, map[trade.RequestID]engine.Result{"1": {Answer: answer}})
			r.sameAfterRestart(store)
		})
	}
}

func TestAHangingDiskDelaysOnlyWriters(t *testing.T) {
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	entered, release := store.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.Submit(ctx, order("alice", 1))
		done <- err
	}()
	<-entered
	if records, err := r.log.Read(t.Context(), 0, 100); err != nil || len(records) != 2 {
		t.Errorf("reading while an append hangs: %d records, %v", len(records), err)
	}
	cancel()
	if err := <-done; !errors.Is(err, engine.ErrOutcomeUnknown) {
		t.Error(err)
	}
	release()
	r.sameAfterRestart(store)
}

func TestASecondWriterIsDetectedAndItsRecordsAreApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewMemoryStore()
		first := start(t, store, engine.Options{})
		first.signUp("alice")
		second := start(t, store, engine.Options{})
		answer := second.must(order("alice", 1))
		if _, err := first.Submit(t.Context(), order("alice", 2)); !errors.Is(err, engine.ErrNotDurable) || !errors.Is(err, journal.ErrStale) {
			t.Fatalf("a stale writer: %v", err)
		}
		time.Sleep(2 * time.Second)
		if again := first.must(order("alice", 1)); again != answer {
			t.Errorf("the other's answer is %+v, not %+v", again, answer)
		}
		first.must(order("alice", 2))
		second.stop()
		first.stop()
		if at := recorded(t, store); len(at["1"]) != 1 || len(at["2"]) != 1 {
			t.Errorf("recorded %v", at)
		}
		first.sameAfterRestart(store)
	})
}

func TestWhateverTheDiskDoesNothingAcknowledgedIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewFaulty(journaltest.NewMemoryStore())
		r := start(t, store, engine.Options{SnapshotEvery: 50})
		r.signUp("alice")
		rng := rand.New(rand.NewPCG(3, 4))
		results := map[trade.RequestID]engine.Result{}
		for n := range 400 {
			switch rng.IntN(20) {
			case 0:
				store.Fail(journaltest.Fault(1+rng.IntN(2)), 1+rng.IntN(3), nil)
			case 1:
				store.Fail(journaltest.FaultSync, 1, nil)
			case 2, 3:
				store.Heal()
				time.Sleep(3 * time.Second)
			case 4:
				store.FailReads(syscall.EIO)
			}
			commands := make([]trade.Command, 1+rng.IntN(4))
			for i := range commands {
				commands[i] = order("alice", fmt.Sprint(n, "-", i))
			}
			for i, result := range r.SubmitAll(t.Context(), commands) {
				results[commands[i].From().Request] = result
			}
		}
		store.Heal()
		time.Sleep(time.Hour)
		good := 0
		for id, before := range results {
			answer := r.must(order("alice", id))
			if before.Err == nil {
				good++
				if answer != before.Answer {
					t.Errorf("%s was answered %+v, now %+v", id, before.Answer, answer)
				}
			}
		}
		t.Logf("%d of %d were acknowledged at once, %d failures, %d recoveries", good, len(results),
			r.reported(engine.JournalFailed), r.reported(engine.JournalRecovered))
		r.stop()
		for id, at := range recorded(t, store) {
			if len(at) != 1 {
				t.Errorf("%s stands in records %d", id, at)
			}
		}
		r.sameAfterRestart(store)
	})
}
