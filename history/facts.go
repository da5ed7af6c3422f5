package history

import (
	"fmt"

	"todoku/trade"
)

// eventBits is how many bits of an execution's key number the event: the longest
// record of a journal has fewer than two million. The other bits are the sequence.
const eventBits = 21

// maxSequence is the highest sequence that fits into a key: 14 years of ten thousand
// records a second.
const maxSequence = 1<<(63-eventBits) - 1

// ExecutionKey orders executions by sequence and event: the key of their pages.
func ExecutionKey(sequence uint64, event int) uint64 {
	return sequence<<eventBits | uint64(event)
}

// LastExecutionKey is the highest key that an execution of a record can have.
func LastExecutionKey(sequence uint64) uint64 { return ExecutionKey(sequence, 1<<eventBits-1) }

// SplitExecutionKey is the reverse of [ExecutionKey].
func SplitExecutionKey(key uint64) (sequence uint64, event int) {
	return key >> eventBits, int(key & (1<<eventBits - 1))
}

// Facts are what a history stores of records, the same for every database. Pointers
// refer to the records.
type Facts struct {
	// Orders are the orders that were reported, each as last reported, in the order of
	// their first report.
	Orders []OrderFact
	// Executions are all executions, in order.
	Executions []Execution
	// Trades are the trades that were concluded or busted, each as last reported.
	Trades []*trade.Trade
	// Audit has one entry per record.
	Audit []AuditEntry

	orders map[trade.OrderID]int
	trades map[trade.TradeID]int
}

// OrderFact is an order as it was last reported.
type OrderFact struct {
	*trade.Order

	// Named means that it may have a new client order id.
	Named bool
}

// NewFacts returns the facts of consecutive records that follow position. The error is
// [ErrGap].
func NewFacts(position uint64, records []*trade.Record) (*Facts, error) {
	f := &Facts{
		Audit:  make([]AuditEntry, 0, len(records)),
		orders: make(map[trade.OrderID]int, len(records)),
		trades: make(map[trade.TradeID]int),
	}
	for _, r := range records {
		if r.Sequence != position+1 || r.Sequence > maxSequence || len(r.Events) > 1<<eventBits {
			return nil, fmt.Errorf("%w: record %d with %d events after %d", ErrGap, r.Sequence, len(r.Events), position)
		}
		position = r.Sequence
		f.add(r)
	}
	return f, nil
}

func (f *Facts) add(r *trade.Record) {
	for i, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			f.Executions = append(f.Executions, Execution{trade.Execution{ExecutionReport: e, Sequence: r.Sequence, Event: i}, r.Time})
			f.addOrder(e)
		case *trade.TradeChanged:
			f.addTrade(&e.Trade)
		case *trade.CancelRejected, *trade.LevelChanged, *trade.PositionChanged, *trade.InstrumentChanged,
			*trade.UserChanged, *trade.PresenceChanged, *trade.LimitsChanged, *trade.Announced,
			*trade.VenueChanged, *trade.DayEnded:
			// They are at most in the audit trail.
		}
	}
	f.Audit = append(f.Audit, AuditEntry{r.Sequence, r.Time, r.Command.Kind, r.Command.Actor, detail(r)})
}

func (f *Facts) addOrder(e *trade.ExecutionReport) {
	at, known := f.orders[e.Order.ID]
	if !known {
		at = len(f.Orders)
		f.orders[e.Order.ID] = at
		f.Orders = append(f.Orders, OrderFact{})
	}
	fact := &f.Orders[at]
	fact.Order = &e.Order
	switch e.Type {
	case trade.ExecTypeTrade, trade.ExecTypeCanceled, trade.ExecTypeExpired, trade.ExecTypeTradeCancel:
	case trade.ExecTypeUnspecified, trade.ExecTypeNew, trade.ExecTypeReplaced, trade.ExecTypeRejected:
		fact.Named = true
	}
}

func (f *Facts) addTrade(t *trade.Trade) {
	at, known := f.trades[t.ID]
	if !known {
		at = len(f.Trades)
		f.trades[t.ID] = at
		f.Trades = append(f.Trades, nil)
	}
	f.Trades[at] = t
}
