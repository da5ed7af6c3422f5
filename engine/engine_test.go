package engine_test

import (
	"context"
	"testing"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/trade"
)

func TestSmoke(t *testing.T) {
	ctx := t.Context()
	store := journal.NewMemoryStore()
	log, err := journal.Open(ctx, store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(ctx, log, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- e.Run(run) }()
	must := func(c trade.Command) trade.Answer {
		a, err := e.Submit(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", a)
		return a
	}
	for _, u := range []trade.UserID{"alice", "bob"} {
		must(&trade.UpsertUser{Create: true, NewUser: trade.User{ID: u, DisplayName: string(u), Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(u)}}})
	}
	must(&trade.UpsertInstrument{Instrument: trade.Instrument{Symbol: "USDJPY", Class: trade.AssetClassFX, TickSize: 1e5, LotSize: 1e8, MinQuantity: 1e8, MaxQuantity: 1e14, Status: trade.TradingStatusOpen}})
	place := func(u string, id string, side trade.Side, price trade.Price, q trade.Quantity) trade.Answer {
		return must(&trade.PlaceOrder{Actor: trade.Actor{User: trade.UserID(u), Account: trade.AccountID(u), Request: trade.RequestID(id)}, Symbol: "USDJPY", Side: side, Price: price, Quantity: q})
	}
	place("alice", "1", trade.SideBuy, 15125e6, 10e8)
	place("bob", "1", trade.SideSell, 15125e6, 4e8)
	place("bob", "1", trade.SideSell, 15125e6, 4e8)
	place("bob", "2", trade.SideSell, 15130e6, 4e8)
	must(&trade.ReplaceOrder{Actor: trade.Actor{User: "bob", Account: "bob", Request: "3"}, Target: trade.OrderRef{ClientOrderID: "2"}, Price: 15125e6, Quantity: 10e8})
	must(&trade.MassCancel{Actor: trade.Actor{User: "bob", Account: "bob", Request: "4"}})
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	n, h, _ := e.Hash()
	log2, _ := journal.Open(ctx, store, journal.Options{})
	e2, err := engine.Open(ctx, log2, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n2, h2, _ := e2.Hash()
	if n != n2 || h != h2 {
		t.Fatal(n, n2)
	}
	_ = time.Now
}
