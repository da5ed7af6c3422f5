package trade

// Snapshot is the whole state of the venue after a sequence, in one canonical order, so
// that engines with equal states write equal bytes. Slices are sorted by their keys.
// Orders are sorted by symbol, side (bids first) and priority; orders that do not rest
// come after the others of their symbol, by id.
type Snapshot struct {
	// Sequence is that of the last record it contains.
	Sequence uint64
	// Time is that of the last record.
	Time  int64
	Venue Venue
	// DayEnd is when the current trading day ends.
	DayEnd      int64
	LastOrder   OrderID
	LastTrade   TradeID
	Instruments []InstrumentState
	Users       []User
	Accounts    []AccountState
	// Orders are those that work.
	Orders    []Order
	Positions []Position
	// Trades are those that were busted.
	Trades []Trade
	// Requests are those whose answer is still kept, oldest first.
	Requests []RequestState
}

// InstrumentState is an instrument and the state of its book beside the orders.
type InstrumentState struct {
	Instrument Instrument
	// LastPrice is that of the last trade that stands, zero if there is none.
	LastPrice Price
	// LastTrade is that trade; zero in snapshots of versions that did not keep it.
	LastTrade TradeID
	// BookVersion counts the moves of the best prices.
	BookVersion uint64
	Levels      Levels
}

// Levels are the displayed levels of a book, best price first.
type Levels struct{ Bids, Offers []Level }

// Level is the displayed quantity at one price of one side.
type Level struct {
	Price Price
	// Quantity is the sum of the orders' displayed quantities.
	Quantity Quantity
	Orders   uint32
}

// AccountState is an account that has limits.
type AccountState struct {
	Account AccountID
	Limits  Limits
}

// RequestState is a request that was answered.
type RequestState struct {
	Actor
	Fingerprint uint64
	// Time is when it was answered.
	Time   int64
	Answer Answer
}
