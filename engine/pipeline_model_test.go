package engine

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

// meaning is what tells one command from another in a journal.
type meaning struct {
	kind    trade.CommandKind
	actor   trade.Actor
	content uint64
}

func meaningOf(c trade.Command) meaning {
	return meaning{c.Kind(), *c.From(), fingerprint(c)}
}

// naiveEngine decides one command at a time and knows nothing of batches, queues
// and syncs. Given the order in which a journal has the commands, it must write the
// same bytes.
type naiveEngine struct {
	state *state
	draft draft
}

// execute decides, writes down and applies a command at a time.
func (n *naiveEngine) execute(c trade.Command, now int64) (trade.Answer, []byte, error) {
	n.draft.begin(n.state, now)
	answer, err := n.draft.decide(c)
	if err != nil {
		return answer, nil, err
	}
	answer.Sequence = n.state.sequence + 1
	r := &trade.Record{
		Sequence: answer.Sequence, Time: now, Events: n.draft.events,
		Command: trade.CommandInfo{Kind: c.Kind(), Actor: *c.From(), Fingerprint: fingerprint(c), Answer: answer},
	}
	if c.Kind() == trade.CommandAdvanceClock && len(r.Events) == 0 {
		r.Command = trade.CommandInfo{Kind: c.Kind()} // The engine tries the journal with it.
	}
	data, err := record.Encode(nil, r)
	if err == nil {
		n.state.apply(r)
	}
	return answer, data, err
}

// retrace executes what a journal holds, one command after the other, and returns
// what each request was answered.
func (n *naiveEngine) retrace(t *testing.T, log *journal.Log, commands map[meaning]trade.Command) map[trade.Actor]trade.Answer {
	t.Helper()
	answers := map[trade.Actor]trade.Answer{}
	stored, err := log.Read(t.Context(), 0, journal.MaxSequence>>1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stored {
		r, err := record.Decode(s.Sequence, s.Time, s.Data)
		if err != nil {
			t.Fatal(err)
		}
		command := commands[meaning{r.Command.Kind, r.Command.Actor, r.Command.Fingerprint}]
		if r.Command.Kind == trade.CommandAdvanceClock {
			command = &trade.AdvanceClock{}
		}
		if command == nil {
			t.Fatalf("record %d is of a command that nobody gave: %+v", s.Sequence, r.Command)
		}
		answer, data, err := n.execute(command, s.Time)
		if err != nil || !bytes.Equal(data, s.Data) {
			t.Fatalf("record %d, %v: one at a time it has other bytes, %v", s.Sequence, command.Kind(), err)
		}
		if id := r.Command.Actor; id.Request != "" {
			if _, twice := answers[id]; twice {
				t.Fatalf("%+v was carried out twice", id)
			}
			answers[id] = answer
		}
	}
	return answers
}

// slowStore takes a time to sync in which others come.
type slowStore struct {
	journal.Store

	mu  sync.Mutex
	rng *rand.Rand
}

func (s *slowStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	s.mu.Lock()
	wait := time.Duration(s.rng.IntN(2_000_000))
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	<-timer.C
	return s.Store.Append(ctx, prev, batch)
}

// breakSomething lets the store fail in some way, or heals it.
func breakSomething(rng *rand.Rand, store *journaltest.Faulty) {
	switch rng.IntN(24) {
	case 0, 1:
		store.Fail(journaltest.FaultBefore, 1+rng.IntN(3), nil)
	case 2, 3, 4:
		store.Fail(journaltest.FaultAfter, 1+rng.IntN(2), nil)
	case 5:
		store.Fail(journaltest.FaultSync, 1, nil)
	case 6:
		store.FailReads(syscall.EIO)
	case 7, 8, 9, 10:
		store.Heal()
	}
}

func TestWhatThePipelineWritesIsWhatANaiveEngineWrites(t *testing.T) {
	seeds, commands := uint64(6), 4000
	if raceEnabled || testing.Short() {
		seeds, commands = 2, 1500
	}
	v := newStreamVenue(t)
	stream := makeStream(v, 21, commands)
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { pipelineRun(t, seed, stream) })
		})
	}
}

// told is what a command was answered.
type told struct {
	command trade.Command
	result  Result
}

// pipelineRun gives a stream to an engine from several sides at once while the
// store fails now and then, and compares what comes of it with the naive engine.
func pipelineRun(t *testing.T, seed uint64, stream []step) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5))
	store := journaltest.NewFaulty(&slowStore{Store: journal.NewMemoryStore(), rng: rand.New(rand.NewPCG(seed, 6))})
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	failures := 0
	e, err := Open(t.Context(), log, Options{Clock: time.Now, SnapshotEvery: 500, Report: func(r Report) {
		if r.What == JournalFailed {
			failures++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	given := map[meaning]trade.Command{}
	submit := func(commands []trade.Command) []told {
		out := make([]told, len(commands))
		for i, result := range e.SubmitAll(t.Context(), commands) {
			out[i] = told{commands[i], result}
		}
		return out
	}
	for _, s := range streamSetup() {
		given[meaningOf(s.command)] = s.command
		for _, a := range submit([]trade.Command{s.command}) {
			if a.result.Err != nil {
				t.Fatal(a.result.Err)
			}
		}
	}
	var mu sync.Mutex
	var all []told
	const sides = 8
	var callers sync.WaitGroup
	var groups [sides][][]trade.Command
	for left := stream; len(left) > 0; {
		n := min(len(left), 1+rng.IntN(60))
		if rng.IntN(3) == 0 {
			n = 1
		}
		commands := make([]trade.Command, n)
		for i := range commands {
			commands[i] = left[i].command
			given[meaningOf(commands[i])] = commands[i]
		}
		side := rng.IntN(sides)
		groups[side] = append(groups[side], commands)
		left = left[n:]
	}
	for _, mine := range groups {
		callers.Go(func() {
			for _, commands := range mine {
				answers := submit(commands)
				mu.Lock()
				all = append(all, answers...)
				if seed > 0 { // The first run is one without failures.
					breakSomething(rng, store)
				}
				mu.Unlock()
				if last := answers[len(answers)-1].result.Err; errors.Is(last, ErrNotDurable) || errors.Is(last, ErrOutcomeUnknown) {
					time.Sleep(3 * time.Second)
				}
			}
		})
	}
	callers.Wait()
	store.Heal()
	time.Sleep(time.Hour)
	// Who does not know asks again.
	for _, a := range all {
		if errors.Is(a.result.Err, ErrOutcomeUnknown) {
			all = append(all, submit([]trade.Command{a.command})...)
		}
	}
	stop()
	running.Wait()
	naive := &naiveEngine{state: newState()}
	judge(t, naive.retrace(t, log, given), all)
	if naive.state.sequence != e.state.sequence || hashOf(t, naive.state) != hashOf(t, e.state) {
		t.Error("the naive engine comes to another state")
	}
	t.Logf("%d records in %d appends, %d answers, %d failures", log.Head(), store.Appends(), len(all), failures)
	if seed > 0 && failures == 0 {
		t.Error("nothing failed, so nothing was proved")
	}
}

// judge holds what was told to what the naive engine answered.
func judge(t *testing.T, answers map[trade.Actor]trade.Answer, all []told) {
	t.Helper()
	good := map[trade.Actor]bool{}
	refused := map[trade.Actor]bool{}
	for _, a := range all {
		id := *a.command.From()
		if id.Request == "" {
			continue
		}
		switch {
		case a.result.Err == nil:
			good[id] = true
			if want, there := answers[id]; !there || a.result.Answer != want {
				t.Fatalf("%+v was answered %+v, one at a time %+v", id, a.result.Answer, want)
			}
		case errors.Is(a.result.Err, ErrNotDurable):
			refused[id] = true
		}
	}
	for id := range refused {
		if _, there := answers[id]; there && !good[id] {
			t.Errorf("%+v is in the journal although it was said not to be", id)
		}
	}
	if len(good) == 0 {
		t.Error("nothing was answered")
	}
}
