package engine

import (
	"fmt"
	"slices"

	"todoku/book"
	"todoku/trade"
)

// apply applies a record to the state. Nothing else changes the state, in a running
// engine and in a replay alike. It cannot fail: an event that contradicts the state
// means that this program or the journal is broken. It keeps only texts of the record.
func (s *state) apply(r *trade.Record) {
	s.sequence, s.time = r.Sequence, r.Time
	if s.dayEnd == 0 {
		s.dayEnd = nextDayEnd(r.Time, s.venue)
	}
	if r.Command.Request != "" {
		s.remember(r)
	}
	for _, e := range r.Events {
		switch e := e.(type) {
		case *trade.ExecutionReport:
			s.applyReport(e)
		case *trade.CancelRejected, *trade.Announced:
		case *trade.TradeChanged:
			s.applyTrade(e)
		case *trade.LevelChanged:
			s.market(e.Symbol).version = e.BookVersion
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
			s.requests.forget(e.Next - 2*day)
			s.dayEnd = e.Next
		}
	}
	s.enter(len(s.entering))
}

// remember keeps the answer of a request.
func (s *state) remember(r *trade.Record) {
	c := &r.Command
	kept := trade.RequestState{Actor: c.Actor, Fingerprint: c.Fingerprint, Time: r.Time, Answer: c.Answer}
	kept.Answer.Sequence = r.Sequence
	// All requests of a user share one text; each record has a copy of its own.
	if u := s.users[kept.User]; u != nil {
		kept.User = u.ID
	}
	if a := s.accounts[kept.Account]; a != nil {
		kept.Account = a.id
	}
	s.requests.add(&kept)
}

// applyReport applies an execution report. The orders that a record enters wait in
// s.entering while they trade as aggressors: until another order trades with them, or
// the record ends.
func (s *state) applyReport(e *trade.ExecutionReport) {
	o := &e.Order
	s.lastOrder = max(s.lastOrder, o.ID)
	switch e.Type {
	case trade.ExecTypeNew:
		s.entering = append(s.entering, o)
	case trade.ExecTypeReplaced:
		w := s.working(o.ID)
		if o.Leaves == 0 {
			s.remove(w)
			return
		}
		if keepsPlace(&w.Order, o) {
			s.change(w, o)
			return
		}
		s.remove(w)
		s.entering = append(s.entering, o)
	case trade.ExecTypeTrade:
		at := s.enteringAt(o.ID)
		if at >= 0 && !e.Maker {
			s.entering[at] = o
			return
		}
		s.enter(at + 1)
		s.fill(s.working(o.ID), o, e.LastQuantity)
	case trade.ExecTypeCanceled, trade.ExecTypeExpired:
		if at := s.enteringAt(o.ID); at >= 0 {
			s.entering = slices.Delete(s.entering, at, at+1)
			return
		}
		s.remove(s.working(o.ID))
	case trade.ExecTypeTradeCancel:
		s.lastBust[o.ID] = o.Updated
		if w := s.orders[o.ID]; w != nil {
			w.Order = *o
		}
	case trade.ExecTypeRejected, trade.ExecTypeUnspecified:
	}
}

// enteringAt returns the place of an order among those that are entering, or -1.
func (s *state) enteringAt(id trade.OrderID) int {
	return slices.IndexFunc(s.entering, func(o *trade.Order) bool { return o.ID == id })
}

// enter makes the first of the entering orders work, unless they have ended.
func (s *state) enter(first int) {
	for _, o := range s.entering[:first] {
		if o.Leaves > 0 && o.Status.Working() {
			s.work(o)
		}
	}
	s.entering = slices.Delete(s.entering, 0, first)
}

// keepsPlace says whether an order keeps its priority when it is replaced: at the
// same price and with no more quantity.
func keepsPlace(old, replaced *trade.Order) bool {
	return replaced.Price == old.Price && replaced.Leaves <= old.Leaves
}

// market returns a market that a record mentions.
func (s *state) market(symbol trade.Symbol) *market {
	m := s.instruments[symbol]
	if m == nil {
		broken("there is no instrument %s", symbol)
	}
	return m
}

// working returns a working order that a record mentions.
func (s *state) working(id trade.OrderID) *order {
	w := s.orders[id]
	if w == nil {
		broken("order %d does not work", id)
	}
	return w
}

// work adds an order to the indexes and, if it displays a quantity, to its book.
func (s *state) work(o *trade.Order) {
	m, a := s.market(o.Symbol), s.account(o.Account)
	w := s.newOrder()
	s.entered++
	*w = order{Order: *o, account: a, market: m, holding: a.holding(o.Symbol), entry: s.entered}
	w.Account, w.Symbol = a.id, m.instrument.Symbol // Texts of the state, not of the record.
	if w.rests() {
		if err := m.book.Rest(uint64(o.ID), a.number, book.Side(o.Side), m.ticks(o.Price), int64(o.Displayed)); err != nil {
			broken("order %d cannot rest: %v", o.ID, err)
		}
	}
	m.working++
	s.orders[o.ID] = w
	if o.Session != "" {
		s.keepForSession(w)
	}
	a.working[o.ClientOrderID] = w
	*w.holding.works(o.Side) += o.Leaves
	switch o.TimeInForce {
	case trade.TimeInForceDay:
		s.dayOrders++
	case trade.TimeInForceGTD:
		w.expiry = deadline{at: o.Expire, kind: orderExpires, id: uint64(o.ID)}
		s.deadlines.add(&w.expiry)
	case trade.TimeInForceUnspecified, trade.TimeInForceGTC, trade.TimeInForceIOC, trade.TimeInForceFOK:
	}
}

// keepForSession adds an order to those of its session.
func (s *state) keepForSession(w *order) {
	of := s.sessions[w.Session]
	if of == nil {
		of = map[trade.OrderID]*order{}
		s.sessions[w.Session] = of
	}
	for _, other := range of {
		w.Session = other.Session // One text for all.
		break
	}
	of[w.ID] = w
}

// remove removes an order from the book and the indexes.
func (s *state) remove(w *order) {
	if w.rests() {
		if _, ok := w.market.book.Cancel(uint64(w.ID)); !ok {
			broken("order %d is not in its book", w.ID)
		}
	}
	*w.holding.works(w.Side) -= w.Leaves
	s.forget(w)
}

// fill applies a trade to a resting order; o is the order after it.
func (s *state) fill(w *order, o *trade.Order, quantity trade.Quantity) {
	left, err := w.market.book.Fill(uint64(w.ID), int64(quantity))
	if err != nil || trade.Quantity(left.Left) != o.Displayed {
		broken("order %d cannot trade %v: %v", w.ID, quantity, err)
	}
	*w.holding.works(w.Side) -= quantity
	if w.Order = *o; o.Leaves == 0 {
		s.forget(w)
	}
}

// forget removes an order that has left the book from the indexes.
func (s *state) forget(w *order) {
	w.market.working--
	delete(s.orders, w.ID)
	if of := s.sessions[w.Session]; of != nil {
		if delete(of, w.ID); len(of) == 0 {
			delete(s.sessions, w.Session)
		}
	}
	delete(w.account.working, w.ClientOrderID)
	switch w.TimeInForce {
	case trade.TimeInForceDay:
		s.dayOrders--
	case trade.TimeInForceGTD:
		s.deadlines.remove(&w.expiry)
	case trade.TimeInForceUnspecified, trade.TimeInForceGTC, trade.TimeInForceIOC, trade.TimeInForceFOK:
	}
	s.spareOrder(w)
}

// change applies the change of an order that keeps its place in the book.
func (s *state) change(w *order, o *trade.Order) {
	if o.Displayed < w.Displayed {
		if _, err := w.market.book.Reduce(uint64(w.ID), int64(o.Displayed)); err != nil {
			broken("order %d cannot shrink: %v", w.ID, err)
		}
	}
	*w.holding.works(w.Side) -= w.Leaves - o.Leaves
	if o.ClientOrderID != w.ClientOrderID {
		delete(w.account.working, w.ClientOrderID)
		w.account.working[o.ClientOrderID] = w
	}
	w.Order = *o
}

func (s *state) applyTrade(e *trade.TradeChanged) {
	t, m := &e.Trade, s.market(e.Trade.Symbol)
	s.lastTrade = max(s.lastTrade, t.ID)
	switch {
	case t.Status != trade.TradeStatusBusted:
		m.last, m.lastTrade = t.Price, t.ID
	case e.LastMoved:
		m.last, m.lastTrade = e.LastPrice, e.LastTrade
	}
	if t.Status == trade.TradeStatusBusted {
		s.busts[t.ID] = *t
	}
}

func (s *state) applyInstrument(i *trade.Instrument) {
	if m := s.instruments[i.Symbol]; m != nil {
		m.instrument = *i
		return
	}
	s.instruments[i.Symbol] = &market{instrument: *i, book: book.New()}
}

// broken stops the engine: continuing would spread a state that does not follow from
// the journal.
func broken(format string, args ...any) {
	panic("engine: the journal contradicts the state: " + fmt.Sprintf(format, args...)) //nolint:forbidigo // Broken invariant: apply cannot fail.
}
