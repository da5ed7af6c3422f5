package feed

import (
	"todoku/trade"
)

// What can be sent to a client, before it is encoded. The wire's own words for
// the same things are made by the [Encoder], which lives where the wire does.

// Message is one thing to tell.
type Message struct {
	// Sequence is that of the record it came from; in a snapshot, the snapshot's.
	Sequence uint64
	// Index orders the messages of one sequence.
	Index uint32
	// Time is when the record was sequenced, in nanoseconds since 1970.
	Time int64
	// Body is what it says. It must not be changed.
	Body Body
}

// Body is what a message says. The concrete types are those below; the linter names
// every switch over them that lacks one.
//
//sumtype:decl
type Body interface{ body() }

// What package trade describes, as bodies: as large as a pointer, so that a message
// allocates nothing for them.
type (
	// Execution is an execution report with its name.
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

// Encoder makes the bytes that a stream carries out of a message: with grpcpush,
// one whole entry of the response's repeated field.
//
// Encode must be a pure function of the message, must not keep or change it, and
// must not call the feed. It is called from several goroutines at once.
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
	// Maker says that the party's order rested.
	Maker bool
	// Counterparty is empty unless the instrument discloses it.
	Counterparty trade.AccountID
	Status       trade.TradeStatus
	// Time is when the trade was concluded, in nanoseconds since 1970.
	Time int64
	// Text says why it was busted.
	Text string
}

// LevelUpdate is a level of a book as it is now; its Quantity is zero when
// nothing rests there any more.
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
type AccountLimits struct {
	Account trade.AccountID
	Limits  trade.Limits
}

// Presence says whether a user is signed in: OTHER_USER_LOGIN. It carries
// the display name only, never the name to sign in with.
type Presence struct {
	DisplayName string
	Online      bool
}

// Announcement is what the venue has to say, to everybody or to some; none of
// these learns of the others.
type Announcement struct {
	From string // A display name.
	Text string
}

// SnapshotBegin says that state follows until SnapshotEnd.
type SnapshotBegin struct{}

// SnapshotEnd says that the state is complete as of its response's cursor.
type SnapshotEnd struct{}

// Reset says that what was asked for cannot be replayed; a snapshot follows.
type Reset struct{ Cause Cause }

// Start says how a stream begins.
type Start int8

// The starts.
const (
	// StartSnapshot is a snapshot, because no cursor was given.
	StartSnapshot Start = iota + 1
	// StartReplay is what came after the cursor.
	StartReplay
	// StartReset is a Reset and a snapshot: the replay is not possible.
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

// Cause says why a replay is not possible.
type Cause int8

// The causes.
const (
	CauseNone Cause = iota
	// CauseUnknownEpoch: the cursor is of another history.
	CauseUnknownEpoch
	// CauseTooFarBehind: more happened, or longer ago, than is replayed.
	CauseTooFarBehind
	// CauseCompacted: the history of that time is no longer kept.
	CauseCompacted
	// CauseUserChanged: the user's roles or accounts changed since, and a replay
	// would lack the state of what was added.
	CauseUserChanged
)

func (c Cause) String() string {
	switch c {
	case CauseNone:
		return "NONE"
	case CauseUnknownEpoch:
		return "UNKNOWN_EPOCH"
	case CauseTooFarBehind:
		return "TOO_FAR_BEHIND"
	case CauseCompacted:
		return "COMPACTED"
	case CauseUserChanged:
		return "USER_CHANGED"
	}
	return "UNSPECIFIED"
}
