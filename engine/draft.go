package engine

import (
	"todoku/book"
	"todoku/trade"
)

// draft is what a command would change, while it is being decided: the events so
// far, and what the state will be where a later step of the same command depends
// on an earlier one. Deciding writes here and never into the state.
type draft struct {
	state  *state
	now    int64
	events []trade.Event

	fills     book.Fills
	levels    []levelAfter
	levelAt   map[levelKey]int // of levels, once there are many
	markets   []marketAfter
	positions []positionAfter
	holdingAt map[*holding]int // of positions, once there are many
	ladder    []book.Level

	orderID trade.OrderID
	tradeID trade.TradeID

	reports slab[trade.ExecutionReport]
	trades  slab[trade.TradeChanged]
	changes slab[trade.LevelChanged]
	holds   slab[trade.PositionChanged]
}

// levelKey names a level of any market.
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

// positionAfter is what a holding's position will be.
type positionAfter struct {
	holding *holding
	event   *trade.PositionChanged
}

// many is from when on what a command touches is looked up in a map rather than
// by walking the few there are.
const many = 16

// begin empties the draft for a command at a time. The events of the command
// before must have been written down.
func (d *draft) begin(s *state, now int64) {
	d.state, d.now = s, now
	d.events = d.events[:0]
	d.levels, d.markets, d.positions = d.levels[:0], d.markets[:0], d.positions[:0]
	d.levelAt, d.holdingAt = emptied(d.levelAt), emptied(d.holdingAt)
	d.orderID, d.tradeID = s.lastOrder, s.lastTrade
	d.reports.reset()
	d.trades.reset()
	d.changes.reset()
	d.holds.reset()
}

// emptied returns the map without its entries. One that was large is given away:
// emptying it again and again would cost every later command.
func emptied[K comparable](m map[K]int) map[K]int {
	if len(m) > 64*many {
		return nil
	}
	clear(m)
	return m
}

func (d *draft) add(e trade.Event) { d.events = append(d.events, e) }

// report adds an execution report; the order is copied as it is after it.
func (d *draft) report(kind trade.ExecType, o *trade.Order, request trade.RequestID, reason trade.Reason) *trade.ExecutionReport {
	r := d.reports.take()
	*r = trade.ExecutionReport{Type: kind, Order: *o, Request: request, Reason: reason}
	r.Order.Updated, r.Order.Sequence = d.now, d.sequence()
	d.add(r)
	return r
}

// sequence is that of the record that the draft becomes.
func (d *draft) sequence() uint64 { return d.state.sequence + 1 }

// find returns where among the touched levels one is, or -1.
func (d *draft) find(key levelKey) int {
	if len(d.levels) <= many {
		for i := range d.levels {
			if d.levels[i].levelKey == key {
				return i
			}
		}
		return -1
	}
	if i, ok := d.levelAt[key]; ok {
		return i
	}
	return -1
}

// level returns what a level will hold, for the caller to change.
func (d *draft) level(m *market, side trade.Side, tick int64) *levelAfter {
	key := levelKey{m, side, tick}
	if i := d.find(key); i >= 0 {
		return &d.levels[i]
	}
	now := m.book.Level(book.Side(side), tick)
	d.levels = append(d.levels, levelAfter{key, now.Quantity, now.Orders})
	last := len(d.levels) - 1
	switch {
	case last == many:
		d.levelAt = make(map[levelKey]int, 4*many)
		for i := range d.levels {
			d.levelAt[d.levels[i].levelKey] = i
		}
	case last > many:
		d.levelAt[key] = last
	}
	return &d.levels[last]
}

// position returns what a position will be, for the caller to change.
func (d *draft) position(h *holding) *trade.Position {
	if len(d.positions) <= many {
		for i := range d.positions {
			if d.positions[i].holding == h {
				return &d.positions[i].event.Position
			}
		}
	} else if i, ok := d.holdingAt[h]; ok {
		return &d.positions[i].event.Position
	}
	e := d.holds.take()
	e.Position = h.position
	d.positions = append(d.positions, positionAfter{h, e})
	last := len(d.positions) - 1
	switch {
	case last == many:
		d.holdingAt = make(map[*holding]int, 4*many)
		for i := range d.positions {
			d.holdingAt[d.positions[i].holding] = i
		}
	case last > many:
		d.holdingAt[h] = last
	}
	return &e.Position
}

// finish adds the events that follow from the others: the levels that were
// touched, in the order in which they were, and the positions.
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
	for i := range d.positions {
		e := d.positions[i].event
		e.Position.Sequence = d.sequence()
		d.add(e)
	}
}

// version returns the market's book version after the command: one more when a
// best price will be another.
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

// moves says whether the best price of a side will be another.
func (d *draft) moves(m *market, side trade.Side) bool {
	touched, emptied := false, 0
	var tick int64 // of the best level that is touched and not emptied
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
	// The best level that the command leaves alone is among the first of the book,
	// behind those that it empties.
	d.ladder = m.book.Levels(d.ladder[:0], book.Side(side), emptied+1)
	for i := range d.ladder {
		at := d.find(levelKey{m, side, d.ladder[i].Tick})
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

// slab hands out values that all die together, so that a command allocates
// nothing once the slab has been as large as it needs.
type slab[T any] struct {
	chunks [][]T
	used   int
}

const slabChunk = 32

func (s *slab[T]) take() *T {
	chunk := s.used / slabChunk
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, slabChunk))
	}
	v := &s.chunks[chunk][s.used%slabChunk]
	s.used++
	return v
}

// reset takes everything back. After a burst it lets the memory go.
func (s *slab[T]) reset() {
	s.used = 0
	if len(s.chunks) > 64 {
		s.chunks = nil
	}
}
