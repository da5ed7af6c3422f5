package trade

import "strconv"

// Execution is an execution report with its place in the journal, which is its identity.
type Execution struct {
	// ExecutionReport is not embedded: an execution is no event.
	ExecutionReport *ExecutionReport
	// Sequence is the record's, Event the report's place among its events, from 0.
	Sequence uint64
	Event    int
}

// ExecutionID returns the report's identifier. FIX tag 17.
func (e *Execution) ExecutionID() string { return ExecutionID(e.Sequence, e.Event) }

// ExecutionID names the execution report that is the event-th, from 0, of the
// record: "sequence-event". It is the same wherever the report is shown.
func ExecutionID(sequence uint64, event int) string {
	return strconv.FormatUint(sequence, 10) + "-" + strconv.Itoa(event)
}

// Print is a trade as everyone sees it: no parties.
type Print struct {
	ID        TradeID
	Symbol    Symbol
	Price     Price
	Quantity  Quantity
	Aggressor Side
	// Status is BUSTED for the correction of an earlier print.
	Status TradeStatus
	// Time is when the trade was concluded, in nanoseconds since 1970.
	Time int64
}
