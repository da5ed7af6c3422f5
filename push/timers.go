package push

import (
	"math"
	"sync"
	"time"
)

// One heap and one goroutine keep the time of all streams. A runtime timer per
// deadline would cost each idle stream several hundred bytes, and most deadlines (a
// blocked send, a missing acknowledgement) are put off long before they are due. A
// stream has one entry, at its nearest deadline. Putting a deadline off does not touch
// the heap: tick finds the later time when the entry is due.

const never = int64(math.MaxInt64)

// timer is one entry. timers.mu protects its fields.
type timer struct {
	at       int64
	position int  // In the heap, counted from 1; 0: not in it.
	retired  bool // Never to be set again.
	stream   *Stream
	topic    *topic
}

type timers struct {
	mu   sync.Mutex
	heap []*timer
	kick chan struct{} // Receives a value when the earliest deadline became earlier.
}

// set moves t to at, or out of the heap if at is never. Like earlier it is called
// under the lock of t's owner, which orders the calls.
func (ts *timers) set(t *timer, at int64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	switch {
	case t.retired:
	case at == never:
		ts.take(t)
	case t.position == 0:
		t.at = at
		ts.heap = append(ts.heap, t)
		t.position = len(ts.heap)
		ts.up(t.position - 1)
	default:
		t.at = at
		ts.up(t.position - 1)
		ts.down(t.position - 1)
	}
	if t.position == 1 {
		ts.ring()
	}
}

// earlier moves t to at if that is before its time.
func (ts *timers) earlier(t *timer, at int64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.position == 0 || at >= t.at {
		return
	}
	t.at = at
	ts.up(t.position - 1)
	if t.position == 1 {
		ts.ring()
	}
}

func (ts *timers) ring() {
	select {
	case ts.kick <- struct{}{}:
	default:
	}
}

// retire takes t out; set and earlier have no effect on it then.
func (ts *timers) retire(t *timer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t.retired = true
	ts.take(t)
}

// due returns an entry that is due, or nil and how long to wait for one.
func (ts *timers) due(now int64) (*timer, time.Duration) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.heap) == 0 {
		return nil, time.Hour
	}
	first := ts.heap[0]
	if first.at > now {
		return nil, time.Duration(first.at - now)
	}
	// It stays in the heap, last, so that "earlier" finds it while it is handled. Its
	// handler sets its next time.
	first.at = never
	ts.down(0)
	return first, 0
}

func (ts *timers) take(t *timer) {
	if t.position == 0 {
		return
	}
	hole, last := t.position-1, len(ts.heap)-1
	ts.swap(hole, last)
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.position = 0
	if hole < last {
		ts.up(hole)
		ts.down(hole)
	}
}

func (ts *timers) swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].position, ts.heap[j].position = i+1, j+1
}

func (ts *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 4
		if ts.heap[parent].at <= ts.heap[i].at {
			return
		}
		ts.swap(parent, i)
		i = parent
	}
}

func (ts *timers) down(i int) {
	for {
		least := i
		for child := 4*i + 1; child <= 4*i+4 && child < len(ts.heap); child++ {
			if ts.heap[child].at < ts.heap[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		ts.swap(i, least)
		i = least
	}
}

// runDue handles everything that is due and returns how long to wait for more.
func (h *Hub) runDue() time.Duration {
	for {
		now := h.now()
		t, wait := h.timers.due(now)
		switch {
		case t == nil:
			return wait
		case t.stream != nil:
			h.tick(t.stream, now)
		case t.topic != nil:
			h.walk(t.topic, now)
		default:
			h.flushGathered()
		}
	}
}
