package engine

import (
	"fmt"

	"todoku/trade"
)

// apply takes over what a record says. It is the only way in which the state
// changes, in a running engine and in a replay alike, and cannot fail: an event
// that contradicts the state means that this program or the journal is broken.
func (s *state) apply(r *trade.Record) {
	s.sequence, s.time = r.Sequence, r.Time
	if s.dayEnd == 0 {
		s.dayEnd = nextDayEnd(r.Time, s.venue)
	}
	if r.Command.Request != "" {
		kept := &trade.RequestState{Actor: r.Command.Actor, Fingerprint: r.Command.Fingerprint, Time: r.Time, Answer: r.Command.Answer}
		kept.Answer.Sequence = r.Sequence
		s.requests.add(kept)
	}
	var incoming *trade.Order
	for _, e := range r.Events {
		switch e := e.(type) {
		case *trade.ExecutionReport:
			incoming = s.applyReport(e, incoming)
		case *trade.CancelRejected, *trade.Announced:
		case *trade.TradeChanged:
			s.applyTrade(&e.Trade)
		case *trade.LevelChanged:
			s.instruments[e.Symbol].version = e.BookVersion
		case *trade.PositionChanged:
			s.account(e.Position.Account).holding(e.Position.Symbol).position = e.Position
		case *trade.InstrumentChanged:
			s.applyInstrument(&e.Instrument)
		case *trade.UserChanged:
			user := e.User
			s.users[user.ID] = &user
		case *trade.PresenceChanged:
			if u := s.users[e.User]; u != nil {
				u.Online, u.Since = e.Online, r.Time
			}
		case *trade.LimitsChanged:
			s.account(e.Account).limits = e.Limits
		case *trade.VenueChanged:
			s.venue = e.Venue
			s.dayEnd = nextDayEnd(r.Time, s.venue)
		case *trade.DayEnded:
			s.requests.forget(e.End - (e.Next - e.End))
			s.dayEnd = e.Next
		}
	}
	if incoming != nil && incoming.Leaves > 0 && incoming.Status.Working() {
		s.rest(incoming)
	}
}

// applyReport takes over an execution report. It returns the order that is on its
// way into the book, if this record has one: it rests when all its trades are done.
func (s *state) applyReport(e *trade.ExecutionReport, incoming *trade.Order) *trade.Order {
	o := &e.Order
	s.lastOrder = max(s.lastOrder, o.ID)
	working := s.orders[o.ID]
	switch e.Type {
	case trade.ExecTypeNew:
		return o
	case trade.ExecTypeReplaced:
		if o.Price == working.Price && o.Leaves <= working.Leaves {
			s.change(working, o)
			return incoming
		}
		s.remove(working)
		return o
	case trade.ExecTypeTrade:
		switch {
		case !e.Maker:
			return o
		case o.Leaves == 0:
			s.remove(working)
		default:
			s.change(working, o)
		}
	case trade.ExecTypeCanceled, trade.ExecTypeExpired:
		if working == nil {
			return nil // It was on its way in and ends before it rests.
		}
		s.remove(working)
	case trade.ExecTypeTradeCancel:
		s.lastBust[o.ID] = o.Updated
		if working != nil {
			working.Order = *o
		}
	case trade.ExecTypeRejected, trade.ExecTypeUnspecified:
	}
	return incoming
}

// rest puts an order into the book and the indexes.
func (s *state) rest(o *trade.Order) {
	m, a := s.instruments[o.Symbol], s.account(o.Account)
	w := &order{Order: *o, account: a, market: m, holding: a.holding(o.Symbol)}
	if err := m.book.Rest(uint64(o.ID), a.number, o.Side, m.ticks(o.Price), int64(o.Leaves)); err != nil {
		broken("order %d cannot rest: %v", o.ID, err)
	}
	s.orders[o.ID] = w
	a.working[o.ClientOrderID] = w
	*w.holding.works(o.Side) += o.Leaves
	switch o.TimeInForce {
	case trade.TimeInForceDay:
		s.dayOrders++
	case trade.TimeInForceGTD:
		s.expiries.add(o.Expire, o.ID)
	case trade.TimeInForceUnspecified, trade.TimeInForceGTC, trade.TimeInForceIOC, trade.TimeInForceFOK:
	}
}

// remove takes an order out of the book and the indexes.
func (s *state) remove(w *order) {
	if _, ok := w.market.book.Cancel(uint64(w.ID)); !ok {
		broken("order %d is not in its book", w.ID)
	}
	*w.holding.works(w.Side) -= w.Leaves
	delete(s.orders, w.ID)
	delete(w.account.working, w.ClientOrderID)
	if w.TimeInForce == trade.TimeInForceDay {
		s.dayOrders--
	}
}

// change takes over an order that keeps its place in the book.
func (s *state) change(w *order, o *trade.Order) {
	if o.Leaves < w.Leaves {
		if _, err := w.market.book.Reduce(uint64(w.ID), int64(o.Leaves)); err != nil {
			broken("order %d cannot shrink: %v", w.ID, err)
		}
		*w.holding.works(w.Side) -= w.Leaves - o.Leaves
	}
	if o.ClientOrderID != w.ClientOrderID {
		delete(w.account.working, w.ClientOrderID)
		w.account.working[o.ClientOrderID] = w
	}
	w.Order = *o
}

func (s *state) applyTrade(t *trade.Trade) {
	s.lastTrade = max(s.lastTrade, t.ID)
	if t.Status == trade.TradeStatusBusted {
		s.busts[t.ID] = *t
		return
	}
	s.instruments[t.Symbol].last = t.Price
}

func (s *state) applyInstrument(i *trade.Instrument) {
	if m := s.instruments[i.Symbol]; m != nil {
		m.instrument = *i
		return
	}
	s.instruments[i.Symbol] = &market{instrument: *i, book: NewBook()}
}

// broken stops the engine: going on would spread a state that the journal does
// not say.
func broken(format string, args ...any) {
	panic("engine: the journal contradicts the state: " + fmt.Sprintf(format, args...)) //nolint:forbidigo // Broken invariant: apply cannot fail.
}
