package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"todoku/engine"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

// syncedStore knows up to where its records are durable.
type syncedStore struct {
	journal.Store

	durable atomic.Uint64
	appends atomic.Int64
}

func (s *syncedStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	// During a sync other commands arrive; a store in memory would need no time.
	runtime.Gosched()
	err := s.Store.Append(ctx, prev, batch)
	if err == nil {
		s.durable.Store(batch[len(batch)-1].Sequence)
	}
	s.appends.Add(1)
	return err
}

func TestEveryAnswerIsDurableAndManyShareASync(t *testing.T) {
	const callers, each = 64, 40
	store := &syncedStore{Store: journaltest.NewMemoryStore()}
	r := start(t, store, engine.Options{})
	r.signUp("alice", "bob")
	before := store.appends.Load()
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for n := range each {
				o := order(trade.UserID([]string{"alice", "bob"}[c%2]), fmt.Sprint(c, "-", n))
				answer, err := r.Submit(t.Context(), o)
				if err != nil || answer.Sequence == 0 || answer.Sequence > store.durable.Load() {
					t.Errorf("answer %+v, %v, durable up to %d", answer, err, store.durable.Load())
				}
			}
		})
	}
	wait.Wait()
	if appends := store.appends.Load() - before; appends >= callers*each {
		t.Errorf("%d commands took %d appends", callers*each, appends)
	}
	r.sameAfterRestart(store)
}

func TestNoAnswerIsGivenBeforeTheSyncReturns(t *testing.T) {
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	entered, release := store.Hang()
	answered := make(chan engine.Result, 2)
	submit := func() {
		answer, err := r.Submit(context.Background(), order("alice", 1))
		answered <- engine.Result{Answer: answer, Err: err}
	}
	var wait sync.WaitGroup
	wait.Go(submit)
	<-entered
	wait.Go(submit) // The same request again, while the first is being synced.
	select {
	case result := <-answered:
		t.Fatalf("answered %+v", result)
	default:
	}
	release()
	wait.Wait()
	first, second := <-answered, <-answered
	if first != second || first.Err != nil {
		t.Errorf("answers %+v and %+v", first, second)
	}
}

func TestFiftyTimesTheSameRequestIsOneOrder(t *testing.T) {
	store := journaltest.NewMemoryStore()
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	fifty := func(r *running) trade.Answer {
		t.Helper()
		answers := make([]trade.Answer, 50)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() {
				var err error
				if answers[i], err = r.Submit(t.Context(), order("alice", "once")); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for _, a := range answers {
			if a != answers[0] {
				t.Fatalf("answers %+v and %+v", a, answers[0])
			}
		}
		return answers[0]
	}
	first := fifty(r)
	r.stop()
	again := start(t, store, engine.Options{})
	if second := fifty(again); second != first {
		t.Errorf("answered %+v, after the restart %+v", first, second)
	}
	again.stop()
	if at := recorded(t, store)["once"]; len(at) != 1 {
		t.Errorf("the order stands in records %d", at)
	}
}

func TestACallerThatStopsWaitingGetsTheOutcomeLater(t *testing.T) {
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	entered, release := store.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := r.Submit(ctx, order("alice", 1))
		failed <- err
	}()
	<-entered
	cancel()
	if err := <-failed; !errors.Is(err, engine.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	release()
	answer := r.must(order("alice", 1))
	r.stop()
	checkAnswered(t, store, map[trade.RequestID]engine.Result{"1": {Answer: answer}})
}

func TestAGroupIsDecidedInOrderAndMadeDurableTogether(t *testing.T) {
	store := &syncedStore{Store: journaltest.NewMemoryStore()}
	r := start(t, store, engine.Options{})
	r.signUp("alice", "bob")
	before := store.appends.Load()
	offTick := order("alice", 2)
	offTick.Price++
	sell := order("bob", 1)
	sell.Side = trade.SideSell
	results := r.SubmitAll(t.Context(), []trade.Command{order("alice", 1), offTick, sell, order("alice", 1)})
	switch {
	case results[0].Err != nil || results[2].Err != nil || results[3].Err != nil:
		t.Errorf("results %+v", results)
	case !errors.Is(results[1].Err, &trade.Refusal{Reason: trade.ReasonOffTick}):
		t.Errorf("%v", results[1].Err)
	case results[2].Answer.Filled != lot || results[2].Answer.Sequence != results[0].Answer.Sequence+1:
		t.Errorf("the second order was answered %+v", results[2].Answer)
	case results[3].Answer != results[0].Answer:
		t.Errorf("the repetition was answered %+v", results[3].Answer)
	case store.appends.Load() != before+1:
		t.Errorf("%d appends", store.appends.Load()-before)
	}
	if results := r.SubmitAll(t.Context(), nil); len(results) != 0 {
		t.Errorf("nothing was answered %+v", results)
	}
}

func TestAGroupLargerThanABatchIsAnsweredWhole(t *testing.T) {
	const many = 10_000
	store := &syncedStore{Store: journaltest.NewMemoryStore()}
	r := start(t, store, engine.Options{})
	r.signUp("alice")
	commands := make([]trade.Command, many)
	for i := range commands {
		commands[i] = order("alice", i)
	}
	before := store.appends.Load()
	for i, result := range r.SubmitAll(t.Context(), commands) {
		if result.Err != nil || result.Answer.Sequence == 0 {
			t.Fatalf("command %d: %+v", i, result)
		}
	}
	if n := store.appends.Load() - before; n < 2 || n > 10 {
		t.Errorf("%d appends", n)
	}
}

func TestStoppingAnswersEverybodyOnce(t *testing.T) {
	const callers = 32
	for range 5 {
		store := journaltest.NewMemoryStore()
		r := start(t, store, engine.Options{})
		r.signUp("alice")
		results := map[trade.RequestID]engine.Result{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		under := make(chan struct{})
		var once sync.Once
		for c := range callers {
			wait.Go(func() {
				for n := 0; ; n++ {
					o := order("alice", fmt.Sprint(c, "-", n))
					answer, err := r.Submit(context.Background(), o)
					mu.Lock()
					results[o.Request] = engine.Result{Answer: answer, Err: err}
					if len(results) > 500 {
						once.Do(func() { close(under) })
					}
					mu.Unlock()
					if err != nil {
						if !errors.Is(err, engine.ErrStopped) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		<-under
		r.stop()
		wait.Wait()
		checkAnswered(t, store, results)
		if len(recorded(t, store)) != len(results)-callers {
			t.Errorf("%d requests are journaled, %d were answered", len(recorded(t, store)), len(results)-callers)
		}
		r.sameAfterRestart(store)
		if _, err := r.Submit(t.Context(), order("alice", "late")); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	}
}
