package chaos

import (
	"fmt"
	"maps"
	"slices"

	"todoku/push/pushtest"
)

// verdict lists broken guarantees.
type verdict struct {
	guarantees map[pushtest.Guarantee]int
	text       []string
	// How many of each were judged.
	streams, events, snapshots, levels, counts, lost int
}

// The guarantees in addition to those of pushtest.
const (
	// snapshotTrue: a snapshot is the state at its cursor.
	snapshotTrue pushtest.Guarantee = "snapshot"
	// bookTrue: a price level has the journal's value at its sequence, and at the end the
	// final value.
	bookTrue pushtest.Guarantee = "book"
	// countTrue: conflated updates are counted.
	countTrue pushtest.Guarantee = "conflated"
	// protocolKept: all other rules of the protocol.
	protocolKept pushtest.Guarantee = "protocol"
)

func (v *verdict) add(g pushtest.Guarantee, format string, args ...any) {
	if v.guarantees == nil {
		v.guarantees = map[pushtest.Guarantee]int{}
	}
	v.guarantees[g]++
	if v.guarantees[g] <= 20 {
		v.text = append(v.text, string(g)+": "+fmt.Sprintf(format, args...))
	}
}

// judge compares what all clients received with the journal. Each must have received
// everything up to head, and nothing more must happen.
func judge(o *oracle, shared *claims, recorders []*recorder, head uint64) *verdict {
	v := &verdict{}
	var questions []question
	for _, r := range recorders {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, fault := range r.faults {
			v.add(protocolKept, "%s", fault)
		}
		for i, run := range r.runs {
			questions = append(questions, v.run(o, r, run, i == len(r.runs)-1, head)...)
		}
	}
	o.ask(questions)
	for _, r := range recorders {
		if r.final == nil {
			continue // It did not receive everything, which is reported elsewhere.
		}
		v.books(o, r, head)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for c := range shared.levels {
		v.levels++
		if want := o.at(c.symbol, c.key, c.sequence); want != c.value {
			v.add(bookTrue, "%s %s is told as %q at %d, it was %q", c.symbol, c.key, c.value, c.sequence, want)
		}
	}
	return v
}

// run judges the streams between two starts without a cursor, and returns the questions
// about their snapshots.
func (v *verdict) run(o *oracle, r *recorder, run *run, last bool, head uint64) (questions []question) {
	streams := make([]pushtest.Stream, len(run.streams))
	for i, s := range run.streams {
		s.settle(o, r.user)
		streams[i] = s.Stream
		v.streams++
		v.lost += len(s.Lost)
		for _, response := range s.Responses {
			v.events += len(response.Events)
		}
		if s.whole {
			v.snapshots++
			questions = append(questions, question{
				at: s.Resume, observer: o.observer(r.user, s.segments[0].of),
				answer: func(want map[string]string) { v.snapshot(r, s, want) },
			})
		}
	}
	violations := pushtest.Check(nil, streams)
	if last {
		violations = pushtest.CheckAll(nil, streams, head)
	}
	for _, violation := range violations {
		v.add(violation.Guarantee, "%s: %s", r.name, violation)
	}
	return questions
}

// settle computes the events that concerned the client on this stream, and removes the
// messages that were sent only because the subscription grew.
func (s *stream) settle(o *oracle, user string) {
	s.Truth = []pushtest.Event{}
	for i, g := range s.segments {
		through := ^uint64(0)
		if i+1 < len(s.segments) {
			through = s.segments[i+1].after
		}
		s.Truth = append(s.Truth, between(o.events(user, g.of), max(g.after, s.Resume), through)...)
	}
	if len(s.initial) == 0 {
		return
	}
	// A message that matches an event and comes for the first time is that event.
	came := make(map[pushtest.Event]bool)
	for at := range s.Responses {
		events := s.Responses[at].Events
		kept := make([]pushtest.Event, 0, len(events))
		for i, e := range events {
			if slices.Contains(s.initial[at], i) && (came[e] || !slices.Contains(between(s.Truth, e.Sequence-1, e.Sequence), e)) {
				continue
			}
			came[e] = true
			kept = append(kept, e)
		}
		s.Responses[at].Events = kept
	}
}

func (v *verdict) snapshot(r *recorder, s *stream, want map[string]string) {
	for key, text := range want {
		if got, told := s.snapshot[key]; got != text {
			v.add(snapshotTrue, "%s, snapshot at %d: %s is %q (%t), it was %q", r.name, s.Resume, key, got, told, text)
		}
	}
	for key, text := range s.snapshot {
		if _, known := want[key]; !known {
			v.add(snapshotTrue, "%s, snapshot at %d: %s is %q, there was none", r.name, s.Resume, key, text)
		}
	}
}

// books judges the books that a client holds at the end, and the number of conflated
// updates that it received.
func (v *verdict) books(o *oracle, r *recorder, head uint64) {
	s := r.final
	subscription := s.segments[len(s.segments)-1].of
	known := len(s.segments) == 1
	delivered, least, most := uint64(0), 0, 0
	for _, symbol := range o.observer(r.user, subscription).Symbols {
		held := s.books[string(symbol)]
		if held == nil {
			v.add(bookTrue, "%s has no book of %s", r.name, symbol)
			continue
		}
		want := map[string]string{}
		for key := range o.levels[string(symbol)] {
			if text := o.at(string(symbol), key, head); text != "" {
				want[key] = text
			}
		}
		if !maps.Equal(held.values, want) {
			v.add(bookTrue, "%s holds %v of %s, want %v", r.name, held.values, symbol, want)
		}
		known = known && held.begins == 1
		delivered += held.updates
		most += o.updated(string(symbol), held.begun, head)
		least += o.updated(string(symbol), held.since+1, head)
	}
	if !known {
		return // A book that began twice counts from its second beginning.
	}
	v.counts++
	if told := int(delivered + s.conflated); told < least || told > most {
		v.add(countTrue, "%s got %d updates of its books and was told of %d more; there were %d to %d", r.name, delivered, s.conflated, least, most)
	}
}
