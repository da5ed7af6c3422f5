package push

import (
	"sync/atomic"
	"time"
)

// Gathering: publications that follow soon after streams were woken wait, so that
// one send carries several of them. The line of turns gathers too, but only once it is
// full; with idle cores, a fast publisher would cost one write per event and stream.
// The wait depends on the cost of the last round: a few microseconds for each stream
// that it woke, at most Config.Gather. The first publication after a pause never waits.

// gatherPerStream is about a third of the cost of a response: its wake, its frame
// and its write. So gathering begins when sending would keep a third of a core busy.
const gatherPerStream = 5 * time.Microsecond

// gatherer is protected by Hub.publishing.
type gatherer struct {
	pending []*Stream
	until   int64 // Streams are not woken before this time.
	armed   bool
	timer   timer
	span    atomic.Int64 // How long it gathers now, for statistics.
}

// wakeTouched wakes the streams of this round, now or after gathering. The caller
// holds h.publishing.
func (h *Hub) wakeTouched() {
	g, hold := &h.gatherer, false
	if h.config.Gather > 0 && len(h.touched) > 0 {
		now := h.now()
		if hold = g.armed || now < g.until; !hold {
			g.until = now + h.gatherFor(len(h.touched))
		}
	}
	for i, s := range h.touched {
		h.touched[i] = nil
		switch {
		case !hold:
			s.wake()
		case !s.gathered:
			s.gathered = true
			g.pending = append(g.pending, s)
		}
	}
	h.touched = h.touched[:0]
	if hold && !g.armed {
		g.armed = true
		h.timers.set(&g.timer, g.until)
	}
}

// gatherFor returns how long to gather after this many streams were woken.
func (h *Hub) gatherFor(streams int) int64 {
	span := int64(min(h.config.Gather, time.Duration(streams)*gatherPerStream))
	h.gatherer.span.Store(span)
	return span
}

// flushGathered wakes the waiting streams.
func (h *Hub) flushGathered() {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	g := &h.gatherer
	h.timers.set(&g.timer, never)
	g.armed = false
	g.until = h.now() + h.gatherFor(len(g.pending))
	for i, s := range g.pending {
		g.pending[i] = nil
		s.gathered = false
		s.wake()
	}
	g.pending = g.pending[:0]
}
