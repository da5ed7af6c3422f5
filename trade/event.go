package trade

// Record is everything that one command changed: what is journaled under one
// sequence number, becomes visible together, and is enough for every reader to
// follow without deciding anything again.
type Record struct {
	// Sequence rises by one from 1.
	Sequence uint64
	// Time is when the command was sequenced, in nanoseconds since 1970; it never falls.
	Time    int64
	Command CommandInfo
	Events  []Event
}

// CommandInfo says which command made a record.
type CommandInfo struct {
	Kind CommandKind
	Actor
	// Fingerprint is a hash of the command's content: a request with the same id and
	// another fingerprint is another request.
	Fingerprint uint64
	Answer      Answer
}

// Event says that one thing happened. The concrete types are pointers to the
// structs of this file. An event is immutable.
//
//sumtype:decl
type Event interface{ event() }

// ExecutionReport says what happened to an order and why. FIX ExecutionReport.
//
// A record may enter several orders. An order that a report enters (New, or Replaced
// with loss of its place) goes to the end of its level's queue after its last report
// that is not as a maker, if it still works and displays a quantity.
type ExecutionReport struct {
	// Type says why the report was sent, Order.Status what holds after it.
	Type  ExecType
	Order Order
	// Request is the client order id of the account's request that caused the report, if
	// there was one; it differs from Order.ClientOrderID for a cancel. The request ids of
	// staff are not included. FIX tag 11.
	Request RequestID
	// Reason is why an order was rejected, canceled or expired. FIX tag 103, 58.
	Reason Reason
	// LastPrice, LastQuantity, Trade and Maker are set for a trade. FIX 31, 32, 1003, 851.
	LastPrice    Price
	LastQuantity Quantity
	Trade        TradeID
	Maker        bool
	// Counterparty is set only where the instrument discloses it. FIX tag 375.
	Counterparty AccountID
}

// CancelRejected says that a request to replace or cancel a working order did not change
// it. FIX OrderCancelReject.
type CancelRejected struct {
	Order   Order
	Request RequestID
	Reason  Reason
}

// TradeChanged says that a trade was concluded or busted.
type TradeChanged struct {
	Trade Trade
	// Text says why a trade was busted.
	Text string
	// LastMoved says that a bust has changed the instrument's last price, to LastPrice of
	// the trade LastTrade; both are zero if no trade stands.
	LastMoved bool
	LastPrice Price
	LastTrade TradeID
}

// LevelChanged gives the displayed quantity at a price after the command; zero when
// nothing rests there.
type LevelChanged struct {
	Symbol   Symbol
	Side     Side
	Price    Price
	Quantity Quantity
	Orders   uint32
	// BookVersion counts the moves of the instrument's best prices; see [StaleGuard].
	BookVersion uint64
}

// PositionChanged gives a position after the command.
type PositionChanged struct{ Position Position }

// InstrumentChanged gives an instrument after the command.
type InstrumentChanged struct{ Instrument Instrument }

// UserChanged gives a user after the command: created, changed, suspended, resumed.
type UserChanged struct{ User User }

// PresenceChanged says that a user signed in or out.
type PresenceChanged struct {
	User        UserID
	DisplayName string
	Online      bool
}

// LimitsChanged gives an account's limits after the command.
type LimitsChanged struct {
	Account AccountID
	Limits  Limits
}

// Announced is a message from the venue to all, or to those named.
type Announced struct {
	// From is the sender's display name, because sign-in names are not public. The record's
	// command names the user. Empty for the venue itself.
	From string
	Text string
	To   []UserID
}

// VenueChanged gives the venue's settings after the command.
type VenueChanged struct{ Venue Venue }

// DayEnded says that the trading day that ended at End is over, in nanoseconds
// since 1970; the next one ends at Next. Requests from before the day that just
// ended are forgotten.
type DayEnded struct{ End, Next int64 }

func (*ExecutionReport) event()   {}
func (*CancelRejected) event()    {}
func (*TradeChanged) event()      {}
func (*LevelChanged) event()      {}
func (*PositionChanged) event()   {}
func (*InstrumentChanged) event() {}
func (*UserChanged) event()       {}
func (*PresenceChanged) event()   {}
func (*LimitsChanged) event()     {}
func (*Announced) event()         {}
func (*VenueChanged) event()      {}
func (*DayEnded) event()          {}
