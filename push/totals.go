package push

import "time"

// Totals are a hub's numbers of a moment, for metrics.
type Totals struct {
	Streams int // Live ones.
	// Queued and QueuedBytes are events that wait, of all streams, and QueuedMost is
	// of the stream with most.
	Queued      int
	QueuedBytes int
	QueuedMost  int
	// UnackedBytes were handed over and not acknowledged.
	UnackedBytes uint64
	// Blocked is how many streams have a send that has lasted for BlockedAfter.
	Blocked int
	// Gather is how long streams that are called wait for more at present.
	Gather time.Duration
	// Responses, Bytes and Conflated were handed over, and skipped, since the hub was
	// made, by streams that have ended too.
	Responses uint64
	Bytes     uint64
	Conflated uint64
}

// BlockedAfter is how long a send takes that Totals counts as blocked.
const BlockedAfter = time.Second

// Totals returns the numbers of this moment. It looks at every stream.
func (h *Hub) Totals() Totals {
	now := h.now()
	h.mu.RLock()
	defer h.mu.RUnlock()
	totals := h.past
	totals.Gather = time.Duration(h.gatherer.span.Load())
	for _, s := range h.streams {
		s.mu.Lock()
		info := s.infoLocked(now)
		ended := s.ended != nil
		s.mu.Unlock()
		totals.rise(&info)
		if ended {
			continue
		}
		totals.Streams++
		totals.Queued += info.Queued
		totals.QueuedBytes += info.QueuedBytes
		totals.QueuedMost = max(totals.QueuedMost, info.Queued)
		totals.UnackedBytes += info.UnackedBytes
		if info.SendBlocked >= BlockedAfter {
			totals.Blocked++
		}
	}
	return totals
}

// rise adds what only rises.
func (t *Totals) rise(info *StreamInfo) {
	t.Responses += info.Responses
	t.Bytes += info.Bytes
	t.Conflated += info.Conflated
}
