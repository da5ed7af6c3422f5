package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

// Sizes of groups: one that is synced beside the engine, and one that is decided
// while that goes on.
const (
	firstGroup  = 300
	secondGroup = 50
)

// asked is a group on its way and what it was answered, nil before.
type asked struct {
	commands []trade.Command
	results  []engine.Result
}

// ask submits a group without waiting for its answer. It must be called in a
// synctest bubble.
func (r *running) ask(commands ...trade.Command) *asked {
	a := &asked{commands: commands}
	go func() { a.results = r.SubmitAll(context.Background(), commands) }()
	synctest.Wait()
	return a
}

// group makes orders named prefix-0 and so on.
func group(prefix string, size int) []trade.Command {
	commands := make([]trade.Command, size)
	for i := range commands {
		commands[i] = order("alice", fmt.Sprint(prefix, "-", i))
	}
	return commands
}

// inPipeline brings two groups into the pipeline, the first in its append and the
// second decided on what the first leads to: it cancels the first order of the first
// group and asks for another once more. Both wait until the functions that are
// returned let their appends go on.
func inPipeline(t *testing.T, r *running, store *journaltest.Faulty) (first, second *asked, releaseFirst, releaseSecond func()) {
	t.Helper()
	entered, releaseFirst := store.Hang()
	first = r.ask(group("first", firstGroup)...)
	<-entered
	cancel := &trade.CancelOrder{
		Actor:  trade.Actor{User: "alice", Account: "alice", Request: "cancel"},
		Target: trade.OrderRef{ClientOrderID: "first-0"},
	}
	second = r.ask(append(group("second", secondGroup), order("alice", "first-1"), cancel)...)
	if r.Waiting() != 0 {
		t.Fatal("the second group was not decided while the first was being synced")
	}
	_, releaseSecond = store.Hang()
	if first.results != nil || second.results != nil {
		t.Fatal("answered before anything was durable")
	}
	return first, second, releaseFirst, releaseSecond
}

// fault is how an append of the pipeline ends, and what its callers are told then.
type fault struct {
	name       string
	kind       journaltest.Fault
	cause      error
	unreadable bool
	told       error
}

func faults() []fault {
	return []fault{
		{"succeeds", journaltest.FaultNone, nil, false, nil},
		{"finds the disk full", journaltest.FaultBefore, nil, false, engine.ErrNotDurable},
		{"fails and wrote nothing", journaltest.FaultBefore, syscall.EIO, false, engine.ErrNotDurable},
		{"fails at its sync", journaltest.FaultSync, nil, false, engine.ErrNotDurable},
		{"took effect although it failed", journaltest.FaultAfter, nil, false, nil},
		{"took effect and cannot be read", journaltest.FaultAfter, nil, true, engine.ErrOutcomeUnknown},
		{"wrote nothing and cannot be read", journaltest.FaultBefore, syscall.EIO, true, engine.ErrOutcomeUnknown},
	}
}

// set makes the next append end so.
func (f fault) set(store *journaltest.Faulty) {
	if f.kind != journaltest.FaultNone {
		store.Fail(f.kind, 1, f.cause)
	}
	if f.unreadable {
		store.FailReads(syscall.EIO)
	}
}

func (a *asked) check(t *testing.T, what string, want error) {
	t.Helper()
	if a.results == nil {
		t.Fatalf("%s: not answered", what)
	}
	for i, result := range a.results {
		if !errors.Is(result.Err, want) {
			t.Fatalf("%s: command %d: %v, want %v", what, i, result.Err, want)
		}
	}
}

func TestWhereverThePipelineFailsNothingIsToldThatIsNotSo(t *testing.T) {
	for _, one := range faults() {
		for _, two := range faults() {
			t.Run(one.name+", the next "+two.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := journaltest.NewFaulty(journal.NewMemoryStore())
					r := start(t, store, engine.Options{})
					r.cast("alice")
					first, second, releaseFirst, releaseSecond := inPipeline(t, r, store)
					one.set(store)
					releaseFirst()
					synctest.Wait()
					first.check(t, "the first", one.told)
					if one.told == nil {
						if second.results != nil {
							t.Fatal("the second was answered before it was durable")
						}
						two.set(store)
						releaseSecond()
						synctest.Wait()
						second.check(t, "the second", two.told)
					} else {
						// It never reached the disk: that is known whatever became of the first.
						releaseSecond()
						second.check(t, "the second", engine.ErrNotDurable)
					}
					store.Heal()
					time.Sleep(time.Hour)
					settleAll(t, r, store, first, second)
				})
			})
		}
	}
}

// settleAll asks everything again and holds the journal to every answer.
func settleAll(t *testing.T, r *running, store journal.Store, groups ...*asked) {
	t.Helper()
	results := map[trade.RequestID]engine.Result{}
	for _, g := range groups {
		again := r.SubmitAll(t.Context(), g.commands)
		for i, result := range again {
			if result.Err != nil {
				t.Fatalf("%v again: %v", g.commands[i].From().Request, result.Err)
			}
			if before := g.results[i]; before.Err == nil && before != result {
				t.Fatalf("%v was answered %+v, then %+v", g.commands[i].From().Request, before, result)
			}
			results[g.commands[i].From().Request] = result
		}
	}
	r.stop()
	checkAnswered(t, store, results)
	if len(results) != firstGroup+secondGroup+1 {
		t.Errorf("%d requests", len(results))
	}
	r.sameAfterRestart(store)
}

func TestARefusalWaitsForWhatItRestsOn(t *testing.T) {
	for _, one := range []fault{faults()[0], faults()[1]} {
		synctest.Test(t, func(t *testing.T) {
			store := journaltest.NewFaulty(journal.NewMemoryStore())
			r := start(t, store, engine.Options{})
			r.cast("alice")
			entered, release := store.Hang()
			first := r.ask(group("first", firstGroup)...)
			<-entered
			// Each is refused only because the first group has used its name.
			other := group("first", secondGroup)
			for _, c := range other {
				c.(*trade.PlaceOrder).Quantity += lot
			}
			second := r.ask(other...)
			if r.Waiting() != 0 || second.results != nil {
				t.Fatalf("%d wait, answered %+v", r.Waiting(), second.results)
			}
			one.set(store)
			release()
			synctest.Wait()
			first.check(t, "the first", one.told)
			for _, result := range second.results {
				if refused := errors.Is(result.Err, &trade.Refusal{Reason: trade.ReasonRequestReused}); refused != (one.told == nil) || result.Err == nil {
					t.Fatalf("%v after the first was told %v", result.Err, one.told)
				}
			}
			r.sameAfterRestart(store)
		})
	}
}

func TestAHangingDiskBoundsWhatIsDecidedAhead(t *testing.T) {
	const size, groups = 1000, 10
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewFaulty(journal.NewMemoryStore())
		r := start(t, store, engine.Options{})
		r.cast("alice")
		entered, release := store.Hang()
		all := []*asked{r.ask(group("first", firstGroup)...)}
		<-entered
		for n := range groups {
			all = append(all, r.ask(group(strconv.Itoa(n), size)...))
		}
		if waiting := r.Waiting(); waiting != groups-5 {
			t.Errorf("%d groups of %d wait behind a full batch", waiting, size)
		}
		release()
		synctest.Wait()
		for _, a := range all {
			a.check(t, "a group", nil)
		}
		r.sameAfterRestart(store)
	})
}

func TestAStopMakesDurableWhatIsInThePipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewFaulty(journal.NewMemoryStore())
		r := start(t, store, engine.Options{})
		r.cast("alice")
		first, second, releaseFirst, releaseSecond := inPipeline(t, r, store)
		stopped := make(chan struct{})
		go func() { defer close(stopped); r.stop() }()
		synctest.Wait()
		late := r.ask(order("alice", "late"))
		releaseFirst()
		releaseSecond()
		<-stopped
		synctest.Wait()
		first.check(t, "the first", nil)
		second.check(t, "the second", nil)
		late.check(t, "the late one", engine.ErrStopped)
		if at := recorded(t, store)["late"]; len(at) != 0 {
			t.Errorf("what came late stands in records %d", at)
		}
		r.sameAfterRestart(store)
	})
}
