package feed

import (
	"maps"
	"slices"

	"todoku/trade"
)

// Queries. Each answers as of one position, holds the lock only while it copies
// references, and returns copies that belong to the caller.

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
	w := f.views.orders[ref.ID]
	if a := f.views.accounts[account]; ref.ID == 0 && a != nil {
		w = a.byRequest[ref.ClientOrderID]
	}
	if w == nil || account != "" && w.Account != account {
		return trade.Order{}, false
	}
	return *w.Order, true
}

// WorkingOrders returns the working orders of an account in an instrument, by id; an
// empty account or symbol means all.
func (f *Feed) WorkingOrders(account trade.AccountID, symbol trade.Symbol) []trade.Order {
	orders := f.holdingsOf(account).orders
	if symbol != "" {
		orders = slices.DeleteFunc(orders, func(o *trade.Order) bool { return o.Symbol != symbol })
	}
	slices.SortFunc(orders, compareOrders)
	return values(orders)
}

// Positions returns the positions of an account by symbol; with an empty account,
// those of all accounts, by account.
func (f *Feed) Positions(account trade.AccountID) []trade.Position {
	positions := f.holdingsOf(account).positions
	slices.SortFunc(positions, comparePositions)
	return values(positions)
}

// holdingsOf returns what an account holds, or what all do if it is empty.
func (f *Feed) holdingsOf(account trade.AccountID) holdings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.views.holdings(visibility{all: account == "", accounts: []trade.AccountID{account}}, visibility{})
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
	defer f.mu.Unlock()
	users := make([]trade.User, 0, len(f.views.users))
	for _, id := range slices.Sorted(maps.Keys(f.views.users)) {
		users = append(users, *f.views.users[id])
	}
	return users
}

// Online returns the display names of the users who are signed in, sorted.
func (f *Feed) Online() []string {
	f.mu.Lock()
	list := f.views.online()
	f.mu.Unlock()
	return slices.Clone(list)
}

func values[T any](pointers []*T) []T {
	out := make([]T, len(pointers))
	for i, p := range pointers {
		out[i] = *p
	}
	return out
}
