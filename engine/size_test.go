package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"todoku/engine"
	"todoku/journal/journaltest"
	"todoku/trade"
)

// fill adds resting one-lot orders of several accounts to the book.
func (r *running) fill(orders, levels int) {
	r.t.Helper()
	names := []trade.UserID{"bob", "carol", "dave"}
	r.signUp(append(names, "alice")...)
	commands := make([]trade.Command, orders)
	for i := range commands {
		o := order(names[i%len(names)], fmt.Sprint("m", i))
		o.Price = trade.Price(100+i%levels) * tick
		commands[i] = o
	}
	for _, result := range r.SubmitAll(r.t.Context(), commands) {
		if result.Err != nil || result.Answer.Reason != trade.ReasonNone {
			r.t.Fatalf("%+v", result)
		}
	}
}

func sweep(orders int) *trade.PlaceOrder {
	o := order("alice", fmt.Sprint("sweep", orders))
	o.Side, o.Price, o.Quantity = trade.SideSell, tick, trade.Quantity(orders)*lot
	return o
}

func TestACommandTooLargeForARecordIsRefused(t *testing.T) {
	store := journaltest.NewMemoryStore()
	r := start(t, store, engine.Options{MaxRecord: 5000})
	r.fill(100, 10)
	tooLarge := &trade.Refusal{Reason: trade.ReasonTooLarge}
	if _, err := r.Submit(t.Context(), sweep(100)); !errors.Is(err, tooLarge) {
		t.Fatalf("a sweep: %v", err)
	}
	if _, err := r.Submit(t.Context(), &trade.MassCancel{}); !errors.Is(err, tooLarge) {
		t.Fatalf("a mass cancel: %v", err)
	}
	if err := r.Health(); err != nil {
		t.Error(err)
	}
	if answer := r.must(sweep(10)); answer.Filled != 10*lot {
		t.Errorf("a smaller sweep: %+v", answer)
	}
	r.sameAfterRestart(store)
}

func TestASweepOfAHundredThousandOrdersIsOneRecord(t *testing.T) {
	orders := 100_000
	if engine.RaceEnabled || testing.Short() {
		orders = 20_000
	}
	store := journaltest.NewMemoryStore()
	r := start(t, store, engine.Options{})
	r.fill(orders, 10_000)
	began := time.Now()
	answer := r.must(sweep(orders))
	took := time.Since(began)
	if answer.Filled != trade.Quantity(orders)*lot {
		t.Fatalf("%+v", answer)
	}
	records, err := r.log.Read(t.Context(), answer.Sequence-1, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB in %v", len(records[0].Data)>>20, took)
	r.must(order("alice", "after"))
	r.sameAfterRestart(store)
}
