package trade

// The numbers of all enums are written into journals and never change. Each list ends
// with its Count, one more than its highest value, which follows from the list.

// Side is the side of an order. FIX tag 54.
type Side int8

// The sides.
const (
	SideUnspecified Side = iota
	SideBuy
	SideSell
	SideCount = iota
)

// Opposite returns the other side.
func (s Side) Opposite() Side { return SideBuy + SideSell - s }

func (s Side) String() string { return name(s, "UNSPECIFIED", "BUY", "SELL") }

// OrderType says how an order is priced. FIX tag 40.
type OrderType int8

// The order types.
const (
	OrderTypeUnspecified OrderType = iota
	// OrderTypeLimit trades at its price or better.
	OrderTypeLimit
	// OrderTypeMarket trades at the prices in the book, within the price band; the
	// remainder is canceled.
	OrderTypeMarket
	OrderTypeCount = iota
)

func (t OrderType) String() string { return name(t, "UNSPECIFIED", "LIMIT", "MARKET") }

// TimeInForce says how long an order works. FIX tag 59.
type TimeInForce int8

// The times in force.
const (
	TimeInForceUnspecified TimeInForce = iota
	// TimeInForceDay works until the trading day ends.
	TimeInForceDay
	// TimeInForceGTC works until it is canceled.
	TimeInForceGTC
	// TimeInForceGTD works until its expire time.
	TimeInForceGTD
	// TimeInForceIOC trades at once; the remainder is canceled.
	TimeInForceIOC
	// TimeInForceFOK trades completely at once or is canceled.
	TimeInForceFOK
	TimeInForceCount = iota
)

// Rests says whether the quantity that does not trade at once goes into the book.
func (t TimeInForce) Rests() bool {
	return t == TimeInForceDay || t == TimeInForceGTC || t == TimeInForceGTD
}

func (t TimeInForce) String() string {
	return name(t, "UNSPECIFIED", "DAY", "GTC", "GTD", "IOC", "FOK")
}

// SelfTrade says what happens when an order would trade with another of the same
// account. The instruction of the aggressor decides. FIX tag 2964.
type SelfTrade int8

// The self-trade instructions.
const (
	SelfTradeUnspecified SelfTrade = iota
	// SelfTradeCancelTaker cancels what is left of the aggressor; the default.
	SelfTradeCancelTaker
	// SelfTradeCancelMaker cancels the resting order and continues to match.
	SelfTradeCancelMaker
	// SelfTradeCancelBoth cancels the resting order and what is left of the aggressor.
	SelfTradeCancelBoth
	SelfTradeCount = iota
)

func (s SelfTrade) String() string {
	return name(s, "UNSPECIFIED", "CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH")
}

// OrderStatus is the state of an order after a report. FIX tag 39.
type OrderStatus int8

// The order states. Pending exists only on a client's screen.
const (
	OrderStatusUnspecified OrderStatus = iota
	OrderStatusNew
	OrderStatusPartiallyFilled
	OrderStatusFilled
	OrderStatusCanceled
	OrderStatusExpired
	OrderStatusRejected
	OrderStatusCount = iota
)

// Working says whether the order can still trade.
func (s OrderStatus) Working() bool {
	return s == OrderStatusNew || s == OrderStatusPartiallyFilled
}

func (s OrderStatus) String() string {
	return name(s, "UNSPECIFIED", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED")
}

// ExecType says why an execution report was sent. FIX tag 150.
type ExecType int8

// The execution types.
const (
	ExecTypeUnspecified ExecType = iota
	ExecTypeNew
	ExecTypeTrade
	ExecTypeCanceled
	ExecTypeReplaced
	ExecTypeExpired
	ExecTypeRejected
	// ExecTypeTradeCancel says that a trade was busted. FIX 150=H.
	ExecTypeTradeCancel
	ExecTypeCount = iota
)

func (t ExecType) String() string {
	return name(t, "UNSPECIFIED", "NEW", "TRADE", "CANCELED", "REPLACED", "EXPIRED", "REJECTED", "TRADE_CANCEL")
}

// TradingStatus is the state of an instrument. FIX tag 326.
type TradingStatus int8

// The trading states. Orders rest over a halt; they can be canceled in any state
// but are accepted only while OPEN.
const (
	TradingStatusUnspecified TradingStatus = iota
	TradingStatusPreOpen
	TradingStatusOpen
	TradingStatusHalted
	TradingStatusClosed
	TradingStatusCount = iota
)

func (s TradingStatus) String() string {
	return name(s, "UNSPECIFIED", "PRE_OPEN", "OPEN", "HALTED", "CLOSED")
}

// AssetClass groups instruments on a screen. FIX tag 460 (Product).
type AssetClass int8

// The asset classes.
const (
	AssetClassUnspecified AssetClass = iota
	AssetClassFX
	AssetClassFuture
	AssetClassEquity
	AssetClassCount = iota
)

func (c AssetClass) String() string { return name(c, "UNSPECIFIED", "FX", "FUTURE", "EQUITY") }

// TradeStatus is the state of a trade.
type TradeStatus int8

// The trade states. A trade is never deleted.
const (
	TradeStatusUnspecified TradeStatus = iota
	TradeStatusConcluded
	TradeStatusBusted
	TradeStatusCount = iota
)

func (s TradeStatus) String() string { return name(s, "UNSPECIFIED", "CONCLUDED", "BUSTED") }

// Subject says what an [Answer] is about. The numbers are written into journals and
// never change.
type Subject int8

// The subjects. An answer about anything else, such as an instrument, has none: the
// command names it.
const (
	SubjectNone Subject = iota
	SubjectOrder
	SubjectCount = iota
)

func (s Subject) String() string { return name(s, "NONE", "ORDER") }

// Role is a set of what a user may do.
type Role uint8

// The roles. They add up.
const (
	// RoleTrader enters orders for the user's own accounts.
	RoleTrader Role = 1 << iota
	// RoleViewer sees markets and the user's own accounts, and enters nothing.
	RoleViewer
	// RoleRisk sees every account and cancels for any.
	RoleRisk
	// RoleAdmin administers users, instruments, limits and connections.
	RoleAdmin
)

// RoleAll is every role that exists.
const RoleAll = RoleTrader | RoleViewer | RoleRisk | RoleAdmin

// Has says whether r contains any of the roles in other.
func (r Role) Has(other Role) bool { return r&other != 0 }

func name[T ~int8](value T, names ...string) string {
	if value < 0 || int(value) >= len(names) {
		return names[0]
	}
	return names[value]
}
