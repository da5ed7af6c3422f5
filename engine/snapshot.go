package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"todoku/book"
	"todoku/trade"
)

// snapshot returns the state in canonical order. Orders come from the map of orders,
// because not all of them rest in a book.
func (s *state) snapshot() *trade.Snapshot {
	out := &trade.Snapshot{
		Sequence: s.sequence, Time: s.time, Venue: s.venue, DayEnd: s.dayEnd,
		LastOrder: s.lastOrder, LastTrade: s.lastTrade,
	}
	for _, symbol := range s.symbols() {
		m := s.instruments[symbol]
		out.Instruments = append(out.Instruments, trade.InstrumentState{
			Instrument: m.instrument, LastPrice: m.last, LastTrade: m.lastTrade, BookVersion: m.version,
			Levels: trade.Levels{Bids: m.levels(book.Buy), Offers: m.levels(book.Sell)},
		})
	}
	out.Orders = make([]trade.Order, 0, len(s.orders))
	for _, o := range slices.SortedFunc(maps.Values(s.orders), canonical) {
		out.Orders = append(out.Orders, o.Order)
	}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		out.Users = append(out.Users, *s.users[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.accounts)) {
		a := s.accounts[id]
		if a.limits != (trade.Limits{}) {
			out.Accounts = append(out.Accounts, trade.AccountState{Account: id, Limits: a.limits})
		}
		for _, symbol := range slices.Sorted(maps.Keys(a.holdings)) {
			p := a.holdings[symbol].position
			if p != (trade.Position{Account: id, Symbol: symbol}) {
				out.Positions = append(out.Positions, p)
			}
		}
	}
	out.Trades = slices.SortedFunc(maps.Values(s.busts), func(x, y trade.Trade) int { return cmp.Compare(x.ID, y.ID) })
	out.Requests = make([]trade.RequestState, 0, s.requests.len())
	for r := range s.requests.all() {
		out.Requests = append(out.Requests, *r)
	}
	return out
}

// levels returns the displayed levels of a side.
func (m *market) levels(side book.Side) []trade.Level {
	shown := m.book.Levels(nil, side, math.MaxInt)
	out := make([]trade.Level, len(shown))
	for i, l := range shown {
		out[i] = trade.Level{Price: m.price(l.Tick), Quantity: trade.Quantity(l.Quantity), Orders: l.Orders}
	}
	return out
}

// canonical compares orders as a snapshot sorts them: by symbol, side and priority, then
// those that do not rest, by id. Adding them in this order makes the same books.
func canonical(x, y *order) int {
	switch {
	case x.market != y.market:
		return cmp.Compare(x.Symbol, y.Symbol)
	case x.rests() != y.rests():
		if x.rests() {
			return -1
		}
		return 1
	case !x.rests():
		return cmp.Compare(x.ID, y.ID)
	case x.Side != y.Side:
		return cmp.Compare(x.Side, y.Side)
	case x.Price == y.Price:
		return cmp.Compare(x.entry, y.entry)
	case book.Better(book.Side(x.Side), int64(x.Price), int64(y.Price)):
		return -1
	}
	return 1
}

// restore builds the state that a snapshot describes.
func restore(from *trade.Snapshot) *state {
	s := newState()
	s.sequence, s.time, s.venue, s.dayEnd = from.Sequence, from.Time, from.Venue, from.DayEnd
	s.lastOrder, s.lastTrade = from.LastOrder, from.LastTrade
	for i := range from.Instruments {
		in := &from.Instruments[i]
		s.instruments[in.Instrument.Symbol] = &market{
			instrument: in.Instrument, last: in.LastPrice, lastTrade: in.LastTrade, version: in.BookVersion, book: book.New(),
		}
	}
	for _, u := range from.Users {
		s.users[u.ID] = &u
	}
	for _, a := range from.Accounts {
		s.account(a.Account).limits = a.Limits
	}
	for _, p := range from.Positions {
		s.account(p.Account).holding(p.Symbol).position = p
	}
	for i := range from.Orders {
		s.work(&from.Orders[i])
	}
	for _, t := range from.Trades {
		s.busts[t.ID] = t
		for _, party := range []*trade.Party{&t.Buyer, &t.Seller} {
			s.lastBust[party.Order] = max(s.lastBust[party.Order], t.BustTime)
		}
	}
	for i := range from.Requests {
		s.requests.add(&from.Requests[i])
	}
	return s
}
