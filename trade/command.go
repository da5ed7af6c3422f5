package trade

// CommandKind says which command a record came from. The numbers are written
// into journals and never change.
type CommandKind int8

// The kinds of command.
const (
	CommandUnspecified CommandKind = iota
	CommandPlaceOrder
	CommandReplaceOrder
	CommandCancelOrder
	CommandMassCancel
	CommandBustTrade
	CommandUpsertInstrument
	CommandSetTradingStatus
	CommandUpsertUser
	CommandSetLimits
	CommandAnnounce
	CommandSetPresence
	CommandAdvanceClock
	CommandConfigureVenue
	CommandKindCount = iota
)

func (k CommandKind) String() string {
	return name(k, "UNSPECIFIED", "PLACE_ORDER", "REPLACE_ORDER", "CANCEL_ORDER", "MASS_CANCEL", "BUST_TRADE",
		"UPSERT_INSTRUMENT", "SET_TRADING_STATUS", "UPSERT_USER", "SET_LIMITS", "ANNOUNCE", "SET_PRESENCE",
		"ADVANCE_CLOCK", "CONFIGURE_VENUE")
}

// Actor says who sends a command, for which account, and under which request id.
type Actor struct {
	// User is the sender; empty for the venue itself (clock, presence, start).
	User UserID
	// Account owns the orders and positions that the command is about; for
	// administration it is empty and Request is unique per user.
	Account AccountID
	// Request makes the command idempotent: the same command again gets the same answer,
	// another command with the same id is refused. Empty only for the venue.
	Request RequestID
}

// Command asks the engine for a change. The concrete types are pointers to the
// structs of this file; the engine keeps none of them.
//
//sumtype:decl
type Command interface {
	kind() CommandKind
	// From must return the sender.
	From() *Actor
}

// From returns a itself, so that every command that embeds an Actor has it.
func (a *Actor) From() *Actor { return a }

// PlaceOrder enters an order. Request is its client order id. FIX NewOrderSingle.
type PlaceOrder struct {
	Actor
	Symbol      Symbol
	Side        Side
	Type        OrderType
	TimeInForce TimeInForce
	PostOnly    bool
	SelfTrade   SelfTrade
	Price       Price
	Quantity    Quantity
	Expire      int64
	// Guard refuses the order when the book has moved; see [StaleGuard].
	Guard StaleGuard
	// Session is that of the sender if it cancels on disconnect, for [MassCancel].
	Session string
}

// StaleGuard says on which version of the book a decision is based, and how many
// moves of the best price since then it tolerates. The zero value guards nothing.
type StaleGuard struct {
	Set             bool
	SeenBookVersion uint64
	MaxBookMoves    uint64
}

// ReplaceOrder changes price and quantity of a working order. A smaller quantity
// at the same price keeps its priority. Request becomes its client order id. FIX
// OrderCancelReplaceRequest.
type ReplaceOrder struct {
	Actor
	Target OrderRef
	// Price is the new price.
	Price Price
	// Quantity is the new total, what is filled included.
	Quantity Quantity
	Guard    StaleGuard
}

// OrderRef names an order by the venue's id or, where that is zero, by its current
// client order id: that of the request that last replaced it or, before any replace,
// entered it.
type OrderRef struct {
	ID            OrderID
	ClientOrderID RequestID
}

// CancelOrder cancels a working order. FIX OrderCancelRequest.
type CancelOrder struct {
	Actor
	Target OrderRef
}

// MassCancel cancels the working orders of Account, or of every account when
// that is empty and the user may. FIX OrderMassCancelRequest.
type MassCancel struct {
	Actor
	// Session restricts the cancel to orders that a session entered, if it is set.
	Session string
	// Symbol and Side restrict the cancel; zero values do not.
	Symbol Symbol
	Side   Side
	// DayOnly excludes GTC and GTD orders; cancel-on-disconnect sets it.
	DayOnly bool
	// Reason is the reason in the reports.
	Reason Reason
}

// BustTrade undoes a trade: the fills are reversed at the same price, the orders'
// filled quantities fall, nothing goes back into the book. FIX ExecType H.
//
// The engine does not keep trades and finished orders, so the caller passes what the
// history has of them. Facts that are older than the latest bust of one of the orders,
// or than the latest change of one of the positions, are refused with
// [ReasonChangedMeanwhile].
type BustTrade struct {
	Actor
	Trade Trade
	// Buy and Sell are the orders that traded.
	Buy, Sell Order
	// Disclosed says that the reports of the trade named the counterparties; those of its
	// bust then do, too.
	Disclosed bool
	// BuyCost and SellCost are what the open quantities of their accounts cost when the
	// trades that stand are counted again without this one.
	BuyCost, SellCost Amount
	// Previous is the newest trade of the instrument that stands beside this one; only
	// its ID and Price count. Its ID is zero if there is none.
	Previous Trade
	// Through is the sequence up to which the facts are complete.
	Through uint64
	Text    string
}

// UpsertInstrument creates an instrument or changes its rules. Orders that rest
// stay as they are; a tick or lot that they would break is refused.
type UpsertInstrument struct {
	Actor
	Instrument Instrument
}

// SetTradingStatus opens, halts or closes an instrument.
type SetTradingStatus struct {
	Actor
	Symbol Symbol
	Status TradingStatus
	Text   string
}

// UpsertUser creates a user (Create) or changes one. Suspending cancels the
// working orders that the user entered.
type UpsertUser struct {
	Actor
	Create  bool
	NewUser User
}

// SetLimits sets what the Target account may do.
type SetLimits struct {
	Actor
	Target AccountID
	Limits Limits
}

// Announce sends a text to all users, or to those named.
type Announce struct {
	Actor
	Text string
	To   []UserID
}

// SetPresence says that a user has signed in or out; it comes from the venue.
type SetPresence struct {
	Actor
	Subject UserID
	Online  bool
}

// AdvanceClock expires what is due; the engine sends it to itself, by its clock.
type AdvanceClock struct{ Actor }

// ConfigureVenue sets the settings of the whole venue.
type ConfigureVenue struct {
	Actor
	Venue Venue
}

// KindOf returns the kind of a command.
func KindOf(c Command) CommandKind { return c.kind() }

func (*PlaceOrder) kind() CommandKind       { return CommandPlaceOrder }
func (*ReplaceOrder) kind() CommandKind     { return CommandReplaceOrder }
func (*CancelOrder) kind() CommandKind      { return CommandCancelOrder }
func (*MassCancel) kind() CommandKind       { return CommandMassCancel }
func (*BustTrade) kind() CommandKind        { return CommandBustTrade }
func (*UpsertInstrument) kind() CommandKind { return CommandUpsertInstrument }
func (*SetTradingStatus) kind() CommandKind { return CommandSetTradingStatus }
func (*UpsertUser) kind() CommandKind       { return CommandUpsertUser }
func (*SetLimits) kind() CommandKind        { return CommandSetLimits }
func (*Announce) kind() CommandKind         { return CommandAnnounce }
func (*SetPresence) kind() CommandKind      { return CommandSetPresence }
func (*AdvanceClock) kind() CommandKind     { return CommandAdvanceClock }
func (*ConfigureVenue) kind() CommandKind   { return CommandConfigureVenue }

// Answer is what the engine decided. It is kept with the request, so that a repeated
// request gets the same answer.
type Answer struct {
	// Sequence is that of the record. A stream has caught up when its cursor reaches it.
	Sequence uint64
	// Subject says what ID identifies: what the command made or changed.
	Subject Subject
	ID      uint64
	// Status, Filled and Leaves are the state of an order after the command.
	Status OrderStatus
	Filled Quantity
	Leaves Quantity
	// Reason is why the venue refused or canceled, or ReasonNone.
	Reason Reason
	// Count is how many orders a mass cancel canceled.
	Count uint32
}

// Order returns the order that the answer is about, or 0.
func (a *Answer) Order() OrderID {
	if a.Subject != SubjectOrder {
		return 0
	}
	return OrderID(a.ID)
}
