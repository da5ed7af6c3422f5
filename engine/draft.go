package engine

import "todoku/trade"

// levelAfter is what a level will hold once a command is applied.
type levelAfter struct {
	market   *market
	side     trade.Side
	tick     int64
	quantity int64
	orders   uint32
}

// draft is what a command would change, while it is being decided: the events so
// far, and what the state will be where a later step of the same command depends
// on an earlier one. Deciding writes here and never into the state.
type draft struct {
	state  *state
	now    int64
	events []trade.Event

	fills     Fills
	levels    []levelAfter
	levelAt   map[levelKey]int
	positions []*trade.PositionChanged
	ladder    []Level

	orderID trade.OrderID
	tradeID trade.TradeID

	reports slab[trade.ExecutionReport]
	trades  slab[trade.TradeChanged]
	changes slab[trade.LevelChanged]
	holds   slab[trade.PositionChanged]
}

type levelKey struct {
	market *market
	side   trade.Side
	tick   int64
}

// manyLevels is from when on a touched level is looked up by key rather than by
// walking the few there are.
const manyLevels = 16

// begin empties the draft for a command at a time. The events of the command
// before must have been written down.
func (d *draft) begin(s *state, now int64) {
	d.state, d.now = s, now
	d.events = d.events[:0]
	d.levels = d.levels[:0]
	d.positions = d.positions[:0]
	clear(d.levelAt)
	d.orderID, d.tradeID = s.lastOrder, s.lastTrade
	d.reports.reset()
	d.trades.reset()
	d.changes.reset()
	d.holds.reset()
}

func (d *draft) add(e trade.Event) { d.events = append(d.events, e) }

// report adds an execution report; the order is copied as it is after it.
func (d *draft) report(kind trade.ExecType, o *trade.Order, request trade.RequestID, reason trade.Reason) *trade.ExecutionReport {
	r := d.reports.take()
	*r = trade.ExecutionReport{Type: kind, Order: *o, Request: request, Reason: reason}
	r.Order.Updated = d.now
	d.add(r)
	return r
}

// level returns what a level will hold, for the caller to change.
func (d *draft) level(m *market, side trade.Side, tick int64) *levelAfter {
	if len(d.levels) < manyLevels {
		for i := range d.levels {
			if l := &d.levels[i]; l.tick == tick && l.side == side && l.market == m {
				return l
			}
		}
	} else {
		if len(d.levelAt) == 0 {
			d.levelAt = map[levelKey]int{}
			for i, l := range d.levels {
				d.levelAt[levelKey{l.market, l.side, l.tick}] = i
			}
		}
		if i, ok := d.levelAt[levelKey{m, side, tick}]; ok {
			return &d.levels[i]
		}
		d.levelAt[levelKey{m, side, tick}] = len(d.levels)
	}
	now := m.book.Level(side, tick)
	d.levels = append(d.levels, levelAfter{m, side, tick, now.Quantity, now.Orders})
	return &d.levels[len(d.levels)-1]
}

// position returns what a position will be, for the caller to change.
func (d *draft) position(h *holding) *trade.Position {
	for _, p := range d.positions {
		if p.Position.Account == h.position.Account && p.Position.Symbol == h.position.Symbol {
			return &p.Position
		}
	}
	p := d.holds.take()
	p.Position = h.position
	d.positions = append(d.positions, p)
	return &p.Position
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
	for _, p := range d.positions {
		d.add(p)
	}
}

// version returns the market's book version after the command: one more when a
// best price will be another.
func (d *draft) version(m *market) uint64 {
	for _, side := range [...]trade.Side{trade.SideBuy, trade.SideSell} {
		before, _, had := best(m.book, side)
		after, has := d.bestAfter(m, side)
		if had != has || before != after {
			return m.version + 1
		}
	}
	return m.version
}

func best(b *Book, side trade.Side) (tick, quantity int64, ok bool) {
	if side == trade.SideBuy {
		return b.BestBid()
	}
	return b.BestAsk()
}

// bestAfter returns the best price of a side after the command.
func (d *draft) bestAfter(m *market, side trade.Side) (tick int64, ok bool) {
	better := func(a, b int64) bool {
		if side == trade.SideBuy {
			return a > b
		}
		return a < b
	}
	emptied := 0
	for i := range d.levels {
		l := &d.levels[i]
		if l.market != m || l.side != side {
			continue
		}
		if l.orders == 0 {
			emptied++
			continue
		}
		if !ok || better(l.tick, tick) {
			tick, ok = l.tick, true
		}
	}
	// The best level that the command leaves alone is among the first of the book,
	// behind those that it empties or that are better already.
	d.ladder = m.book.Levels(d.ladder[:0], side, emptied+1)
	for _, l := range d.ladder {
		if d.empties(m, side, l.Tick) {
			continue
		}
		if !ok || better(l.Tick, tick) {
			tick, ok = l.Tick, true
		}
		break
	}
	return tick, ok
}

func (d *draft) empties(m *market, side trade.Side, tick int64) bool {
	for i := range d.levels {
		if l := &d.levels[i]; l.tick == tick && l.side == side && l.market == m {
			return l.orders == 0
		}
	}
	return false
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
