package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/engine"
	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	lot  = trade.Quantity(100_000_000)
	tick = trade.Price(1_000_000)
)

// running is an engine that runs over a store.
type running struct {
	*engine.Engine

	t    testing.TB
	log  *journal.Log
	stop func() // Ends Run and waits for it; may be called again.

	mu      sync.Mutex
	reports []engine.Report
}

// start opens a log and an engine over a store and runs it.
func start(t testing.TB, store journal.Store, options engine.Options) *running {
	t.Helper()
	r := &running{t: t}
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options.Report = func(report engine.Report) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reports = append(r.reports, report)
	}
	r.log = log
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if r.Engine, err = engine.Open(t.Context(), log, options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	r.stop = func() { cancel(); wait.Wait() }
	t.Cleanup(r.stop)
	return r
}

// reported counts the reports of a kind.
func (r *running) reported(what engine.ReportKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, report := range r.reports {
		if report.What == what {
			n++
		}
	}
	return n
}

func (r *running) must(c trade.Command) trade.Answer {
	r.t.Helper()
	answer, err := r.Submit(r.t.Context(), c)
	if err != nil {
		r.t.Fatalf("%v: %v", trade.KindOf(c), err)
	}
	return answer
}

// signUp signs up traders and opens GOLD.
func (r *running) signUp(names ...trade.UserID) {
	r.t.Helper()
	for _, name := range names {
		r.must(&trade.UpsertUser{Create: true, NewUser: trade.User{
			ID: name, DisplayName: string(name), Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(name)},
		}})
	}
	r.must(&trade.UpsertInstrument{Instrument: trade.Instrument{
		Symbol: "GOLD", Class: trade.AssetClassFuture, TickSize: tick, LotSize: lot,
		MinQuantity: lot, MaxQuantity: 1_000_000 * lot, Status: trade.TradingStatusOpen,
	}})
}

// order is an order for one lot that rests.
func order(name trade.UserID, request any) *trade.PlaceOrder {
	return &trade.PlaceOrder{
		Actor:  trade.Actor{User: name, Account: trade.AccountID(name), Request: trade.RequestID(fmt.Sprint(request))},
		Symbol: "GOLD", Side: trade.SideBuy, Price: 100 * tick, Quantity: lot,
	}
}

// recorded returns the records of each request in a journal.
func recorded(t testing.TB, store journal.Store) map[trade.RequestID][]uint64 {
	t.Helper()
	found := map[trade.RequestID][]uint64{}
	for after := uint64(0); ; {
		records, err := store.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return found
		}
		for _, stored := range records {
			r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
			if err != nil {
				t.Fatal(err)
			}
			if id := r.Command.Request; id != "" {
				found[id] = append(found[id], r.Sequence)
			}
			after = stored.Sequence
		}
	}
}

// checkAnswered compares the journal with the answers: an answered request is in it once,
// under the sequence of its answer, and a refused one is not.
func checkAnswered(t testing.TB, store journal.Store, results map[trade.RequestID]engine.Result) {
	t.Helper()
	found := recorded(t, store)
	for id, result := range results {
		at := found[id]
		switch {
		case len(at) > 1:
			t.Errorf("%s is in records %d", id, at)
		case result.Err == nil && (len(at) == 0 || at[0] != result.Answer.Sequence):
			t.Errorf("%s was answered as record %d and is in %d", id, result.Answer.Sequence, at)
		case (errors.Is(result.Err, engine.ErrStopped) || errors.Is(result.Err, engine.ErrNotDurable)) && len(at) > 0:
			t.Errorf("%s is in record %d although %v", id, at, result.Err)
		}
	}
}

// sameAfterRestart opens the store again and compares the state.
func (r *running) sameAfterRestart(store journal.Store) {
	r.t.Helper()
	r.stop()
	log, err := journal.Open(r.t.Context(), store, journal.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	again, err := engine.Open(r.t.Context(), log, engine.Options{Clock: time.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	sequence, sum, err := r.Hash()
	if err != nil {
		r.t.Fatal(err)
	}
	gotSequence, got, err := again.Hash()
	if err != nil {
		r.t.Fatal(err)
	}
	if got != sum || gotSequence != sequence {
		r.t.Errorf("opened again at %d with another state than at %d", gotSequence, sequence)
	}
}
