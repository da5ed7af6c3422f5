package feed

import "todoku/trade"

// What can be sent to a client, before an [Encoder] encodes it.

// Message is one thing to send.
type Message struct {
	// Sequence is that of the record it came from; in a snapshot, the snapshot's.
	Sequence uint64
	// Index orders the messages of one sequence.
	Index uint32
	// Time is when the record was sequenced, in nanoseconds since 1970.
	Time int64
	// Body is the content. It must not be changed.
	Body Body
}

// Body is the content of a message: one of the types below. The linter reports every
// switch over them that lacks one.
//
//sumtype:decl
type Body interface{ body() }

// Bodies of types of package trade. They have the size of a pointer, so that a message
// allocates nothing for them.
type (
	// Execution is an execution report with its id.
	Execution struct{ *trade.Execution }
	// CancelRejected says that a replace or cancel was refused.
	CancelRejected struct{ *trade.CancelRejected }
	// Position is a position of an account as it is now.
	Position struct{ *trade.Position }
	// Instrument is an instrument as it is now.
	Instrument struct{ *trade.Instrument }
	// User is a user as they are now, for themselves and administrators.
	User struct{ *trade.User }
	// Print is a trade as everyone sees it.
	Print struct{ *trade.Print }
	// OrderState is a working order as it stands, in a snapshot.
	OrderState struct{ *trade.Order }
)

func (Execution) body()      {}
func (CancelRejected) body() {}
func (Position) body()       {}
func (Instrument) body()     {}
func (User) body()           {}
func (Print) body()          {}
func (OrderState) body()     {}
func (*PartyTrade) body()    {}
func (*LevelUpdate) body()   {}
func (*Best) body()          {}
func (*AccountLimits) body() {}
func (*Presence) body()      {}
func (*Announcement) body()  {}
func (*SnapshotBegin) body() {}
func (*SnapshotEnd) body()   {}
func (*Reset) body()         {}

// Encoder encodes a message for the streams: with grpcpush, as one whole entry of the
// response's repeated field.
//
// Encode must be a pure function of the message, must not keep or change it, and must
// not call the feed. It is called from several goroutines at once.
type Encoder interface {
	Encode(Message) []byte
}

// PartyTrade is a trade as one of its parties sees it: TRADE_SUCCEEDS.
type PartyTrade struct {
	ID     trade.TradeID
	Symbol trade.Symbol
	// Account is the party that this copy is for, Side is its side.
	Account       trade.AccountID
	Side          trade.Side
	Price         trade.Price
	Quantity      trade.Quantity
	Order         trade.OrderID
	ClientOrderID trade.RequestID
	// Maker means that the party's order rested.
	Maker bool
	// Counterparty is empty unless the instrument discloses it.
	Counterparty trade.AccountID
	Status       trade.TradeStatus
	// Time is when the trade was concluded, in nanoseconds since 1970.
	Time int64
	// Text is why it was busted.
	Text string
}

// LevelUpdate is a level of a book as it is now; its Quantity is zero when no order
// rests there.
type LevelUpdate struct {
	trade.Level

	Symbol trade.Symbol
	Side   trade.Side
	// BookVersion counts the moves of the best prices.
	BookVersion uint64
}

// Best is the top of a book as it is now. A side without orders has the zero
// Level.
type Best struct {
	Symbol      trade.Symbol
	Bid, Offer  trade.Level
	BookVersion uint64
	// LastPrice is that of the last trade, zero before the first.
	LastPrice trade.Price
}

// AccountLimits are what an account may do.
type AccountLimits trade.LimitsChanged

// Presence is whether a user is signed in: OTHER_USER_LOGIN. It has the display name
// and never the name to sign in with.
type Presence struct {
	DisplayName string
	Online      bool
}

// Announcement is a text of the venue to everybody or to some users. It does not say
// who else received it.
type Announcement struct {
	From string // A display name.
	Text string
}

// SnapshotBegin means that state follows until SnapshotEnd.
type SnapshotBegin struct{}

// SnapshotEnd means that the state is complete as of its response's cursor.
type SnapshotEnd struct{}

// Reset means that the events after the cursor cannot be replayed; a snapshot follows.
type Reset struct{ Cause Cause }

// Start is how a stream begins.
type Start int8

// The starts.
const (
	// StartSnapshot is a snapshot, because no cursor was given.
	StartSnapshot Start = iota + 1
	// StartReplay is the events after the cursor.
	StartReplay
	// StartReset is a Reset and a snapshot, because the replay is not possible.
	StartReset
)

func (s Start) String() string {
	switch s {
	case StartSnapshot:
		return "SNAPSHOT"
	case StartReplay:
		return "REPLAY"
	case StartReset:
		return "RESET"
	}
	return "UNSPECIFIED"
}

// Cause is why a replay is not possible.
type Cause string

// The causes.
const (
	CauseNone Cause = ""
	// CauseUnknownEpoch: the cursor is of another history.
	CauseUnknownEpoch Cause = "UNKNOWN_EPOCH"
	// CauseTooFarBehind: more has happened since, or it is longer ago, than is replayed.
	CauseTooFarBehind Cause = "TOO_FAR_BEHIND"
	// CauseCompacted: the history of that time is no longer kept.
	CauseCompacted Cause = "COMPACTED"
	// CauseUserChanged: the user's roles or accounts have changed since, and a replay
	// would lack the state of what was added.
	CauseUserChanged Cause = "USER_CHANGED"
)
