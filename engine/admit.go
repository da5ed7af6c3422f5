package engine

import (
	"math"
	"math/bits"

	"todoku/book"
	"todoku/trade"
)

// wholeBasisPoints are the hundredths of a percent in the whole.
const wholeBasisPoints = 10_000

// entitled returns the account and the market of an order request, or the refusal
// of one that this user cannot make.
func (d *draft) entitled(from *trade.Actor, symbol trade.Symbol) (*account, *market, error) {
	if err := d.mayTrade(from); err != nil {
		return nil, nil, err
	}
	if err := symbol.Validate(); err != nil {
		return nil, nil, trade.Refuse(trade.ReasonBadName, "symbol", err.Error())
	}
	m := d.state.instruments[symbol]
	if m == nil {
		return nil, nil, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	return d.state.account(from.Account), m, nil
}

// mayTrade refuses who may not enter orders for the account.
func (d *draft) mayTrade(from *trade.Actor) error {
	user, err := d.user(from.User)
	switch {
	case err != nil:
		return err
	case !user.Roles.Has(trade.RoleTrader):
		return trade.Refuse(trade.ReasonNotPermitted, "", "entering orders needs the role TRADER")
	case !user.Owns(from.Account):
		return trade.Refuse(trade.ReasonUnknownAccount, "account", "")
	}
	return nil
}

// mayRecall says whether somebody may learn what a request was answered: who
// trades for the account, and staff.
func (d *draft) mayRecall(from *trade.Actor) bool {
	user := d.state.users[from.User]
	return from.User == "" || from.Account == "" ||
		user != nil && (user.Owns(from.Account) || user.Roles.Has(trade.RoleRisk|trade.RoleAdmin))
}

// user returns a user who may do anything at all.
func (d *draft) user(id trade.UserID) (*trade.User, error) {
	user := d.state.users[id]
	switch {
	case user == nil:
		return nil, trade.Refuse(trade.ReasonUnknownUser, "", "")
	case user.Suspended:
		return nil, trade.Refuse(trade.ReasonSuspended, "", "")
	}
	return user, nil
}

// admit says why the market or a limit does not take an order, or ReasonNone. The
// market is asked first, so that the same order gets the same reason from every
// account. replaced is the working order whose place it takes, or nil.
func (d *draft) admit(o *trade.Order, a *account, m *market, guard trade.StaleGuard, taker *book.Taker, replaced *order) trade.Reason {
	if reason := m.takes(); reason != trade.ReasonNone {
		return reason
	}
	if reason := m.acceptsPrice(o); reason != trade.ReasonNone {
		return reason
	}
	if guard.Set && (m.version < guard.SeenBookVersion || m.version-guard.SeenBookVersion > guard.MaxBookMoves) {
		return trade.ReasonStaleView
	}
	if o.PostOnly && m.book.Crosses(book.Side(o.Side), taker.Limit) {
		return trade.ReasonPostOnlyWouldTrade
	}
	if reason := withinLimits(o, a, m, replaced); reason != trade.ReasonNone {
		return reason
	}
	if o.TimeInForce.Rests() && m.book.Level(book.Side(o.Side), taker.Limit).Quantity > math.MaxInt64-int64(o.Quantity) {
		return trade.ReasonBookFull
	}
	return trade.ReasonNone
}

// takes says why the market takes no orders now.
func (m *market) takes() trade.Reason {
	switch m.instrument.Status {
	case trade.TradingStatusOpen:
		return trade.ReasonNone
	case trade.TradingStatusHalted:
		return trade.ReasonMarketHalted
	case trade.TradingStatusUnspecified, trade.TradingStatusPreOpen, trade.TradingStatusClosed:
	}
	return trade.ReasonMarketNotOpen
}

// acceptsPrice says why the market does not take a limit order's price now.
func (m *market) acceptsPrice(o *trade.Order) trade.Reason {
	if o.Type != trade.OrderTypeLimit {
		return trade.ReasonNone
	}
	i := &m.instrument
	if o.Price < i.LowLimitPrice || i.HighLimitPrice != 0 && o.Price > i.HighLimitPrice {
		return trade.ReasonOutsideDayLimits
	}
	if low, high := bandPrices(m.reference(), i.Band); o.Price < low || o.Price > high {
		return trade.ReasonOutsideBand
	}
	return trade.ReasonNone
}

// withinLimits says which limit of the account an order would pass.
func withinLimits(o *trade.Order, a *account, m *market, replaced *order) trade.Reason {
	l := &a.limits
	price := o.Price
	if price == 0 {
		price = m.reference()
	}
	if l.MaxOrderQuantity != 0 && o.Quantity > l.MaxOrderQuantity {
		return trade.ReasonOrderSizeLimit
	}
	if l.MaxOrderNotional != (trade.Amount{}) && trade.Notional(price, o.Quantity).Cmp(l.MaxOrderNotional) > 0 {
		return trade.ReasonOrderNotionalLimit
	}
	if l.MaxOpenOrders != 0 && o.TimeInForce.Rests() && replaced == nil &&
		uint32(len(a.working)) >= l.MaxOpenOrders {
		return trade.ReasonOpenOrdersLimit
	}
	if low, high := bandPrices(m.reference(), l.Band); o.Type == trade.OrderTypeLimit && (o.Price < low || o.Price > high) {
		return trade.ReasonPriceBandLimit
	}
	more := o.Leaves
	if replaced != nil {
		more -= replaced.Leaves
	}
	if !a.holding(o.Symbol).takes(o.Side, more) {
		return trade.ReasonPositionLimit
	}
	return trade.ReasonNone
}

// bandPrices returns the lowest and highest price within a band around a
// reference, both inclusive; everything when there is no band or no reference.
func bandPrices(reference trade.Price, band trade.BasisPoints) (low, high trade.Price) {
	if band == 0 || reference == 0 {
		return 0, math.MaxInt64
	}
	// The product passes 64 bits, the quotient does not pass the reference.
	hi, lo := bits.Mul64(uint64(reference), min(uint64(band), wholeBasisPoints))
	width, _ := bits.Div64(hi, lo, wholeBasisPoints)
	low = reference - trade.Price(width)
	if trade.Price(width) > math.MaxInt64-reference {
		return low, math.MaxInt64
	}
	return low, reference + trade.Price(width)
}
