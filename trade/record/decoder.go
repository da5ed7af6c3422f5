package record

import (
	"encoding/binary"

	"todoku/trade"
)

// Decoder decodes records into memory that it uses again. It is for readers that
// follow a journal without end: for them, allocating the memory of a record costs as
// much as decoding it. The zero value is ready. Used by one goroutine at a time.
type Decoder struct {
	records   slab[trade.Record]
	reports   slab[trade.ExecutionReport]
	trades    slab[trade.TradeChanged]
	levels    slab[trade.LevelChanged]
	positions slab[trade.PositionChanged]
	names     names
	// requests are the names of the most recent requests, see reader.request.
	requests [6]string
	oldest   int
}

// Decode is the function [Decode], but the record and its events are valid only
// until Reset. Texts stay valid.
func (d *Decoder) Decode(sequence uint64, time int64, data []byte) (*trade.Record, error) {
	r := reader{buf: data, sequence: sequence, memory: d}
	record := d.records.next()
	*record = trade.Record{Sequence: sequence, Time: time, Events: record.Events[:0]}
	return readRecord(&r, record)
}

// Reset makes the memory of everything decoded since the last Reset available again.
func (d *Decoder) Reset() {
	d.records.reset()
	d.reports.reset()
	d.trades.reset()
	d.levels.reset()
	d.positions.reset()
}

// slabKept is how many values a slab keeps, so that one huge record does not occupy
// memory until the end.
const slabKept = 1 << 15

// slab hands out values one after the other, and the same again after reset.
type slab[T any] struct {
	values []*T
	used   int
}

// next returns a value that may still hold what it held before the reset.
func (s *slab[T]) next() *T {
	if s.used == len(s.values) {
		s.values = append(s.values, new(T))
	}
	v := s.values[s.used]
	s.used++
	return v
}

// zero is next for a value that must be empty.
func (s *slab[T]) zero() *T {
	var empty T
	v := s.next()
	*v = empty
	return v
}

func (s *slab[T]) reset() {
	if len(s.values) > slabKept {
		clear(s.values[slabKept:])
		s.values = s.values[:slabKept]
	}
	s.used = 0
}

// names remembers names, so that one that occurs in many records is allocated once.
// Each has one place, by its hash; another name of that place replaces it.
type names struct {
	known []string // empty before the first
}

const nameBits = 10

// find returns where a name is kept, or should be.
func (t *names) find(b []byte) *string {
	if t.known == nil {
		t.known = make([]string, 1<<nameBits)
	}
	return &t.known[place(b)]
}

// place hashes the two ends of a name, where names of one kind differ. A collision
// costs one allocation.
func place(b []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: it spreads neighbours.
	var head, tail [8]byte
	copy(head[:], b)
	copy(tail[:], b[max(0, len(b)-8):])
	h := binary.LittleEndian.Uint64(head[:])*odd ^ uint64(len(b))
	h = (h ^ h>>32 ^ binary.LittleEndian.Uint64(tail[:])) * odd
	return h >> (64 - nameBits)
}
