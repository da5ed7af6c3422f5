package push

// Gathering: under load, streams are woken together every so often instead of
// for each publication, so that one send carries what came in between. The first
// publication after a pause is never held back, and none longer than the
// setting.

// gatherer belongs to Hub.publishing.
type gatherer struct {
	pending []*Stream
	last    int64 // When streams were last woken.
	armed   bool
	timer   timer
}

// wakeTouched wakes the streams of the round at hand, or has them woken.
// The caller holds h.publishing.
func (h *Hub) wakeTouched() {
	g, wait := &h.gatherer, int64(h.config.Gather)
	hold := false
	if wait > 0 {
		now := h.now()
		if hold = g.armed || (g.last > 0 && now-g.last < wait); !hold {
			g.last = max(now, 1)
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
	if hold && !g.armed && len(g.pending) > 0 {
		g.armed = true
		h.timers.set(&g.timer, g.last+wait)
	}
}

// flushGathered wakes the streams that were held back.
func (h *Hub) flushGathered() {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	g := &h.gatherer
	h.timers.set(&g.timer, never)
	g.armed = false
	g.last = max(h.now(), 1)
	for i, s := range g.pending {
		g.pending[i] = nil
		s.gathered = false
		s.wake()
	}
	g.pending = g.pending[:0]
}
