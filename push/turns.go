package push

import (
	"runtime"
	"sync"
)

// Turns. Streams that have something to send stand in one line, each at most once,
// and a few lanes give them their turns. A stream sends everything that is due when
// its turn comes, and goes to the line's end if more came while it sent. So it is
// the line that gathers: nothing waits while the line is empty, and under load a
// response carries what came in during one round.
//
// A lane is a chain of goroutines: each starts the next one and only then looks what
// its stream has, because that may read a journal, and sends, which may be stuck. So
// no stream waits for another's transport, and yet few are runnable at a time. Tried
// and rejected: waking all streams at once, whose goroutines and transports make
// everything else in the process (the next command, its sync, its answer) wait for a
// whole round at each step; and workers that send for several streams, of which one
// that is stuck holds up the rest.

// turnsAtOnce is after how many turns a lane lets the others of the process run:
// above all the transports, which then write while what they need is still in the
// processor's cache.
const turnsAtOnce = 8

type turns struct {
	limit int // Lanes.

	mu    sync.Mutex // Protects what follows.
	first *Stream    // The line, linked by Stream.behind.
	last  *Stream
	lanes int
}

// add puts a stream that is not in line at its end.
func (ts *turns) add(s *Stream) {
	ts.mu.Lock()
	if ts.last == nil {
		ts.first = s
	} else {
		ts.last.behind = s
	}
	ts.last = s
	var next *Stream
	if ts.lanes < ts.limit {
		ts.lanes++
		next = ts.take()
	}
	ts.mu.Unlock()
	if next != nil {
		go ts.turn(next, 1)
	}
}

// turn gives a stream its turn, the count-th of the lane.
func (ts *turns) turn(s *Stream, count int) {
	if count%turnsAtOnce == 0 {
		runtime.Gosched()
	}
	ts.mu.Lock()
	next := ts.take()
	if next == nil {
		ts.lanes--
	}
	ts.mu.Unlock()
	if next != nil {
		go ts.turn(next, count+1)
	}
	s.run()
}

// take returns the first of the line; nil when it is empty. The caller holds ts.mu.
func (ts *turns) take() *Stream {
	s := ts.first
	if s == nil {
		return nil
	}
	if ts.first = s.behind; ts.first == nil {
		ts.last = nil
	}
	s.behind = nil
	return s
}
