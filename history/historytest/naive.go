package historytest

import (
	"cmp"
	"slices"

	"todoku/history"
	"todoku/trade"
)

// naive is a history that keeps everything and looks through all of it: slow, and
// too simple to be wrong.
type naive struct {
	orders     map[trade.OrderID]trade.Order
	executions []history.Execution
	trades     map[trade.TradeID]trade.Trade
	records    []*trade.Record
}

func newNaive() *naive {
	return &naive{orders: make(map[trade.OrderID]trade.Order), trades: make(map[trade.TradeID]trade.Trade)}
}

func (n *naive) apply(records []*trade.Record) {
	n.records = append(n.records, records...)
	for _, r := range records {
		for i, event := range r.Events {
			if e, ok := event.(*trade.ExecutionReport); ok {
				n.orders[e.Order.ID] = e.Order
				n.executions = append(n.executions, history.Execution{
					Execution: trade.Execution{ExecutionReport: e, Sequence: r.Sequence, Event: i}, Time: r.Time,
				})
			}
			if e, ok := event.(*trade.TradeChanged); ok {
				n.trades[e.Trade.ID] = e.Trade
			}
		}
	}
}

// compact drops everything older than a time.
func (n *naive) compact(before int64) {
	for id, o := range n.orders {
		if !o.Status.Working() && o.Updated < before {
			delete(n.orders, id)
		}
	}
	for id, t := range n.trades {
		if t.Time < before {
			delete(n.trades, id)
		}
	}
	n.executions = slices.DeleteFunc(n.executions, func(e history.Execution) bool { return e.Time < before })
	n.records = slices.DeleteFunc(n.records, func(r *trade.Record) bool { return r.Time < before })
}

func within(s history.Span, time int64) bool { return time >= s.From && (s.To == 0 || time < s.To) }

func (n *naive) listOrders(q history.OrderQuery) []trade.Order {
	var found []trade.Order
	for _, o := range n.orders {
		if o.Account == q.Account && (q.Symbol == "" || o.Symbol == q.Symbol) && within(q.Span, o.Entered) &&
			(q.State == history.AnyOrder || o.Status.Working() == (q.State == history.WorkingOrder)) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b trade.Order) int { return cmp.Compare(b.ID, a.ID) })
	return found
}

func (n *naive) order(account trade.AccountID, ref trade.OrderRef) (found trade.Order, ok bool) {
	for _, o := range n.orders {
		if o.Account == account && (o.ID == ref.ID || ref.ID == 0 && o.ClientOrderID == ref.ClientOrderID) && o.ID >= found.ID {
			found, ok = o, true
		}
	}
	return found, ok
}

func (n *naive) listExecutions(q history.ExecutionQuery) []history.Execution {
	var found []history.Execution
	for _, e := range slices.Backward(n.executions) {
		if e.ExecutionReport.Order.Account == q.Account && (q.Symbol == "" || e.ExecutionReport.Order.Symbol == q.Symbol) &&
			(q.Order == 0 || e.ExecutionReport.Order.ID == q.Order) && within(q.Span, e.Time) {
			found = append(found, e)
		}
	}
	return found
}

func (n *naive) listTrades(q history.TradeQuery) []trade.Print {
	var found []trade.Print
	for _, t := range n.trades {
		if t.Symbol == q.Symbol && within(q.Span, t.Time) {
			found = append(found, trade.Print{
				ID: t.ID, Symbol: t.Symbol, Price: t.Price, Quantity: t.Quantity, Aggressor: t.Aggressor,
				Status: t.Status, Time: t.Time,
			})
		}
	}
	slices.SortFunc(found, func(a, b trade.Print) int { return cmp.Compare(b.ID, a.ID) })
	return found
}

// trade finds a trade whose orders are both kept. The parties' client order ids
// are those that the orders have now.
func (n *naive) trade(id trade.TradeID) (t trade.Trade, ok bool) {
	t, ok = n.trades[id]
	for _, party := range []*trade.Party{&t.Buyer, &t.Seller} {
		o, kept := n.orders[party.Order]
		party.ClientOrderID = o.ClientOrderID
		ok = ok && kept
	}
	if !ok {
		return trade.Trade{}, false
	}
	return t, true
}

// listAudit omits the details, which are texts; the tests of package history check them.
func (n *naive) listAudit(q history.AuditQuery) []history.AuditEntry {
	var found []history.AuditEntry
	for _, r := range slices.Backward(n.records) {
		if (q.User == "" || r.Command.User == q.User) && within(q.Span, r.Time) {
			found = append(found, history.AuditEntry{
				Sequence: r.Sequence, Time: r.Time, Kind: r.Command.Kind, Actor: r.Command.Actor,
			})
		}
	}
	return found
}
