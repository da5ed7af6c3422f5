package engine

import (
	"todoku/book"
	"todoku/trade"
)

// draft holds what a command will change while it is being decided: the events so far,
// and the new values where a later step of the same command depends on an earlier one.
// Deciding writes only here and never into the state.
type draft struct {
	state *state
	// now is the time of the record, wall that at which the command is decided.
	now, wall int64
	// openOrders is how many orders an account without a limit of its own may have.
	openOrders uint32
	events     []trade.Event

	fills     book.Fills
	levels    []levelAfter
	levelAt   places[levelKey]
	markets   []marketAfter
	positions []*trade.PositionChanged
	holdingAt places[*holding]
	ladder    []book.Level

	orderID trade.OrderID
	tradeID trade.TradeID

	reports slab[trade.ExecutionReport]
	trades  slab[trade.TradeChanged]
	changes slab[trade.LevelChanged]
	holds   slab[trade.PositionChanged]
}

// levelKey identifies a level of any market.
type levelKey struct {
	market *market
	side   trade.Side
	tick   int64
}

// levelAfter is what a level will hold once a command is applied.
type levelAfter struct {
	levelKey

	quantity int64
	orders   uint32
}

// marketAfter is the book version that a market will have.
type marketAfter struct {
	market  *market
	version uint64
}

// begin empties the draft for a command. The events of the command before
// must have been encoded.
func (d *draft) begin(s *state, now, wall int64) {
	d.state, d.now, d.wall = s, now, wall
	d.events = d.events[:0]
	d.levels, d.markets, d.positions = d.levels[:0], d.markets[:0], d.positions[:0]
	d.levelAt.reset()
	d.holdingAt.reset()
	d.orderID, d.tradeID = s.lastOrder, s.lastTrade
	d.reports.reset()
	d.trades.reset()
	d.changes.reset()
	d.holds.reset()
}

func (d *draft) add(e trade.Event) { d.events = append(d.events, e) }

// report adds an execution report; it copies the order as it is after the report.
func (d *draft) report(kind trade.ExecType, o *trade.Order, request trade.RequestID, reason trade.Reason) *trade.ExecutionReport {
	r := d.reports.take()
	*r = trade.ExecutionReport{Type: kind, Order: *o, Request: request, Reason: reason}
	r.Order.Updated, r.Order.Sequence = d.now, d.sequence()
	d.add(r)
	return r
}

// sequence is that of the record that is made from the draft.
func (d *draft) sequence() uint64 { return d.state.sequence + 1 }

// level returns the new values of a level, for the caller to change.
func (d *draft) level(m *market, side trade.Side, tick int64) *levelAfter {
	key := levelKey{m, side, tick}
	i := d.levelAt.find(key)
	if i < 0 {
		i = d.levelAt.add(key)
		now := m.book.Level(book.Side(side), tick)
		d.levels = append(d.levels, levelAfter{key, now.Quantity, now.Orders})
	}
	return &d.levels[i]
}

// position returns the new values of a position, for the caller to change.
func (d *draft) position(h *holding) *trade.Position {
	i := d.holdingAt.find(h)
	if i < 0 {
		i = d.holdingAt.add(h)
		e := d.holds.take()
		e.Position = h.position
		d.positions = append(d.positions, e)
	}
	return &d.positions[i].Position
}

// finish adds the events that follow from the others: the changed levels and positions,
// each in the order of their first change.
func (d *draft) finish() {
	for i := range d.levels {
		l := &d.levels[i]
		c := d.changes.take()
		*c = trade.LevelChanged{
			Symbol:      l.market.instrument.Symbol,
			Side:        l.side,
			Price:       l.market.price(l.tick),
			Quantity:    trade.Quantity(l.quantity),
			Orders:      l.orders,
			BookVersion: d.version(l.market),
		}
		d.add(c)
	}
	for _, e := range d.positions {
		e.Position.Sequence = d.sequence()
		d.add(e)
	}
}

// version returns the market's book version after the command: one more when a best
// price changes.
func (d *draft) version(m *market) uint64 {
	for i := range d.markets {
		if d.markets[i].market == m {
			return d.markets[i].version
		}
	}
	version := m.version
	if d.moves(m, trade.SideBuy) || d.moves(m, trade.SideSell) {
		version++
	}
	d.markets = append(d.markets, marketAfter{m, version})
	return version
}

// moves says whether the best price of a side changes.
func (d *draft) moves(m *market, side trade.Side) bool {
	touched, emptied := false, 0
	var tick int64 // of the best changed level that still has orders
	has := false
	for i := range d.levels {
		l := &d.levels[i]
		if l.market != m || l.side != side {
			continue
		}
		touched = true
		switch {
		case l.orders == 0:
			emptied++
		case !has || book.Better(book.Side(side), l.tick, tick):
			tick, has = l.tick, true
		}
	}
	if !touched {
		return false
	}
	before, _, had := m.book.Best(book.Side(side))
	// The best unchanged level follows in the book after at most the emptied ones.
	d.ladder = m.book.Levels(d.ladder[:0], book.Side(side), emptied+1)
	for i := range d.ladder {
		at := d.levelAt.find(levelKey{m, side, d.ladder[i].Tick})
		if at >= 0 && d.levels[at].orders == 0 {
			continue
		}
		if !has || book.Better(book.Side(side), d.ladder[i].Tick, tick) {
			tick, has = d.ladder[i].Tick, true
		}
		break
	}
	return has != had || has && tick != before
}
