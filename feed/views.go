package feed

import (
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
	// orders has the account of every working order.
	orders  map[trade.OrderID]trade.AccountID
	digests *digests

	// What follows is sorted and copied for attaches and lists; see holdings.go.
	everyUser    usersTree
	online       onlineTree
	everyAccount accountsTree
	// generation rises whenever everyAccount is copied.
	generation uint64

	// instrumentList is a sorted list that many attaches need and few records change; nil
	// when it must be made again. It is never changed in place.
	instrumentList []*trade.Instrument
}

type market struct {
	instrument *trade.Instrument
	book       book
}

func newViews() *views {
	return &views{
		users:    make(map[trade.UserID]*trade.User),
		markets:  make(map[trade.Symbol]*market),
		accounts: make(map[trade.AccountID]*accountView),
		orders:   make(map[trade.OrderID]trade.AccountID),
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
		v.setUser(&user)
	}
	for _, account := range s.Accounts {
		v.changeable(account.Account).limits = &AccountLimits{account.Account, account.Limits}
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
			v.setUser(&user)
		case *trade.PresenceChanged:
			v.setPresence(e, r.Time)
		case *trade.LimitsChanged:
			limits := AccountLimits(*e)
			v.changeable(e.Account).limits = &limits
		case *trade.CancelRejected, *trade.Announced, *trade.VenueChanged, *trade.DayEnded:
			// They change nothing that is seen.
		}
	}
}

// setPosition stores a position; sequence is that of the record or snapshot with it.
func (v *views) setPosition(position *trade.Position, sequence uint64) {
	change := positionDigest(position)
	if old, known := v.changeable(position.Account).positions.Set(position.Symbol, position); known {
		change -= positionDigest(old)
	}
	v.digests.add(position.Account, sequence, change)
}

// setOrder stores a copy of an order while it works; sequence is that of the record or
// snapshot with it.
func (v *views) setOrder(order *trade.Order, sequence uint64) {
	_, known := v.orders[order.ID]
	if !order.Status.Working() {
		if known {
			v.dropOrder(order, sequence)
		}
		return
	}
	a := v.changeable(order.Account)
	kept := *order
	change := orderDigest(order)
	if old, known := a.orders.Set(order.ID, &kept); known {
		change -= orderDigest(old)
		if old.ClientOrderID != kept.ClientOrderID {
			a.forgetRequest(old)
			a.requests[kept.ClientOrderID] = kept.ID
		}
	} else {
		v.orders[kept.ID] = kept.Account
		a.requests[kept.ClientOrderID] = kept.ID
	}
	v.digests.add(order.Account, sequence, change)
}

func (v *views) dropOrder(order *trade.Order, sequence uint64) {
	a := v.changeable(order.Account)
	delete(v.orders, order.ID)
	if old, known := a.orders.Delete(order.ID); known {
		a.forgetRequest(old)
		v.digests.add(order.Account, sequence, -orderDigest(old))
	}
}

// forgetRequest removes an order's client order id, unless a newer order has it.
func (a *accountView) forgetRequest(o *trade.Order) {
	if a.requests[o.ClientOrderID] == o.ID {
		delete(a.requests, o.ClientOrderID)
	}
}

// setUser stores a user.
func (v *views) setUser(user *trade.User) {
	if old := v.users[user.ID]; old != nil && old.Online {
		v.online.Delete(onlineKey(old))
	}
	if user.Online {
		v.online.Set(onlineKey(user), user.DisplayName)
	}
	v.users[user.ID] = user
	v.everyUser.Set(user.ID, user)
}

// onlineKey sorts users by display name, which several may have.
func onlineKey(user *trade.User) string { return user.DisplayName + "\x00" + string(user.ID) }

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
	v.setUser(&user)
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
