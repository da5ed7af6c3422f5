package feedtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

// epoch is that of every journal of the suite.
const epoch = "0123456789abcdef"

func testDone(t *testing.T, h feed.History, _ reopener) {
	reset(t, h, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"apply":   h.Apply(ctx, NewVenue(7).Next(1)),
		"reset":   h.Reset(ctx, push.Cursor{Epoch: "other"}, nil),
		"index":   h.SaveIndex(ctx, 1, []byte("x")),
		"compact": h.Compact(ctx, Begin),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	position(t, h, push.Cursor{Epoch: epoch})
}

func position(t *testing.T, h feed.History, want push.Cursor) {
	t.Helper()
	if got, err := h.Position(t.Context()); err != nil || got != want {
		t.Fatalf("the position is %v (%v), want %v", got, err, want)
	}
}

func reset(t *testing.T, h feed.History, sequence uint64, state *trade.Snapshot) {
	t.Helper()
	if err := h.Reset(t.Context(), push.Cursor{Epoch: epoch, Sequence: sequence}, state); err != nil {
		t.Fatal(err)
	}
}

func apply(t *testing.T, h feed.History, records []*trade.Record) {
	t.Helper()
	if err := h.Apply(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// compare asks a history and the model the same random questions.
func compare(t *testing.T, h feed.History, model *naive, random *rand.Rand, questions int) {
	t.Helper()
	ctx := t.Context()
	for range questions {
		account := Account(random.IntN(5)) // One more than there are.
		var symbol trade.Symbol
		if random.IntN(2) == 0 {
			symbol = Symbol(random.IntN(4))
		}
		span := anySpan(random, model)
		size := []int{0, 1, 2, 3, 10, 1000}[random.IntN(6)]

		orders := feed.OrderQuery{Account: account, Symbol: symbol, State: feed.OrderQueryState(random.IntN(3)), Span: span}
		orders.Size = size
		same(t, "orders", orders, walk(t, size, func(token string) (feed.Page[trade.Order], error) {
			orders.Token = token
			return h.Orders(ctx, orders)
		}), model.listOrders(orders))

		executions := feed.ExecutionQuery{Account: account, Symbol: symbol, Span: span}
		executions.Size = size
		if random.IntN(3) == 0 {
			executions.Order = trade.OrderID(random.IntN(400))
		}
		same(t, "executions", executions, walk(t, size, func(token string) (feed.Page[feed.Execution], error) {
			executions.Token = token
			return h.Executions(ctx, executions)
		}), model.listExecutions(executions))

		trades := feed.TradeQuery{Symbol: symbol, Span: span}
		trades.Size = size
		same(t, "trades", trades, walk(t, size, func(token string) (feed.Page[feed.Print], error) {
			trades.Token = token
			return h.Trades(ctx, trades)
		}), model.listTrades(trades))

		audit := feed.AuditQuery{Span: span}
		audit.Size = size
		if random.IntN(2) == 0 {
			audit.User = user(random.IntN(5))
		}
		entries := walk(t, size, func(token string) (feed.Page[feed.AuditEntry], error) {
			audit.Token = token
			return h.Audit(ctx, audit)
		})
		for i := range entries {
			if entries[i].Detail == "" {
				t.Fatalf("the audit entry of record %d has no words", entries[i].Sequence)
			}
			entries[i].Detail = ""
		}
		same(t, "audit", audit, entries, model.listAudit(audit))

		ref := trade.OrderRef{ID: trade.OrderID(random.IntN(400))}
		if random.IntN(2) == 0 {
			ref = trade.OrderRef{ClientOrderID: trade.RequestID(fmt.Sprintf("request-%06d", random.IntN(400)))}
		}
		id := trade.TradeID(random.IntN(200))
		gotTrade, ok, err := h.Trade(ctx, id)
		if wantTrade, exists := model.trade(id); err != nil || ok != exists || gotTrade != wantTrade {
			t.Fatalf("trade %d is\n%+v (%v, %v), want\n%+v (%v)", id, gotTrade, ok, err, wantTrade, exists)
		}

		got, ok, err := h.Order(ctx, account, ref)
		want, exists := model.order(account, ref)
		if err != nil || ok != exists || got != want {
			t.Fatalf("order %+v of %s is\n%+v (%v, %v), want\n%+v (%v)", ref, account, got, ok, err, want, exists)
		}
	}
}

// walk reads all pages.
func walk[T any](t *testing.T, size int, read func(token string) (feed.Page[T], error)) []T {
	t.Helper()
	if size == 0 {
		size = 100
	}
	var all []T
	for token := ""; ; {
		page, err := read(token)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > size || page.Next != "" && len(page.Items) == 0 {
			t.Fatalf("a page of %d has %d items and next %q", size, len(page.Items), page.Next)
		}
		all = append(all, page.Items...)
		if token = page.Next; token == "" {
			return all
		}
	}
}

func same[T any](t *testing.T, what string, query any, got, want []T) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s of %+v: %d instead of %d; missing\n%+v", what, query, len(got), len(want), want[i])
		case i >= len(want):
			t.Fatalf("%s of %+v: %d instead of %d; not expected\n%+v", what, query, len(got), len(want), got[i])
		case !reflect.DeepEqual(got[i], want[i]):
			t.Fatalf("%s of %+v: number %d is\n%+v, want\n%+v", what, query, i, got[i], want[i])
		}
	}
}

// anySpan often ends exactly at the time of a record.
func anySpan(random *rand.Rand, model *naive) feed.Span {
	at := func() int64 {
		if random.IntN(2) == 0 || len(model.records) == 0 {
			return 0
		}
		return model.records[random.IntN(len(model.records))].Time + int64(random.IntN(3)-1)
	}
	return feed.Span{From: at(), To: at()}
}
