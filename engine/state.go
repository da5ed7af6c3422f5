package engine

import (
	"cmp"
	"maps"
	"slices"

	"todoku/book"
	"todoku/trade"
)

// state is everything that the venue's decisions depend on. Only apply changes it, from
// the records of the journal; deciding reads it. One goroutine uses it at a time.
type state struct {
	sequence  uint64
	time      int64
	venue     trade.Venue
	dayEnd    int64 // of the current trading day; 0 before the first record
	lastOrder trade.OrderID
	lastTrade trade.TradeID

	instruments map[trade.Symbol]*market
	users       map[trade.UserID]*trade.User
	accounts    map[trade.AccountID]*account
	orders      map[trade.OrderID]*order
	// sessions holds the working orders of sessions that cancel on disconnect.
	sessions map[string]map[trade.OrderID]*order

	// busts holds the busted trades; lastBust is the time of an order's last bust.
	busts    map[trade.TradeID]trade.Trade
	lastBust map[trade.OrderID]int64

	requests  requests
	deadlines deadlines
	// dayOrders counts the working DAY orders: without them and without requests to
	// forget, the end of the day changes nothing and is not journaled.
	dayOrders int
	// entered counts the orders that began to work, see order.entry.
	entered uint64
	// entering holds the orders that the record being applied enters, until they work.
	entering []*trade.Order
	// spare holds orders that no longer work, so that new orders use their memory. Nothing
	// refers to an order that has left the indexes.
	spare []*order
}

// market is an instrument with its book.
type market struct {
	instrument trade.Instrument
	last       trade.Price
	lastTrade  trade.TradeID // that of last; 0 while it is unknown
	book       *book.Book    // an index of what the orders display
	version    uint64
	working    int // orders, resting or not
}

// account is the state of one account.
type account struct {
	id     trade.AccountID
	number uint32 // its owner number in the books; from 1
	limits trade.Limits
	// working holds the working orders by the client order id that they have now.
	working  map[trade.RequestID]*order
	holdings map[trade.Symbol]*holding
}

// holding is an account's position and working quantity in one instrument.
type holding struct {
	position trade.Position
	// buying and selling are the working quantities of each side.
	buying, selling trade.Quantity
}

// order is a working order with the engine's links. The map of orders is the truth
// about them; a book is an index of what they display.
type order struct {
	trade.Order
	account *account
	market  *market
	holding *holding
	// entry is the priority among the orders of one price: the smaller, the earlier.
	entry uint64
	// expiry is the deadline of a GTD order.
	expiry deadline
}

// rests says whether an order is in its book. An order that displays nothing is not.
func (o *order) rests() bool { return o.Displayed > 0 }

func newState() *state {
	return &state{
		instruments: map[trade.Symbol]*market{},
		users:       map[trade.UserID]*trade.User{},
		accounts:    map[trade.AccountID]*account{},
		orders:      map[trade.OrderID]*order{},
		sessions:    map[string]map[trade.OrderID]*order{},
		busts:       map[trade.TradeID]trade.Trade{},
		lastBust:    map[trade.OrderID]int64{},
		requests:    newRequests(),
	}
}

// spareOrders bounds the memory that is kept for new orders.
const spareOrders = 10_000

func (s *state) newOrder() *order {
	last := len(s.spare) - 1
	if last < 0 {
		return new(order)
	}
	w := s.spare[last]
	s.spare = s.spare[:last]
	return w
}

func (s *state) spareOrder(w *order) {
	if len(s.spare) < spareOrders {
		s.spare = append(s.spare, w)
	}
}

// account returns an account, and creates it where it does not exist.
func (s *state) account(id trade.AccountID) *account {
	a := s.accounts[id]
	if a == nil {
		a = &account{
			id:       id,
			number:   uint32(len(s.accounts)) + 1,
			working:  map[trade.RequestID]*order{},
			holdings: map[trade.Symbol]*holding{},
		}
		s.accounts[id] = a
	}
	return a
}

func (a *account) holding(symbol trade.Symbol) *holding {
	h := a.holdings[symbol]
	if h == nil {
		h = &holding{position: trade.Position{Account: a.id, Symbol: symbol}}
		a.holdings[symbol] = h
	}
	return h
}

// maxExposure bounds the position that an account would have if all its orders of one
// side traded: 23 billion units. So no sum of quantities can exceed 64 bits, and no sum
// of money 128, before the next order is admitted.
const maxExposure = trade.Quantity(1) << 61

// takes says whether the position can be computed exactly with more quantity working or
// traded on a side.
func (h *holding) takes(side trade.Side, more trade.Quantity) bool {
	held := h.position.Quantity
	if side == trade.SideSell {
		held = -held
	}
	return h.position.Countable() && more <= maxExposure-held-*h.works(side)
}

// works returns the working quantity of a side.
func (h *holding) works(side trade.Side) *trade.Quantity {
	if side == trade.SideBuy {
		return &h.buying
	}
	return &h.selling
}

// ticks returns a price as the book counts it.
func (m *market) ticks(p trade.Price) int64 { return int64(p / m.instrument.TickSize) }

// price returns a tick of the book as a price.
func (m *market) price(tick int64) trade.Price { return trade.Price(tick) * m.instrument.TickSize }

// reference is the price from which bands are measured: the last price or, if it was set
// since that trade, the reference price.
func (m *market) reference() trade.Price {
	i := &m.instrument
	if m.last == 0 || i.ReferencePrice != 0 && i.ReferenceAfter != 0 && m.lastTrade <= i.ReferenceAfter {
		return i.ReferencePrice
	}
	return m.last
}

// symbols returns the instruments in canonical order.
func (s *state) symbols() []trade.Symbol { return slices.Sorted(maps.Keys(s.instruments)) }

// orders returns the working orders of an account in the order of their ids.
func (a *account) orders() []*order {
	return sortedByID(slices.Collect(maps.Values(a.working)))
}

func sortedByID(orders []*order) []*order {
	slices.SortFunc(orders, func(x, y *order) int { return cmp.Compare(x.ID, y.ID) })
	return orders
}
