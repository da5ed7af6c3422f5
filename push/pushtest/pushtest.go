// Package pushtest checks recorded streams against what was published: the six
// guarantees that package push gives, judged from outside, in values that a test
// at any level can make, from a hub in memory to clients of real processes.
//
// A test records, per client, the streams that the client opened one after the
// other and each response as it arrived, and works out from its own knowledge
// which events concerned that client. [Check] returns the violations.
package pushtest

import (
	"cmp"
	"fmt"
	"slices"
)

// Guarantee is the name of a guarantee.
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

// Response is one response as it arrived. State and heartbeats are left out of Events; a
// response without events is recorded too.
type Response struct {
	Number   uint64
	Previous uint64
	Cursor   uint64
	Fragment bool
	Events   []Event
}

// Stream is one stream of a client, as far as it was received.
type Stream struct {
	// Resume is the cursor after which the stream begins: the one that the client gave,
	// or the snapshot's.
	Resume uint64
	// Fresh says that the stream began with a snapshot although the client had a
	// cursor (a reset): events between the two need not be delivered, and events
	// up to Resume are part of the snapshot.
	Fresh bool
	// Snapshot says that the stream began with one: until it is complete, at
	// Resume, cursors are 0.
	Snapshot  bool
	Responses []Response
	// Truth are the events that concerned the client on this stream, in any order, if
	// they differ from stream to stream, for instance because the subscription changed.
	// Nil means the truth that Check was given.
	Truth []Event
	// Head is the last event that was published when the stream began; 0 where the
	// client was not informed.
	Head uint64
	// Lost are the responses after the client had opened the next stream, which it
	// therefore ignored. The next stream repeats their events; no event after the next
	// stream's Head may be among them.
	Lost []Response
}

// Finished reports whether the client can resume after this stream. If the stream was cut
// off inside its snapshot, the client keeps its earlier cursor.
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

// String returns all fields as text.
func (v Violation) String() string {
	return fmt.Sprintf("%s: stream %d, response %d: %s", v.Guarantee, v.Stream, v.Number, v.Text)
}

// Check judges the streams of one client against the events that concern it.
// The truth may be in any order and may contain more than was received at the
// end; use [CheckAll] if the test has waited until the client received everything. It
// stops at the response where it has found a hundred violations.
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

// enough is the number of violations that ends a check.
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
	cursor  uint64 // The client may resume after it.
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
	// Events of a sequence that a cut-off stream left unfinished are delivered again.
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

// unfinished checks a stream that ended inside its snapshot.
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

// lost checks the responses that a stream carried after the client opened the next one:
// they may contain events up to the Head of the next stream, but none after it.
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

// blame distinguishes three causes of a missing event: its sequence was split, the cursor
// ran ahead at the end, or there is a gap.
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
