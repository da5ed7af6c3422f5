package trade

import (
	"math"
	"slices"
)

// Order is one order as it stands after its latest report. Times are nanoseconds
// since 1970 in UTC.
//
// While it works, Quantity = Filled + Leaves; afterwards Leaves is zero. Filled
// falls only when a trade is busted.
type Order struct {
	ID      OrderID
	Account AccountID
	// User is who entered it, Session the session if that cancels on disconnect.
	User    UserID
	Session string
	// ClientOrderID is the request that entered or last replaced it. FIX tag 11.
	ClientOrderID RequestID
	Symbol        Symbol
	Side          Side
	Type          OrderType
	TimeInForce   TimeInForce
	PostOnly      bool
	SelfTrade     SelfTrade
	// Price is zero for a market order.
	Price Price
	// Quantity is FIX OrderQty (38), Filled is CumQty (14), Leaves is LeavesQty (151).
	Quantity, Filled, Leaves Quantity
	// Displayed is the part of Leaves that the book shows; zero while the order works
	// but does not rest. FIX tag 1138 (DisplayQty).
	Displayed Quantity
	// Expire is when a GTD order ends; zero otherwise. FIX tag 126.
	Expire  int64
	Status  OrderStatus
	Entered int64
	Updated int64
	// Sequence is that of the record which changed it last.
	Sequence uint64
}

// Party is one side of a trade.
type Party struct {
	Account AccountID
	User    UserID
	Order   OrderID
	// ClientOrderID is the order's at the time of the trade.
	ClientOrderID RequestID
}

// Trade is a concluded match. FIX TradeCaptureReport.
type Trade struct {
	ID       TradeID
	Symbol   Symbol
	Price    Price
	Quantity Quantity
	// Aggressor is the side that took; the other rested.
	Aggressor Side
	Buyer     Party
	Seller    Party
	Status    TradeStatus
	// Time is when it was concluded.
	Time int64
	// BustTime is when it was busted; zero while it stands.
	BustTime int64
}

// Party returns the party on a side.
func (t *Trade) Party(side Side) *Party {
	if side == SideBuy {
		return &t.Buyer
	}
	return &t.Seller
}

// Position is what an account holds of an instrument. All values are exact, so the
// average price is not included: screens compute it.
type Position struct {
	Account AccountID
	Symbol  Symbol
	// Quantity is positive when long, negative when short.
	Quantity Quantity
	// Cost is what the open quantity was bought for, negative when it was sold short.
	Cost Amount
	// Realised is the result of what was closed.
	Realised Amount
	// Sequence is that of the record which changed it last; zero before the first.
	Sequence uint64
}

// Fill adds a trade of the account: side, price and quantity as traded.
//
// The quantity that closes a part of the position takes its share of the cost, rounded
// toward zero, and the open part keeps the remainder. So when the position is closed
// again, Realised is exactly what was received less what was paid.
func (p *Position) Fill(side Side, price Price, quantity Quantity) {
	signed := quantity
	if side == SideSell {
		signed = -quantity
	}
	if closing := p.closing(signed); closing != 0 {
		released := p.Cost.Part(-closing, p.Quantity)
		p.Realised = p.Realised.Sub(Notional(price, closing)).Sub(released)
		p.Cost = p.Cost.Sub(released)
		p.Quantity += closing
		signed -= closing
	}
	p.Quantity += signed
	p.Cost = p.Cost.Add(Notional(price, signed))
}

// Unfill takes back a trade of the account that [Position.Fill] had added. cost is what
// the quantity that is then open cost, counted from the account's other trades. What was
// received less what was paid changes by the trade's amount and by nothing else.
func (p *Position) Unfill(side Side, price Price, quantity Quantity, cost Amount) {
	if side == SideSell {
		quantity = -quantity
	}
	received := p.Realised.Sub(p.Cost).Add(Notional(price, quantity))
	p.Quantity -= quantity
	p.Cost, p.Realised = cost, received.Add(cost)
}

// Countable says whether one more trade of any size fits into the amounts of the
// position.
func (p *Position) Countable() bool {
	const most = 1 << 61
	inside := func(a Amount) bool { return -most < a.Hi && a.Hi < most }
	return inside(p.Cost) && inside(p.Realised)
}

// closing returns the part of a signed change that closes the position.
func (p *Position) closing(change Quantity) Quantity {
	switch {
	case p.Quantity > 0 && change < 0:
		return max(change, -p.Quantity)
	case p.Quantity < 0 && change > 0:
		return min(change, -p.Quantity)
	}
	return 0
}

// User is what the venue knows about a person, without the secrets.
type User struct {
	ID UserID
	// DisplayName is what others see, at most 100 bytes.
	DisplayName string
	Roles       Role
	// Accounts are those the user may trade for; the first is the default.
	Accounts  []AccountID
	Suspended bool
	// Online says whether the user is signed in.
	Online bool
	// Since is when Online last changed, in nanoseconds since 1970.
	Since int64
}

// Owns says whether the user trades for an account.
func (u *User) Owns(account AccountID) bool {
	return slices.Contains(u.Accounts, account)
}

// Unlimited as MaxOpenOrders or MaxMessagesPerSecond is no limit.
const Unlimited = math.MaxUint32

// Limits bound what one account may do. Zero is no limit, or the venue's default where
// the venue has one.
type Limits struct {
	// MaxOrderQuantity bounds one order.
	MaxOrderQuantity Quantity
	// MaxOrderNotional bounds price times quantity of one order.
	MaxOrderNotional Amount
	// MaxOpenOrders bounds how many orders work at once; 0 is the venue's default.
	MaxOpenOrders uint32
	// Band is how far from the reference price a limit order may be; the narrower
	// of this and the instrument's holds.
	Band BasisPoints
	// MaxMessagesPerSecond bounds orders and replaces, and apart from them cancels; a
	// burst may have the messages of one second. A cancel that ends an order is taken in
	// any case. 0 is the venue's default.
	MaxMessagesPerSecond uint32
}

// Venue is the settings of the whole venue.
type Venue struct {
	// DayEnd is when the trading day ends, in seconds after midnight UTC, 0 to 86,399.
	DayEnd uint32
}
