package push

import "time"

// Totals are the numbers of a hub at one moment, for metrics.
type Totals struct {
	Streams int // Live ones.
	// Queued and QueuedBytes are the waiting events of all streams, QueuedMost is the
	// largest number of one stream.
	Queued      int
	QueuedBytes int
	QueuedMost  int
	// UnackedBytes were handed over and not acknowledged.
	UnackedBytes uint64
	// Blocked is how many streams have a send that has lasted for BlockedAfter.
	Blocked int
	// Gather is how long woken streams wait for more publications now.
	Gather time.Duration
	// Responses and Bytes were handed over, and Conflated updates skipped, since the
	// hub was made; ended streams are included.
	Responses uint64
	Bytes     uint64
	Conflated uint64
}

// BlockedAfter is how long a send must have lasted to count as blocked in Totals.
const BlockedAfter = time.Second

// Totals returns the numbers of this moment. It visits every stream.
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
		totals.add(&info)
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

// add adds the counters of a stream.
func (t *Totals) add(info *StreamInfo) {
	t.Responses += info.Responses
	t.Bytes += info.Bytes
	t.Conflated += info.Conflated
}
