package push

import (
	"sync/atomic"
	"time"
)

// Gathering: what comes soon after streams were woken waits, so that one send
// carries several publications. The line of turns gathers too, but only once it is
// full; on a machine with cores to spare a fast publisher would cost a write per
// event and stream. How long to wait follows from what the last round costs: a few
// microseconds for each stream that it woke, at most the setting. So a few streams
// are never held back noticeably, the first publication after a pause not at all,
// and none longer than the setting.

// gatherPerStream is about a third of what a response costs: its wake, its frame
// and its write. With one in three cores busy sending, there is reason to gather.
const gatherPerStream = 5 * time.Microsecond

// gatherer belongs to Hub.publishing.
type gatherer struct {
	pending []*Stream
	until   int64 // Streams are not woken before.
	armed   bool
	timer   timer
	span    atomic.Int64 // How long it gathers now, for statistics.
}

// wakeTouched wakes the streams of the round at hand, or has them woken.
// The caller holds h.publishing.
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

// gatherFor is how long to gather after so many streams were woken.
func (h *Hub) gatherFor(streams int) int64 {
	span := int64(min(h.config.Gather, time.Duration(streams)*gatherPerStream))
	h.gatherer.span.Store(span)
	return span
}

// flushGathered wakes the streams that were held back.
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
