package engine

import (
	"cmp"
	"math"
	"math/bits"

	"todoku/book"
	"todoku/trade"
)

// wholeBasisPoints is 100 % in basis points.
const wholeBasisPoints = 10_000

// entitled returns the account and the market of an order request, or refuses a user
// who may not send it.
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

// mayTrade refuses users who may not enter orders for the account.
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

// mayRecall says whether a user may get the answer of an earlier request: those who
// trade for the account, and staff.
func (d *draft) mayRecall(from *trade.Actor) bool {
	user := d.state.users[from.User]
	return from.User == "" || from.Account == "" ||
		user != nil && (user.Owns(from.Account) || user.Roles.Has(trade.RoleRisk|trade.RoleAdmin))
}

// user returns a user who exists and is not suspended.
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

// admit returns why the market or a limit rejects an order, or ReasonNone. The market
// is checked first, so that the same order gets the same reason from every account.
// replaced is the working order that the order replaces, or nil.
func (d *draft) admit(o *trade.Order, a *account, m *market, guard trade.StaleGuard, taker *book.Taker, replaced *order) trade.Reason {
	if reason := m.closed(); reason != trade.ReasonNone {
		return reason
	}
	if reason := m.checkPrice(o); reason != trade.ReasonNone {
		return reason
	}
	if guard.Set && (m.version < guard.SeenBookVersion || m.version-guard.SeenBookVersion > guard.MaxBookMoves) {
		return trade.ReasonStaleView
	}
	if o.PostOnly && m.book.Crosses(book.Side(o.Side), taker.Limit) {
		return trade.ReasonPostOnlyWouldTrade
	}
	if reason := d.checkLimits(o, a, m, taker, replaced); reason != trade.ReasonNone {
		return reason
	}
	if o.TimeInForce.Rests() && m.book.Level(book.Side(o.Side), taker.Limit).Quantity > math.MaxInt64-int64(o.Quantity) {
		return trade.ReasonBookFull
	}
	return trade.ReasonNone
}

// closed returns why the market rejects all orders now.
func (m *market) closed() trade.Reason {
	switch m.instrument.Status {
	case trade.TradingStatusOpen:
		return trade.ReasonNone
	case trade.TradingStatusHalted:
		return trade.ReasonMarketHalted
	case trade.TradingStatusUnspecified, trade.TradingStatusPreOpen, trade.TradingStatusClosed:
	}
	return trade.ReasonMarketNotOpen
}

// checkPrice returns why the market rejects a limit order's price now.
func (m *market) checkPrice(o *trade.Order) trade.Reason {
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

// checkLimits returns which limit of the account an order would exceed.
func (d *draft) checkLimits(o *trade.Order, a *account, m *market, taker *book.Taker, replaced *order) trade.Reason {
	l := &a.limits
	if l.MaxOrderQuantity != 0 && o.Quantity > l.MaxOrderQuantity {
		return trade.ReasonOrderSizeLimit
	}
	if l.MaxOrderNotional != (trade.Amount{}) && d.notional(o, m, taker).Cmp(l.MaxOrderNotional) > 0 {
		return trade.ReasonOrderNotionalLimit
	}
	if open := cmp.Or(l.MaxOpenOrders, d.openOrders); open != 0 && o.TimeInForce.Rests() && replaced == nil &&
		uint32(len(a.working)) >= open {
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

// notional returns price times quantity of an order. What would trade at once counts at
// the prices at which it would; the remainder counts at the order's price or, for a market
// order, at the reference price. A limit buy never trades above its price, so it counts at
// that.
func (d *draft) notional(o *trade.Order, m *market, taker *book.Taker) trade.Amount {
	price := o.Price
	if o.Type == trade.OrderTypeMarket {
		price = m.reference()
	}
	sum := trade.Notional(price, o.Quantity)
	if o.Type == trade.OrderTypeLimit && (o.Side == trade.SideBuy || !m.book.Crosses(book.Side(o.Side), taker.Limit)) {
		return sum
	}
	arriving := *taker
	arriving.Quantity = int64(o.Leaves)
	d.fills.Reset()
	m.book.Match(arriving, &d.fills)
	for _, f := range d.fills.Fills {
		if f.Kind == book.FillTrade {
			sum = sum.Add(trade.Notional(m.price(f.Tick)-price, trade.Quantity(f.Quantity)))
		}
	}
	return sum
}

// bandPrices returns the lowest and highest price within a band around a
// reference, both inclusive; all prices when there is no band or no reference.
func bandPrices(reference trade.Price, band trade.BasisPoints) (low, high trade.Price) {
	if band == 0 || reference == 0 {
		return 0, math.MaxInt64
	}
	// The product may exceed 64 bits; the quotient is at most the reference.
	hi, lo := bits.Mul64(uint64(reference), min(uint64(band), wholeBasisPoints))
	width, _ := bits.Div64(hi, lo, wholeBasisPoints)
	low = reference - trade.Price(width)
	if trade.Price(width) > math.MaxInt64-reference {
		return low, math.MaxInt64
	}
	return low, reference + trade.Price(width)
}
