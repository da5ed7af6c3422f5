package engine

import (
	"slices"
	"testing"

	"todoku/book"
	"todoku/trade"
	"todoku/trade/record"
)

// marketOf returns a state with one instrument, of tick and lot 1.
func marketOf(symbol trade.Symbol) *state {
	s := newState()
	i := testInstrument(symbol)
	i.TickSize, i.LotSize = 1, 1
	s.apply(&trade.Record{Sequence: 1, Time: 1, Events: []trade.Event{&trade.InstrumentChanged{Instrument: i}}})
	return s
}

func workingOrder(id trade.OrderID, side trade.Side, price trade.Price, leaves, displayed trade.Quantity) trade.Order {
	return trade.Order{
		ID: id, Account: trade.AccountID([]string{"alice", "bob", "carol"}[id%3]), ClientOrderID: trade.RequestID(rune('a' + id)),
		Symbol: "AAA", Side: side, Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceGTC,
		Price: price, Quantity: leaves, Leaves: leaves, Displayed: displayed, Status: trade.OrderStatusNew,
	}
}

// queueOf returns the orders that rest on a side, with their displayed quantities.
func queueOf(s *state, side book.Side) (queue [][2]int64) {
	for o := range s.instruments["AAA"].book.Orders(side) {
		queue = append(queue, [2]int64{int64(o.ID), o.Left})
	}
	return queue
}

func report(kind trade.ExecType, o trade.Order) *trade.ExecutionReport {
	return &trade.ExecutionReport{Type: kind, Order: o}
}

// filled returns the report of an order's trade and changes the order accordingly.
func filled(o *trade.Order, quantity trade.Quantity, maker bool) *trade.ExecutionReport {
	o.Filled, o.Leaves, o.Displayed, o.Status = o.Filled+quantity, o.Leaves-quantity, o.Displayed-quantity, trade.OrderStatusPartiallyFilled
	if o.Leaves == 0 {
		o.Status = trade.OrderStatusFilled
	}
	return &trade.ExecutionReport{Type: trade.ExecTypeTrade, Order: *o, LastQuantity: quantity, Maker: maker}
}

// TestSeveralOrdersOfOneRecordRest applies a record in which one order trades and rests,
// a second one trades with it and rests, a third rests at once, and a fourth ends before
// it rests.
func TestSeveralOrdersOfOneRecordRest(t *testing.T) {
	s := marketOf("AAA")
	offer := workingOrder(1, trade.SideSell, 100, 4, 4)
	s.apply(&trade.Record{Sequence: 2, Time: 2, Events: []trade.Event{report(trade.ExecTypeNew, offer)}})
	first := workingOrder(2, trade.SideBuy, 100, 10, 10)
	second := workingOrder(3, trade.SideSell, 100, 5, 5)
	third := workingOrder(4, trade.SideBuy, 99, 7, 7)
	fourth := workingOrder(5, trade.SideBuy, 99, 7, 7)
	events := []trade.Event{
		report(trade.ExecTypeNew, first), filled(&first, 4, false), filled(&offer, 4, true),
		report(trade.ExecTypeNew, third),
		report(trade.ExecTypeNew, second), filled(&second, 2, false), filled(&first, 2, true),
		report(trade.ExecTypeNew, fourth),
	}
	fourth.Leaves, fourth.Displayed, fourth.Status = 0, 0, trade.OrderStatusCanceled
	second.Leaves, second.Displayed, second.Status = 0, 0, trade.OrderStatusCanceled
	s.apply(&trade.Record{Sequence: 3, Time: 3, Events: append(events, report(trade.ExecTypeCanceled, fourth), report(trade.ExecTypeCanceled, second))})
	if got, want := queueOf(s, book.Buy), [][2]int64{{2, 4}, {4, 7}}; !slices.Equal(got, want) {
		t.Errorf("bids %v, want %v", got, want)
	}
	if got := queueOf(s, book.Sell); got != nil || len(s.orders) != 2 || len(s.entering) != 0 {
		t.Errorf("offers %v, %d orders, %d entering", got, len(s.orders), len(s.entering))
	}
	if err := checkIndexes(s); err != nil {
		t.Error(err)
	}
}

// TestAnOrderMayWorkWithoutRestingAndDisplayLess covers what the book
// shows of such orders, and that a snapshot restores them and the queue.
func TestAnOrderMayWorkWithoutRestingAndDisplayLess(t *testing.T) {
	s := marketOf("AAA")
	asleep, part, whole := workingOrder(1, trade.SideBuy, 101, 30, 0), workingOrder(2, trade.SideBuy, 100, 50, 5), workingOrder(3, trade.SideBuy, 100, 8, 8)
	late := workingOrder(4, trade.SideBuy, 100, 6, 6)
	s.apply(&trade.Record{Sequence: 2, Time: 2, Events: []trade.Event{
		report(trade.ExecTypeNew, asleep), report(trade.ExecTypeNew, late), report(trade.ExecTypeNew, part), report(trade.ExecTypeNew, whole),
	}})
	// The oldest loses its place.
	late.Price = 99
	s.apply(&trade.Record{Sequence: 3, Time: 3, Events: []trade.Event{report(trade.ExecTypeReplaced, late)}})
	late.Price = 100
	s.apply(&trade.Record{Sequence: 4, Time: 4, Events: []trade.Event{report(trade.ExecTypeReplaced, late)}})
	want := [][2]int64{{2, 5}, {3, 8}, {4, 6}}
	snapshot := s.snapshot()
	data, err := record.EncodeSnapshot(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if snapshot, err = record.DecodeSnapshot(data); err != nil {
		t.Fatal(err)
	}
	if got := snapshot.Instruments[0].Levels.Bids; len(got) != 1 || got[0] != (trade.Level{Price: 100, Quantity: 19, Orders: 3}) {
		t.Errorf("the snapshot shows %+v", got)
	}
	again := restore(snapshot)
	for name, s := range map[string]*state{"applied": s, "restored": again} {
		if got := queueOf(s, book.Buy); !slices.Equal(got, want) || len(s.orders) != 4 {
			t.Errorf("%s: bids %v, want %v; %d orders", name, got, want, len(s.orders))
		}
		if buying := s.account("bob").holding("AAA").buying; buying != 36 {
			t.Errorf("%s: %v of bob's work, want 36", name, buying)
		}
	}
	if hashOf(t, again) != hashOf(t, s) {
		t.Error("the snapshot gives another state")
	}
	asleep.Leaves, asleep.Status = 0, trade.OrderStatusCanceled
	part.Leaves, part.Displayed, part.Status = 0, 0, trade.OrderStatusCanceled
	again.apply(&trade.Record{Sequence: 5, Time: 5, Events: []trade.Event{report(trade.ExecTypeCanceled, asleep), report(trade.ExecTypeCanceled, part)}})
	if got := queueOf(again, book.Buy); !slices.Equal(got, want[1:]) || len(again.orders) != 2 || again.instruments["AAA"].working != 2 {
		t.Errorf("after both were canceled: bids %v, %d orders", got, len(again.orders))
	}
}
