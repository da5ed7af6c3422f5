package feed

import (
	"iter"

	"todoku/trade"
)

// Queries. Each answers as of one position and returns copies that belong to the caller.
// It holds the lock only for work that does not grow with what a user has.

// BookView is a book as of Sequence, best levels first.
type BookView struct {
	Symbol       trade.Symbol
	Bids, Offers []trade.Level
	// BookVersion counts the moves of the best prices.
	BookVersion uint64
	// LastPrice is that of the last trade, zero before the first.
	LastPrice trade.Price
	Sequence  uint64
}

// Book returns up to depth levels a side, all of them when depth is 0. It
// returns false for an unknown instrument.
func (f *Feed) Book(symbol trade.Symbol, depth int) (BookView, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.views.markets[symbol]
	if m == nil {
		return BookView{}, false
	}
	return BookView{
		Symbol: symbol, Bids: top(m.book.bids, depth), Offers: top(m.book.offers, depth),
		BookVersion: m.book.version, LastPrice: m.book.lastPrice, Sequence: f.position.At(),
	}, true
}

// Instruments returns all instruments by symbol.
func (f *Feed) Instruments() []trade.Instrument {
	f.mu.Lock()
	list := f.views.instruments()
	f.mu.Unlock()
	return values(list)
}

// Instrument returns one instrument.
func (f *Feed) Instrument(symbol trade.Symbol) (trade.Instrument, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.views.markets[symbol]
	if m == nil {
		return trade.Instrument{}, false
	}
	return *m.instrument, true
}

// WorkingOrder returns a working order of an account; with an empty account, that of
// any account, by its id only.
func (f *Feed) WorkingOrder(account trade.AccountID, ref trade.OrderRef) (trade.Order, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if account == "" {
		account = f.views.orders[ref.ID]
	}
	a := f.views.accounts[account]
	if a == nil {
		return trade.Order{}, false
	}
	id := ref.ID
	if id == 0 {
		id = a.requests[ref.ClientOrderID]
	}
	order, ok := a.orders.Get(id)
	if !ok {
		return trade.Order{}, false
	}
	return *order, true
}

// WorkingOrders returns the working orders of an account with an id below a bound,
// newest first, as of the call. They are shared and must not be changed. The caller may
// stop at any order; none costs more than the ones before it.
func (f *Feed) WorkingOrders(account trade.AccountID, below uint64) iter.Seq[*trade.Order] {
	f.mu.Lock()
	a := f.views.captureAccount(account)
	f.mu.Unlock()
	return func(yield func(*trade.Order) bool) {
		if a != nil && below > 0 {
			a.orders.Descend(trade.OrderID(below-1), func(_ trade.OrderID, order *trade.Order) bool { return yield(order) })
		}
	}
}

// Positions returns the positions of an account by symbol.
func (f *Feed) Positions(account trade.AccountID) []trade.Position {
	f.mu.Lock()
	a := f.views.captureAccount(account)
	f.mu.Unlock()
	if a == nil {
		return nil
	}
	return values(a.positions.Values())
}

// Limits returns what an account may do; the zero Limits where none are set.
func (f *Feed) Limits(account trade.AccountID) trade.Limits {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.views.accounts[account]; a != nil && a.limits != nil {
		return a.limits.Limits
	}
	return trade.Limits{}
}

// User returns a user. The Accounts are shared and must not be changed.
func (f *Feed) User(id trade.UserID) (trade.User, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.views.users[id]
	if user == nil {
		return trade.User{}, false
	}
	return *user, true
}

// Users returns all users by id. Their Accounts are shared and must not be
// changed.
func (f *Feed) Users() []trade.User {
	f.mu.Lock()
	users := f.views.everyUser.IsoCopy()
	f.mu.Unlock()
	return values(users.Values())
}

// Online returns the display names of the users who are signed in, sorted.
func (f *Feed) Online() []string {
	f.mu.Lock()
	online := f.views.online.IsoCopy()
	f.mu.Unlock()
	return online.Values()
}

func values[T any](pointers []*T) []T {
	out := make([]T, len(pointers))
	for i, p := range pointers {
		out[i] = *p
	}
	return out
}
