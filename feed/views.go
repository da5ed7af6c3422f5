package feed

import (
	"cmp"
	"maps"
	"slices"

	"todoku/trade"
)

// views is the venue as of one record. What it points to is from snapshots or copied
// from events, whose memory the follower reuses. It is never changed in place, so that
// a pointer taken under the lock may be read without it.
type views struct {
	users    map[trade.UserID]*trade.User
	markets  map[trade.Symbol]*market
	accounts map[trade.AccountID]*accountView
	orders   map[trade.OrderID]*working
	digests  *digests

	// Sorted lists that many attaches need and few records change; nil when they must
	// be made again. They are never changed in place.
	instrumentList []*trade.Instrument
	onlineList     []string
}

type market struct {
	instrument *trade.Instrument
	book       book
}

// accountView is what an account has.
type accountView struct {
	orders    *working // The first of a list.
	byRequest map[trade.RequestID]*working
	positions map[trade.Symbol]*trade.Position
	limits    *AccountLimits
}

// working is an order that works. A list per account costs less than a map.
type working struct {
	*trade.Order

	previous, next *working
}

func newViews() *views {
	return &views{
		users:    make(map[trade.UserID]*trade.User),
		markets:  make(map[trade.Symbol]*market),
		accounts: make(map[trade.AccountID]*accountView),
		orders:   make(map[trade.OrderID]*working),
		digests:  newDigests(0),
	}
}

// load takes the state from a snapshot of the engine.
func (v *views) load(s *trade.Snapshot) {
	v.digests = newDigests(s.Sequence)
	v.digests.mu.Lock()
	defer v.digests.mu.Unlock()
	for i := range s.Instruments {
		state := s.Instruments[i]
		v.markets[state.Instrument.Symbol] = &market{
			instrument: &state.Instrument, book: newBook(&state),
		}
	}
	for _, user := range s.Users {
		v.users[user.ID] = &user
	}
	for _, account := range s.Accounts {
		v.account(account.Account).limits = &AccountLimits{account.Account, account.Limits}
	}
	for _, order := range s.Orders {
		v.setOrder(&order, s.Sequence)
	}
	for _, position := range s.Positions {
		v.setPosition(&position, s.Sequence)
	}
}

// apply applies one record.
func (v *views) apply(r *trade.Record) {
	v.digests.mu.Lock()
	defer v.digests.mu.Unlock()
	for _, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			v.setOrder(&e.Order, r.Sequence)
		case *trade.TradeChanged:
			if m := v.markets[e.Trade.Symbol]; m != nil {
				m.book.traded(e)
			}
		case *trade.LevelChanged:
			if m := v.markets[e.Symbol]; m != nil {
				m.book.set(e.Side, trade.Level{Price: e.Price, Quantity: e.Quantity, Orders: e.Orders})
				m.book.version = e.BookVersion
			}
		case *trade.PositionChanged:
			position := e.Position
			v.setPosition(&position, r.Sequence)
		case *trade.InstrumentChanged:
			instrument := e.Instrument
			v.setInstrument(&instrument)
		case *trade.UserChanged:
			user := e.User
			v.users[user.ID] = &user
			v.onlineList = nil
		case *trade.PresenceChanged:
			v.setPresence(e, r.Time)
		case *trade.LimitsChanged:
			limits := AccountLimits(*e)
			v.account(e.Account).limits = &limits
		case *trade.CancelRejected, *trade.Announced, *trade.VenueChanged, *trade.DayEnded:
			// They change nothing that is seen.
		}
	}
}

func (v *views) account(id trade.AccountID) *accountView {
	a := v.accounts[id]
	if a == nil {
		a = &accountView{
			byRequest: make(map[trade.RequestID]*working),
			positions: make(map[trade.Symbol]*trade.Position),
		}
		v.accounts[id] = a
	}
	return a
}

// setPosition stores a position; sequence is that of the record or snapshot with it.
func (v *views) setPosition(position *trade.Position, sequence uint64) {
	change := positionDigest(position)
	a := v.account(position.Account)
	if old := a.positions[position.Symbol]; old != nil {
		change -= positionDigest(old)
	}
	a.positions[position.Symbol] = position
	v.digests.add(position.Account, sequence, change)
}

// setOrder stores a copy of an order while it works; sequence is that of the record or
// snapshot with it.
func (v *views) setOrder(order *trade.Order, sequence uint64) {
	w := v.orders[order.ID]
	var change uint64
	if w != nil {
		change -= orderDigest(w.Order)
	}
	if !order.Status.Working() {
		if w != nil {
			v.dropOrder(w)
			v.digests.add(order.Account, sequence, change)
		}
		return
	}
	v.digests.add(order.Account, sequence, change+orderDigest(order))
	kept := *order
	a := v.account(order.Account)
	switch {
	case w == nil:
		w = &working{Order: &kept, next: a.orders}
		if a.orders != nil {
			a.orders.previous = w
		}
		a.orders = w
		v.orders[order.ID] = w
		a.byRequest[order.ClientOrderID] = w
	case w.ClientOrderID == order.ClientOrderID:
		w.Order = &kept
	default:
		a.forgetRequest(w)
		w.Order = &kept
		a.byRequest[order.ClientOrderID] = w
	}
}

func (v *views) dropOrder(w *working) {
	a := v.account(w.Account)
	a.forgetRequest(w)
	delete(v.orders, w.ID)
	if w.previous == nil {
		a.orders = w.next
	} else {
		w.previous.next = w.next
	}
	if w.next != nil {
		w.next.previous = w.previous
	}
}

// forgetRequest removes an order's client order id, unless a newer order has it.
func (a *accountView) forgetRequest(w *working) {
	if a.byRequest[w.ClientOrderID] == w {
		delete(a.byRequest, w.ClientOrderID)
	}
}

func (v *views) setInstrument(instrument *trade.Instrument) {
	v.instrumentList = nil
	if m := v.markets[instrument.Symbol]; m != nil {
		m.instrument = instrument
		return
	}
	m := &market{instrument: instrument}
	m.book.sent.Symbol = instrument.Symbol
	v.markets[instrument.Symbol] = m
}

func (v *views) setPresence(e *trade.PresenceChanged, at int64) {
	old := v.users[e.User]
	if old == nil {
		return
	}
	user := *old
	user.Online, user.Since = e.Online, at
	v.users[e.User] = &user
	v.onlineList = nil
}

// instruments returns all of them by symbol.
func (v *views) instruments() []*trade.Instrument {
	if v.instrumentList == nil {
		list := make([]*trade.Instrument, 0, len(v.markets))
		for _, symbol := range slices.Sorted(maps.Keys(v.markets)) {
			list = append(list, v.markets[symbol].instrument)
		}
		v.instrumentList = list
	}
	return v.instrumentList
}

// online returns the display names of the users who are signed in, sorted.
func (v *views) online() []string {
	if v.onlineList == nil {
		list := make([]string, 0, len(v.users))
		for _, user := range v.users {
			if user.Online {
				list = append(list, user.DisplayName)
			}
		}
		slices.Sort(list)
		v.onlineList = list
	}
	return v.onlineList
}

// holdings are what a snapshot says of accounts and presence. They are references, in no
// order; the stream's own goroutine sorts them.
type holdings struct {
	limits    []*AccountLimits
	positions []*trade.Position
	orders    []*trade.Order
	online    []string
}

// holdings returns what one visibility sees beyond another.
func (v *views) holdings(seen, beyond visibility) holdings {
	var h holdings
	if seen.presence && !beyond.presence {
		h.online = v.online()
	}
	if !seen.all {
		for _, id := range seen.accounts {
			if a := v.accounts[id]; a != nil && !beyond.sees(id) {
				h.add(a)
			}
		}
		return h
	}
	if !beyond.all {
		h.orders = make([]*trade.Order, 0, len(v.orders))
	}
	for id, a := range v.accounts {
		if !beyond.sees(id) {
			h.add(a)
		}
	}
	return h
}

func (h *holdings) add(a *accountView) {
	if a.limits != nil {
		h.limits = append(h.limits, a.limits)
	}
	for _, position := range a.positions {
		h.positions = append(h.positions, position)
	}
	for w := a.orders; w != nil; w = w.next {
		h.orders = append(h.orders, w.Order)
	}
}

// count is how many messages the holdings make.
func (h *holdings) count() int {
	return len(h.limits) + len(h.positions) + len(h.orders) + len(h.online)
}

// sort sorts all but online, which is shared and sorted already.
func (h *holdings) sort() {
	slices.SortFunc(h.limits, func(a, b *AccountLimits) int { return cmp.Compare(a.Account, b.Account) })
	slices.SortFunc(h.positions, comparePositions)
	slices.SortFunc(h.orders, compareOrders)
}

func comparePositions(a, b *trade.Position) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Symbol, b.Symbol))
}

func compareOrders(a, b *trade.Order) int { return cmp.Compare(a.ID, b.ID) }
