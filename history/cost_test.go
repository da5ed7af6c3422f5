package history_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"todoku/history"
	"todoku/trade"
)

// reports is a store that has only execution reports, oldest first; a page has at
// most seven.
type reports struct {
	history.Store

	list []history.Execution
	read int
}

func (r *reports) add(kind trade.ExecType, id trade.TradeID, side trade.Side, price trade.Price, quantity trade.Quantity) {
	r.list = append(r.list, history.Execution{Execution: trade.Execution{ExecutionReport: &trade.ExecutionReport{
		Type: kind, Trade: id, LastPrice: price, LastQuantity: quantity, Order: trade.Order{Side: side},
	}}})
}

func (r *reports) Executions(_ context.Context, q history.ExecutionQuery) (history.Page[history.Execution], error) {
	to := len(r.list)
	if q.Token != "" {
		to, _ = strconv.Atoi(q.Token)
	}
	from := max(0, to-7)
	page := history.Page[history.Execution]{Items: slices.Clone(r.list[from:to])}
	slices.Reverse(page.Items)
	r.read += to - from
	if from > 0 {
		page.Next = strconv.Itoa(from)
	}
	return page, nil
}

// dealt is a trade of the account.
type dealt struct {
	trade.Trade

	side trade.Side
}

// position counts the trades that stand, one after the other.
func position(trades []dealt) trade.Position {
	var p trade.Position
	for _, t := range trades {
		if t.Status != trade.TradeStatusBusted {
			p.Fill(t.side, t.Price, t.Quantity)
		}
	}
	return p
}

func TestTheCostAfterABustIsThatOfTheOtherTrades(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 8))
	for round := range 400 {
		store := &reports{}
		var trades []dealt
		for i := range 1 + random.IntN(40) {
			d := dealt{trade.Trade{ID: trade.TradeID(i + 1), Price: trade.Price(1 + random.IntN(900)), Quantity: trade.Quantity(1 + random.IntN(20))}, trade.Side(1 + random.IntN(2))}
			trades = append(trades, d)
			store.add(trade.ExecTypeNew, 0, d.side, 0, 0)
			store.add(trade.ExecTypeTrade, d.ID, d.side, d.Price, d.Quantity)
		}
		now := position(trades)
		for range min(4, len(trades)) {
			d := &trades[random.IntN(len(trades))]
			if d.Status == trade.TradeStatusBusted {
				continue
			}
			cost, err := history.CostAfterBust(t.Context(), store, now, &d.Trade, d.side)
			if err != nil {
				t.Fatal(err)
			}
			d.Status = trade.TradeStatusBusted
			now.Unfill(d.side, d.Price, d.Quantity, cost)
			if want := position(trades); now != want {
				t.Fatalf("round %d: %+v after the bust of trade %d of %d, the others make %+v", round, now, d.ID, len(trades), want)
			}
			store.add(trade.ExecTypeTradeCancel, d.ID, d.side, d.Price, d.Quantity)
		}
	}
}

func TestOnlyTheTradesSinceThePositionWasOpenedAreRead(t *testing.T) {
	store := &reports{}
	for i := range trade.TradeID(1000) {
		store.add(trade.ExecTypeTrade, i, trade.Side(1+i%2), 5, 1) // Bought and sold again.
	}
	store.add(trade.ExecTypeTrade, 2000, trade.SideBuy, 100, 10)
	store.add(trade.ExecTypeTrade, 2001, trade.SideBuy, 200, 10)
	now := trade.Position{Quantity: 20, Cost: trade.Notional(150, 20)}
	cost, err := history.CostAfterBust(t.Context(), store, now, &trade.Trade{ID: 2001, Price: 200, Quantity: 10}, trade.SideBuy)
	if err != nil || cost != trade.Notional(100, 10) || store.read > 7 {
		t.Errorf("cost %v after %d reports, %v", cost, store.read, err)
	}
}

// TestABustOfAPositionFromBeforeTheHistoryIsAnOppositeTrade is about a venue that
// keeps history for a limited time.
func TestABustOfAPositionFromBeforeTheHistoryIsAnOppositeTrade(t *testing.T) {
	store := &reports{}
	store.add(trade.ExecTypeTrade, 9, trade.SideBuy, 200, 10)
	now := trade.Position{Quantity: 30, Cost: trade.Notional(100, 20).Add(trade.Notional(200, 10))}
	want := now
	want.Fill(trade.SideSell, 200, 10)
	cost, err := history.CostAfterBust(t.Context(), store, now, &trade.Trade{ID: 9, Price: 200, Quantity: 10}, trade.SideBuy)
	if err != nil || cost != want.Cost {
		t.Errorf("cost %v, %v, want %v", cost, err, want.Cost)
	}
}
