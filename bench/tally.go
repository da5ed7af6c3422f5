package bench

import "time"

// tally sums up what all feeds of a run receive. It belongs to the goroutine that
// reads them.
type tally struct {
	run string
	// Only what arrives from measure to end counts. Latencies of events that are due
	// at or after the time later go to the histogram after; 0 for none.
	measure, end, later time.Duration

	deliveries, responses          uint64 // that arrived within the measured time
	duplicated, disordered, broken uint64
	resets                         uint64
	latency, after                 histogram     // by when the event was due
	last                           time.Duration // when the last one arrived
	// arrived counts the feeds that have each event; complete is called when it reaches
	// need.
	arrived  []uint32
	need     uint32
	complete func(event uint64)
}

func (t *tally) response(now time.Duration) {
	if now >= t.measure && now < t.end {
		t.responses++
	}
}

func (t *tally) delivered(n uint64, due, now time.Duration) {
	if now >= t.measure && now < t.end {
		t.deliveries++
	}
	switch {
	case t.later > 0 && due >= t.later:
		t.after.record(now - due)
	case due >= t.measure && due < t.end:
		t.latency.record(now - due)
	}
	for n >= uint64(len(t.arrived)) {
		t.arrived = append(t.arrived, make([]uint32, n+1-uint64(len(t.arrived)))...)
	}
	if t.arrived[n]++; t.arrived[n] == t.need && t.complete != nil {
		t.complete(n)
	}
}

// whole says whether the wanted ones among the first events have arrived everywhere.
func (t *tally) whole(events uint64, wanted *numberSet) bool {
	for n := range events {
		if !wanted.has(n) {
			continue
		}
		if n >= uint64(len(t.arrived)) || t.arrived[n] < t.need {
			return false
		}
	}
	return true
}

// numberSet is a set of numbers that are added nearly in order: an unbroken range from 0
// takes no memory. The zero value is empty.
type numberSet struct {
	base  uint64 // words before it are full and not kept
	words []uint64
}

const wordBits = 64

// add adds a number; false if it is there already.
func (s *numberSet) add(n uint64) bool {
	if n/wordBits < s.base {
		return false
	}
	i := n/wordBits - s.base
	for uint64(len(s.words)) <= i {
		s.words = append(s.words, 0)
	}
	bit := uint64(1) << (n % wordBits)
	if s.words[i]&bit != 0 {
		return false
	}
	s.words[i] |= bit
	full := 0
	for full < len(s.words) && s.words[full] == ^uint64(0) {
		full++
	}
	s.words = append(s.words[:0], s.words[full:]...)
	s.base += uint64(full)
	return true
}

func (s *numberSet) has(n uint64) bool {
	word := n / wordBits
	return word < s.base || word-s.base < uint64(len(s.words)) && s.words[word-s.base]>>(n%wordBits)&1 == 1
}
