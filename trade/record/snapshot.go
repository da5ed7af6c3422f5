package record

import (
	"crypto/sha256"
	"math"

	"todoku/trade"
)

// EncodeSnapshot returns the canonical bytes of a state: fields in the order of
// their numbers, lists in the order in which they are, which the engine keeps
// sorted. The error is [ErrUnwritable].
func EncodeSnapshot(s *trade.Snapshot) ([]byte, error) { return EncodeSnapshotAfter(nil, s) }

// EncodeSnapshotAfter is [EncodeSnapshot] of a state that has also the requests
// earlier, before its own.
func EncodeSnapshotAfter(earlier Requests, s *trade.Snapshot) ([]byte, error) {
	c := codec{field: writing, buf: make([]byte, 0, sizeHint(s)+len(earlier)), levels: true}
	snapshot(&c, earlier, s)
	return c.written(nil)
}

// sizeHint guesses the encoded size from lengths seen in practice, so that the buffer
// of a large state is not copied again and again while it grows.
func sizeHint(s *trade.Snapshot) int {
	return 256*(1+len(s.Instruments)+len(s.Users)) + 48*len(s.Accounts) +
		112*len(s.Orders) + 72*len(s.Positions) + 120*len(s.Trades) + 80*len(s.Requests)
}

// DecodeSnapshot reads what [EncodeSnapshot] wrote. The error is [ErrMalformed].
// Nothing in the snapshot refers to data.
func DecodeSnapshot(data []byte) (*trade.Snapshot, error) {
	c := codec{buf: data}
	s := &trade.Snapshot{}
	snapshot(&c, nil, s)
	if c.err != nil {
		return nil, c.err
	}
	if !c.levels {
		levelsOfOrders(s)
	}
	return s, nil
}

// Hash returns the SHA-256 of a state's canonical bytes without the levels of its
// books, which follow from the orders: engines that agree on the state agree on it.
// The error is [ErrUnwritable].
func Hash(s *trade.Snapshot) ([32]byte, error) {
	c := codec{field: writing, buf: make([]byte, 0, sizeHint(s))}
	snapshot(&c, nil, s)
	if c.err != nil {
		return [32]byte{}, c.err
	}
	return sha256.Sum256(c.buf), nil
}

func snapshot(c *codec, earlier Requests, s *trade.Snapshot) {
	for m := c.open(whole); c.next(&m); {
		number(c, 1, &s.Sequence)
		number(c, 2, &s.Time)
		venue(c, 3, &s.Venue)
		number(c, 4, &s.DayEnd)
		number(c, 5, &s.LastOrder)
		number(c, 6, &s.LastTrade)
		list(c, 7, &s.Instruments, instrumentState)
		list(c, 8, &s.Users, user)
		list(c, 9, &s.Accounts, account)
		list(c, 10, &s.Orders, order)
		list(c, 11, &s.Positions, position)
		list(c, 12, &s.Trades, concluded)
		if c.field == writing {
			c.buf = append(c.buf, earlier...)
		}
		list(c, requestsField, &s.Requests, requestState)
	}
}

// levelsOfOrders fills in the levels of a snapshot that was written without them. In
// the versions that did so, every order displayed all that it had left.
func levelsOfOrders(s *trade.Snapshot) {
	instruments := make(map[trade.Symbol]*trade.InstrumentState, len(s.Instruments))
	for i := range s.Instruments {
		instruments[s.Instruments[i].Instrument.Symbol] = &s.Instruments[i]
	}
	for i := range s.Orders {
		o := &s.Orders[i]
		in := instruments[o.Symbol]
		if in == nil {
			continue
		}
		levels := &in.Levels.Offers
		if o.Side == trade.SideBuy {
			levels = &in.Levels.Bids
		}
		last := len(*levels) - 1
		if last < 0 || (*levels)[last].Price != o.Price { // Orders are sorted by price.
			*levels = append(*levels, trade.Level{Price: o.Price})
			last++
		}
		(*levels)[last].Quantity += o.Leaves
		(*levels)[last].Orders++
	}
}

func instrumentState(c *codec, field int32, s *trade.InstrumentState) {
	for m := c.open(field); c.next(&m); {
		instrument(c, 1, &s.Instrument)
		number(c, 2, &s.LastPrice)
		number(c, 3, &s.BookVersion)
		if c.field != writing || c.levels {
			levels(c, 4, &s.Levels)
		}
	}
}

func levels(c *codec, field int32, l *trade.Levels) {
	m := c.open(field)
	c.levels = c.levels || m.reading
	for c.next(&m) {
		list(c, 1, &l.Bids, level)
		list(c, 2, &l.Offers, level)
	}
}

func level(c *codec, field int32, l *trade.Level) {
	for m := c.open(field); c.next(&m); {
		number(c, 1, &l.Price)
		number(c, 2, &l.Quantity)
		bounded(c, 3, &l.Orders, math.MaxUint32)
	}
}
