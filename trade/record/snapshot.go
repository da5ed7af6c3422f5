package record

import (
	"crypto/sha256"

	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// EncodeSnapshot returns the canonical bytes of a state: fields in the order of
// their numbers, lists in their own order, which the engine keeps sorted. The error is [ErrUnwritable].
func EncodeSnapshot(s *trade.Snapshot) ([]byte, error) { return EncodeSnapshotAfter(nil, s) }

// EncodeSnapshotAfter is [EncodeSnapshot] of a state with the requests earlier before its
// own.
func EncodeSnapshotAfter(earlier Requests, s *trade.Snapshot) ([]byte, error) {
	w := writer{buf: make([]byte, 0, sizeHint(s)+len(earlier)), levels: true}
	return w.snapshot(earlier, s)
}

func (w *writer) snapshot(earlier Requests, s *trade.Snapshot) ([]byte, error) {
	w.uint(1, s.Sequence)
	w.int(2, s.Time)
	start := w.open(3)
	writeVenue(w, &s.Venue)
	w.close(start)
	w.int(4, s.DayEnd)
	w.uint(5, uint64(s.LastOrder))
	w.uint(6, uint64(s.LastTrade))
	writeList(w, 7, s.Instruments, writeInstrumentState)
	writeList(w, 8, s.Users, writeUser)
	writeList(w, 9, s.Accounts, writeAccount)
	writeList(w, 10, s.Orders, writeOrder)
	writeList(w, 11, s.Positions, writePosition)
	writeList(w, 12, s.Trades, writeTrade)
	w.buf = append(w.buf, earlier...)
	writeList(w, requestsField, s.Requests, writeRequest)
	if w.err != nil {
		return nil, w.err
	}
	return w.buf, nil
}

// sizeHint estimates the encoded size from lengths seen in practice, so that the
// buffer of a large state is not copied again and again while it grows.
func sizeHint(s *trade.Snapshot) int {
	return 256*(1+len(s.Instruments)+len(s.Users)) + 48*len(s.Accounts) +
		112*len(s.Orders) + 72*len(s.Positions) + 120*len(s.Trades) + 80*len(s.Requests)
}

func writeList[T any](w *writer, field protowire.Number, list []T, write func(*writer, *T)) {
	for i := range list {
		start := w.open(field)
		write(w, &list[i])
		w.close(start)
	}
}

// DecodeSnapshot reads what [EncodeSnapshot] wrote. The error is [ErrMalformed].
// Nothing in the snapshot refers to data.
func DecodeSnapshot(data []byte) (*trade.Snapshot, error) {
	r := reader{buf: data}
	s := &trade.Snapshot{}
	for r.next() {
		switch r.field {
		case 1:
			s.Sequence = r.uint()
		case 2:
			s.Time = r.int()
		case 3:
			rest := r.open()
			readVenue(&r, &s.Venue)
			r.close(rest)
		case 4:
			s.DayEnd = r.int()
		case 5:
			s.LastOrder = trade.OrderID(r.uint())
		case 6:
			s.LastTrade = trade.TradeID(r.uint())
		case 7:
			s.Instruments = readElement(&r, s.Instruments, readInstrumentState)
		case 8:
			s.Users = readElement(&r, s.Users, readUser)
		case 9:
			s.Accounts = readElement(&r, s.Accounts, readAccount)
		case 10:
			s.Orders = readElement(&r, s.Orders, readOrder)
		case 11:
			s.Positions = readElement(&r, s.Positions, readPosition)
		case 12:
			s.Trades = readElement(&r, s.Trades, readTrade)
		case requestsField:
			s.Requests = readElement(&r, s.Requests, readRequest)
		default:
			r.skip()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if !r.levels {
		levelsOfOrders(s)
	}
	return s, nil
}

// levelsOfOrders adds the levels to a snapshot that was written without them, by a version
// in which every order displayed all of its leaves.
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

func readElement[T any](r *reader, list []T, read func(*reader, *T)) []T {
	list = append(list, *new(T))
	rest := r.open()
	read(r, &list[len(list)-1])
	r.close(rest)
	return list
}

// Hash returns the SHA-256 of a state's canonical bytes without the levels of its
// books, which follow from the orders, and without the last trades, which are unknown
// after a snapshot of an earlier version: engines that agree on the state agree on it.
// The error is [ErrUnwritable].
func Hash(s *trade.Snapshot) ([32]byte, error) {
	w := writer{buf: make([]byte, 0, sizeHint(s))}
	data, err := w.snapshot(nil, s)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(data), nil
}

func writeInstrumentState(w *writer, s *trade.InstrumentState) {
	start := w.open(1)
	writeInstrument(w, &s.Instrument)
	w.close(start)
	w.int(2, int64(s.LastPrice))
	w.uint(3, s.BookVersion)
	if w.levels {
		start = w.open(4)
		writeList(w, 1, s.Levels.Bids, writeShown)
		writeList(w, 2, s.Levels.Offers, writeShown)
		w.close(start)
		w.uint(5, uint64(s.LastTrade))
	}
}

func readInstrumentState(r *reader, s *trade.InstrumentState) {
	for r.next() {
		switch r.field {
		case 1:
			rest := r.open()
			readInstrument(r, &s.Instrument)
			r.close(rest)
		case 2:
			s.LastPrice = trade.Price(r.int())
		case 3:
			s.BookVersion = r.uint()
		case 4:
			r.levels = true
			rest := r.open()
			readLevels(r, &s.Levels)
			r.close(rest)
		case 5:
			s.LastTrade = trade.TradeID(r.uint())
		default:
			r.skip()
		}
	}
}

func readLevels(r *reader, l *trade.Levels) {
	for r.next() {
		switch r.field {
		case 1:
			l.Bids = readElement(r, l.Bids, readShown)
		case 2:
			l.Offers = readElement(r, l.Offers, readShown)
		default:
			r.skip()
		}
	}
}

func writeShown(w *writer, l *trade.Level) {
	w.int(1, int64(l.Price))
	w.int(2, int64(l.Quantity))
	w.uint(3, uint64(l.Orders))
}

func readShown(r *reader, l *trade.Level) {
	for r.next() {
		switch r.field {
		case 1:
			l.Price = trade.Price(r.int())
		case 2:
			l.Quantity = trade.Quantity(r.int())
		case 3:
			l.Orders = r.uint32()
		default:
			r.skip()
		}
	}
}
