package history

import (
	"context"
	"errors"

	"todoku/journal"
	"todoku/trade"
)

// Errors of a [Store], besides those of its database, and of a [Follower].
var (
	// ErrBadPageToken means that a page token is not from the same query.
	ErrBadPageToken = errors.New("history: bad page token")
	// ErrGap means that records do not follow the history's position. Nothing was
	// applied.
	ErrGap = errors.New("history: records do not follow the position")
	// ErrAhead means that the journal does not have the sequence that a caller waits for.
	ErrAhead = errors.New("history: sequence is ahead of the journal")
	// ErrStopped means that the follower's Run has returned.
	ErrStopped = errors.New("history: follower stopped")
)

// Store answers queries about the past: orders, executions, trades and who did what.
// A [Follower] fills it from the journal. It keeps its own position, and can be dropped
// and built again. historytest.Run tests an implementation.
//
// All methods must be safe for concurrent use, and queries must not wait for Apply.
// Lists must be newest first: by sequence, order id or trade id, which all rise with
// time. A page token of another query must be refused with [ErrBadPageToken].
type Store interface {
	// Position must return the epoch of the history's journal and the last record that
	// it has. It must return the zero Position for a new history.
	Position(ctx context.Context) (journal.Position, error)

	// Apply must add the records and move the position to the last of them in one
	// transaction. It must refuse with [ErrGap] records that do not follow the position
	// without gap. It must not keep or change them.
	Apply(ctx context.Context, records []*trade.Record) error

	// Reset must drop everything and set the position, in one transaction. state, if
	// not nil, is the venue at or after position; its working orders must be in the
	// history then.
	Reset(ctx context.Context, position journal.Position, state *trade.Snapshot) error

	// Orders must return an account's orders as they were last reported.
	Orders(ctx context.Context, query OrderQuery) (Page[trade.Order], error)

	// Order must return one order of an account by the venue's id or, where that is
	// zero, by its present client order id; of several, the newest. If there is none,
	// ok must be false.
	Order(ctx context.Context, account trade.AccountID, ref trade.OrderRef) (order trade.Order, ok bool, err error)

	// Executions must return an account's execution reports.
	Executions(ctx context.Context, query ExecutionQuery) (Page[Execution], error)

	// Trades must return the trades of an instrument as everyone may see them, a
	// busted one with that status.
	Trades(ctx context.Context, query TradeQuery) (Page[trade.Print], error)

	// Trade must return one trade with its parties, as it was last reported. If there
	// is none, or one of its orders is no longer kept, ok must be false.
	Trade(ctx context.Context, id trade.TradeID) (t trade.Trade, ok bool, err error)

	// Audit must return the commands that were carried out.
	Audit(ctx context.Context, query AuditQuery) (Page[AuditEntry], error)

	// Compact must drop executions, trades and audit entries from before a time, and
	// finished orders that were last reported before it. It must work in small steps,
	// so that Apply never waits long, and may stop in between when the context ends.
	Compact(ctx context.Context, before int64) error

	// Close must release the database and may be called repeatedly.
	Close() error
}

// Span narrows a query to times at or after From and before To, in nanoseconds
// since 1970; zero is no bound.
type Span struct{ From, To int64 }

// OrderState narrows a query to orders that work or do not.
type OrderState int8

// The states that can be asked for.
const (
	// AnyOrder is all orders.
	AnyOrder OrderState = iota
	// WorkingOrder is orders that can still trade.
	WorkingOrder
	// FinishedOrder is orders that cannot.
	FinishedOrder
)

// OrderQuery asks for an account's orders by when they were entered.
type OrderQuery struct {
	// Account is required: an empty one has no orders.
	Account trade.AccountID
	// Symbol narrows it to an instrument unless empty.
	Symbol trade.Symbol
	State  OrderState
	Span
	PageRequest
}

// ExecutionQuery asks for an account's execution reports.
type ExecutionQuery struct {
	// Account is required: an empty one has none.
	Account trade.AccountID
	// Symbol narrows it to an instrument unless empty, Order to an order unless zero.
	Symbol trade.Symbol
	Order  trade.OrderID
	Span
	PageRequest
}

// TradeQuery asks for an instrument's trades by when they were concluded.
type TradeQuery struct {
	// Symbol is required: an empty one has no trades.
	Symbol trade.Symbol
	Span
	PageRequest
}

// AuditQuery asks for commands by who asked for them.
type AuditQuery struct {
	// User narrows it to one user unless empty.
	User trade.UserID
	Span
	PageRequest
}

// Execution is an execution report and when it was sequenced.
type Execution struct {
	trade.Execution

	// Time is the record's, in nanoseconds since 1970.
	Time int64
}

// AuditEntry is one command that was carried out.
type AuditEntry struct {
	// Sequence is that of its record.
	Sequence uint64
	// Time is when it was sequenced, in nanoseconds since 1970.
	Time int64
	Kind trade.CommandKind
	// Actor is who asked, for whom, under which name; empty for the venue itself.
	trade.Actor
	// Detail is its result in one line of text.
	Detail string
}
