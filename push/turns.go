package push

import (
	"runtime"
	"sync"
)

// Turns. Streams that have something to send wait in one line, each at most once, and
// a few lanes give them turns. In its turn a stream sends everything that is due; it
// goes to the end of the line if more came meanwhile. So the line gathers messages
// under load, and nothing waits while the line is empty.
//
// A lane is a chain of goroutines. Each starts the next one before it collects and
// sends for its stream, because collecting may read a journal and a send may block.
// So no stream waits for another's transport, and still few goroutines are runnable
// at a time. Tried and rejected: waking all streams at once (everything else in the
// process, such as the next command, its sync and its answer, waited for a whole round
// at each step); and workers that send for several streams (a blocked one delayed the
// others).

// turnsAtOnce is the number of turns after which a lane yields the processor: above
// all to the transports, which then write while their data is still in the cache.
const turnsAtOnce = 8

type turns struct {
	limit int // Lanes.

	mu    sync.Mutex // Protects what follows.
	first *Stream    // The line, linked by Stream.behind.
	last  *Stream
	lanes int
}

// add puts a stream that is not in line at the end of the line.
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

// take removes the first of the line; nil when it is empty. The caller holds ts.mu.
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
