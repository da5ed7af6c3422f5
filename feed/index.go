package feed

import (
	"encoding/binary"
	"slices"
	"sort"
	"time"

	"todoku/push"
)

// The index has the sequences with events for each topic, so that a resume reads only
// those from the journal. It is bounded per topic by count and by age and remembers
// what it dropped, so that a cursor further back is refused instead of causing a gap.

// blockSize is how many sequences a block has at most. Whole blocks are dropped, so a
// topic keeps up to blockSize more than its bound.
const blockSize = 256

// markEvery is the resolution at which the index knows the age of sequences.
const markEvery = time.Minute

// index is protected by Feed.mu.
type index struct {
	limit int           // Sequences kept per topic, at least.
	age   time.Duration // Age of what is kept, at least.

	base     uint64 // Nothing up to it is known.
	position uint64 // Everything after base and up to it is known.
	topics   map[push.Topic]*entries
	marks    []mark // Oldest first, markEvery apart.
}

// mark is the time of a sequence.
type mark struct {
	sequence uint64
	time     int64
}

// entries are one topic's sequences, rising.
type entries struct {
	dropped uint64 // The highest sequence that was dropped, 0 for none.
	last    uint64 // The highest that was added since the feed began, 0 for none.
	count   int
	blocks  []block
}

// block has rising sequences: the first, and the differences as uvarints of one or
// two bytes each. Bytes are only appended to data, so that a copy of the struct is a
// snapshot.
type block struct {
	first, last uint64
	count       int
	data        []byte
}

func newIndex(limit int, age time.Duration) *index {
	return &index{limit: limit, age: age, topics: make(map[push.Topic]*entries)}
}

// add adds the topics for which a record has events. It stores the topics' entries in
// the audiences, which must belong to this index only.
func (x *index) add(sequence uint64, at int64, messages []addressed) {
	x.position = sequence
	x.mark(sequence, at)
	for i := range messages {
		if messages[i].level != nil {
			continue
		}
		for _, s := range messages[i].audience {
			if s.entries == nil {
				if s.entries = x.topics[s.topic]; s.entries == nil {
					s.entries = &entries{}
					x.topics[s.topic] = s.entries
				}
			}
			s.entries.add(sequence, x.limit)
		}
	}
}

// mark notes the time once per markEvery and drops what has become too old.
func (x *index) mark(sequence uint64, at int64) {
	if n := len(x.marks); n > 0 && at-x.marks[n-1].time < int64(markEvery) {
		return
	}
	x.marks = append(x.marks, mark{sequence, at})
	horizon := at - int64(x.age)
	drop := 0
	for drop+1 < len(x.marks) && x.marks[drop+1].time <= horizon {
		drop++
	}
	if drop == 0 {
		return
	}
	x.marks = slices.Delete(x.marks, 0, drop)
	for _, e := range x.topics {
		e.dropBefore(x.marks[0].sequence)
	}
}

func (e *entries) add(sequence uint64, limit int) {
	if e.last == sequence {
		return // Another message of the same record.
	}
	e.last = sequence
	n := len(e.blocks)
	if n == 0 || e.blocks[n-1].count == blockSize {
		e.blocks = append(e.blocks, block{first: sequence, last: sequence, count: 1})
	} else {
		b := &e.blocks[n-1]
		b.data = binary.AppendUvarint(b.data, sequence-b.last)
		b.last = sequence
		b.count++
	}
	e.count++
	for e.count-e.blocks[0].count >= limit {
		e.drop()
	}
}

// dropBefore drops the blocks that end before a sequence.
func (e *entries) dropBefore(sequence uint64) {
	for len(e.blocks) > 0 && e.blocks[0].last < sequence {
		e.drop()
	}
}

func (e *entries) drop() {
	e.dropped = e.blocks[0].last
	e.count -= e.blocks[0].count
	e.blocks[0] = block{}
	e.blocks = e.blocks[1:]
}

// knownAfter returns the sequence after which everything of the topics is known.
func (x *index) knownAfter(topics []push.Topic) uint64 {
	after := x.base
	for _, topic := range topics {
		if e := x.topics[topic]; e != nil {
			after = max(after, e.dropped)
		}
	}
	return after
}

// newest returns the last sequence of a topic, 0 when none is known.
func (x *index) newest(topic push.Topic) uint64 {
	if e := x.topics[topic]; e != nil && len(e.blocks) > 0 {
		return e.blocks[len(e.blocks)-1].last
	}
	return 0
}

// first returns the first sequences, at most most, after a sequence that any of the
// topics has, rising and unique.
func (x *index) first(topics []push.Topic, after uint64, most int) []uint64 {
	var found []uint64
	highest := ^uint64(0) // Sequences beyond it do not belong to the result.
	shrink := func() {
		slices.Sort(found)
		found = slices.Compact(found)
		if len(found) >= most {
			found = found[:most]
			highest = found[most-1]
		}
	}
	for _, topic := range topics {
		e := x.topics[topic]
		if e == nil {
			continue
		}
		found = e.append(found, after, highest, most)
		if len(found) > 4*most {
			shrink()
		}
	}
	shrink()
	return found
}

// append appends up to most sequences, above after and up to highest.
func (e *entries) append(to []uint64, after, highest uint64, most int) []uint64 {
	at := sort.Search(len(e.blocks), func(i int) bool { return e.blocks[i].last > after })
	for _, b := range e.blocks[at:] {
		sequence, data := b.first, b.data
		for {
			if sequence > highest || most == 0 {
				return to
			}
			if sequence > after {
				to = append(to, sequence)
				most--
			}
			step, n := binary.Uvarint(data)
			if n <= 0 {
				break
			}
			sequence += step
			data = data[n:]
		}
	}
	return to
}

// clone returns a copy that shares the blocks' bytes, for encoding elsewhere.
func (x *index) clone() *index {
	c := *x
	c.marks = slices.Clone(x.marks)
	c.topics = make(map[push.Topic]*entries, len(x.topics))
	for topic, e := range x.topics {
		copied := *e
		copied.blocks = slices.Clone(e.blocks)
		c.topics[topic] = &copied
	}
	return &c
}
