// Package pushtest checks recorded streams against what was published: the six
// guarantees that package push gives, judged from outside, in values that a test
// at any level can make, from a hub in memory to clients of real processes.
//
// A test records, per client, the streams that the client opened one after the
// other and each response as it arrived, and works out from its own knowledge
// which events concerned that client. [Check] says what was broken.
package pushtest

import (
	"cmp"
	"fmt"
	"slices"
)

// Guarantee names what was broken.
type Guarantee string

// The six guarantees, in the words of etcd's watch, and one of the wire.
const (
	// Ordered: events arrive in the order of their sequence and index.
	Ordered Guarantee = "ordered"
	// Unique: no event arrives twice, over all streams of the client.
	Unique Guarantee = "unique"
	// Atomic: the events of one sequence become visible together.
	Atomic Guarantee = "atomic"
	// Reliable: no event that concerns the client is missing before one that
	// arrived, and none arrived that does not concern it.
	Reliable Guarantee = "reliable"
	// Resumable: a stream that resumes after a cursor continues exactly there.
	Resumable Guarantee = "resumable"
	// Bookmarkable: a cursor stands for everything up to it: it never falls,
	// never runs ahead of what was delivered, and never lags behind it.
	Bookmarkable Guarantee = "bookmarkable"
	// Chained: numbers rise by one and each previous cursor is the cursor before.
	Chained Guarantee = "chained"
)

// Event identifies one event.
type Event struct {
	Sequence uint64
	Index    uint32
}

func compare(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Index, b.Index))
}

// Response is what arrived at once. State and heartbeats are left out of Events;
// a response without events is recorded too.
type Response struct {
	Number   uint64
	Previous uint64
	Cursor   uint64
	Fragment bool
	Events   []Event
}

// Stream is one stream of a client, as far as it was received.
type Stream struct {
	// Resume is the cursor that the client gave, or the snapshot's: what the
	// stream begins after.
	Resume uint64
	// Fresh says that the stream began with a snapshot although the client had a
	// cursor (a reset): events between the two need not be delivered, and events
	// up to Resume are part of the snapshot.
	Fresh bool
	// Snapshot says that the stream began with one: until it is complete, at
	// Resume, cursors are 0.
	Snapshot  bool
	Responses []Response
	// Truth is what concerned the client on this stream, in any order, where that
	// differs from stream to stream: because the client asked for something else,
	// for instance. Nil: what Check was given.
	Truth []Event
	// Head is the last event that was published when the stream began; 0 where the
	// client was not told.
	Head uint64
	// Lost is what came on this stream after the client had opened the next one,
	// which it therefore passed over. The next one begins it again; what is later
	// than the next one's Head must not come here any more.
	Lost []Response
}

// Finished says whether the stream got as far as having a cursor: one that was
// cut off inside its snapshot leaves the client with what it had.
func (s *Stream) Finished() bool {
	return !s.Snapshot || slices.ContainsFunc(s.Responses, func(r Response) bool { return r.Cursor != 0 })
}

// Violation is one broken guarantee.
type Violation struct {
	Guarantee Guarantee
	Stream    int // Index of the stream.
	Number    uint64
	Text      string
}

// String says all of it.
func (v Violation) String() string {
	return fmt.Sprintf("%s: stream %d, response %d: %s", v.Guarantee, v.Stream, v.Number, v.Text)
}

// Check judges the streams of one client against the events that concern it.
// The truth may be in any order and may contain more than was received at the
// end; use [CheckAll] when the client has been waited for. It stops after the
// response in which it has found enough.
func Check(truth []Event, streams []Stream) []Violation {
	c := &checker{seen: make(map[Event]bool)}
	common := sorted(truth)
	for i := range streams {
		if c.truth = common; streams[i].Truth != nil {
			c.truth = sorted(streams[i].Truth)
		}
		c.stream(i, &streams[i])
		if i+1 < len(streams) {
			c.lost(&streams[i], &streams[i+1])
		}
	}
	return c.violations
}

// enough is how many violations tell what there is to tell.
const enough = 100

func sorted(events []Event) []Event {
	events = slices.Clone(events)
	slices.SortFunc(events, compare)
	return events
}

// CheckAll is Check and demands besides that nothing is missing at the end: the
// last cursor has reached head.
func CheckAll(truth []Event, streams []Stream, head uint64) []Violation {
	violations := Check(truth, streams)
	last := uint64(0)
	for _, s := range streams {
		if !s.Finished() {
			continue
		}
		last = s.Resume
		for _, r := range s.Responses {
			last = r.Cursor
		}
	}
	if last < head {
		violations = append(violations, Violation{
			Guarantee: Reliable, Stream: len(streams) - 1,
			Text: fmt.Sprintf("the last cursor is %d, head %d", last, head),
		})
	}
	return violations
}

type checker struct {
	truth      []Event
	seen       map[Event]bool
	violations []Violation

	index   int    // Of the stream.
	cursor  uint64 // What the client may resume after.
	begun   bool
	opening bool    // Inside a snapshot.
	last    Event   // The last event of this stream.
	pending []Event // Events of a sequence that is not finished.
}

func (c *checker) report(g Guarantee, number uint64, format string, args ...any) {
	c.violations = append(c.violations, Violation{Guarantee: g, Stream: c.index, Number: number, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) stream(index int, s *Stream) {
	c.index = index
	if !s.Finished() {
		c.unfinished(s)
		return
	}
	if c.begun && !s.Fresh && s.Resume != c.cursor {
		c.report(Resumable, 0, "resumed after %d, the client had %d", s.Resume, c.cursor)
	}
	if s.Fresh && s.Resume < c.cursor {
		c.report(Resumable, 0, "a snapshot at %d is older than the client's cursor %d", s.Resume, c.cursor)
	}
	// What a cut-off stream delivered of an unfinished sequence is delivered again.
	for _, e := range c.pending {
		delete(c.seen, e)
	}
	c.pending = nil
	c.begun, c.cursor, c.opening = true, s.Resume, s.Snapshot
	c.last = Event{}
	number := uint64(0)
	for _, r := range s.Responses {
		if number++; r.Number != number {
			c.report(Chained, r.Number, "expected number %d", number)
			number = r.Number
		}
		if c.response(r); len(c.violations) >= enough {
			return
		}
	}
}

// unfinished checks what can be checked of half a snapshot.
func (c *checker) unfinished(s *Stream) {
	for i, r := range s.Responses {
		if r.Number != uint64(i+1) {
			c.report(Chained, r.Number, "expected number %d", i+1)
		}
		if r.Previous != 0 || len(r.Events) > 0 {
			c.report(Chained, r.Number, "previous cursor %d and %d events inside a snapshot", r.Previous, len(r.Events))
		}
	}
}

// lost checks what a stream carried after the next one of its connection was asked
// for: that may overlap with what the next one begins with, but not with what it
// goes on with.
func (c *checker) lost(s, next *Stream) {
	if next.Head == 0 {
		return
	}
	for _, r := range s.Lost {
		for _, e := range r.Events {
			if e.Sequence > next.Head {
				c.report(Unique, r.Number, "%v comes although another stream took over at %d", e, next.Head)
			}
		}
	}
}

func (c *checker) response(r Response) {
	if c.opening {
		if r.Previous != 0 {
			c.report(Chained, r.Number, "previous cursor %d inside a snapshot", r.Previous)
		}
		if r.Cursor == 0 {
			return
		}
		c.opening = false
		r.Previous = c.cursor
	}
	if r.Previous != c.cursor {
		c.report(Chained, r.Number, "previous cursor %d, the response before had %d", r.Previous, c.cursor)
	}
	if r.Cursor < c.cursor {
		c.report(Bookmarkable, r.Number, "the cursor falls from %d to %d", c.cursor, r.Cursor)
	}
	for _, e := range r.Events {
		if compare(e, c.last) <= 0 {
			c.report(Ordered, r.Number, "%v after %v", e, c.last)
		}
		c.last = e
		if c.seen[e] {
			c.report(Unique, r.Number, "%v was delivered before", e)
		}
		c.seen[e] = true
		if _, concerns := slices.BinarySearchFunc(c.truth, e, compare); !concerns {
			c.report(Reliable, r.Number, "%v does not concern the client", e)
		}
		if e.Sequence <= c.cursor {
			c.report(Resumable, r.Number, "%v is not after the cursor %d", e, c.cursor)
		}
		if e.Sequence > r.Cursor {
			c.pending = append(c.pending, e)
		}
	}
	c.pending = slices.DeleteFunc(c.pending, func(e Event) bool { return e.Sequence <= r.Cursor })
	if len(c.pending) > 0 && !r.Fragment {
		last := c.pending[len(c.pending)-1]
		c.report(Bookmarkable, r.Number, "the cursor %d lags behind %v", r.Cursor, last)
		c.pending = nil
	}
	// Everything between the two cursors must have arrived by now.
	from, _ := slices.BinarySearchFunc(c.truth, Event{Sequence: c.cursor + 1}, compare)
	for _, e := range c.truth[from:] {
		if e.Sequence > r.Cursor {
			break
		}
		if !c.seen[e] {
			c.report(c.blame(e, r), r.Number, "%v is missing although the cursor is %d", e, r.Cursor)
		}
	}
	c.cursor = max(c.cursor, r.Cursor)
}

// blame tells three ways in which an event can be missing apart: its sequence
// was torn, the cursor ran ahead at the end, or there is a gap.
func (c *checker) blame(missing Event, r Response) Guarantee {
	later := false
	for e := range c.seen {
		if e.Sequence == missing.Sequence {
			return Atomic
		}
		later = later || compare(e, missing) > 0 && e.Sequence <= r.Cursor
	}
	if later {
		return Reliable
	}
	return Bookmarkable
}
