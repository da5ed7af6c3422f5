package push

import (
	"fmt"
	"time"
)

// Acknowledgements are the only proof of life of a client behind a proxy, which
// answers everything below the messages itself, and the delivery receipt.

// receiptsKept bounds the responses a stream remembers for acknowledgements. An
// idle stream has three or four; past the bound every second one is forgotten,
// and an acknowledgement then proves a little less than the client said.
const receiptsKept = 64

// receipts remembers responses that were not acknowledged, in order.
type receipts struct {
	open    []tally
	acked   tally  // The newest response known to have arrived.
	number  uint64 // The highest number acknowledged.
	ackedAt int64  // When number last rose; at first, when the stream began.
	events  uint64 // Cursor of the newest response with events that was acknowledged.

	painting *painting // Nil unless the client says what it painted.
}

func (r *receipts) add(t tally) { r.open = thinned(r.open, t) }

// thinned appends t, after forgetting every second one of a list that is full.
func thinned(list []tally, t tally) []tally {
	if len(list) == receiptsKept {
		kept := list[:0]
		for i := 1; i < len(list); i += 2 {
			list[i].tells = list[i].tells || list[i-1].tells
			kept = append(kept, list[i])
		}
		list = kept
	}
	return append(list, t)
}

// advance takes an acknowledgement of everything up to number and shows each
// response that it is for.
func (r *receipts) advance(number uint64, now int64, show func(*tally)) {
	r.number, r.ackedAt = number, now
	arrived := 0
	for ; arrived < len(r.open) && r.open[arrived].number <= number; arrived++ {
		if r.open[arrived].tells {
			r.events = r.open[arrived].cursor
		}
		show(&r.open[arrived])
		if r.painting != nil {
			r.painting.keep(r.open[arrived])
		}
	}
	if arrived == 0 {
		return
	}
	r.acked = r.open[arrived-1]
	r.open = append(r.open[:0], r.open[arrived:]...)
}

// checkUnacked ends a stream that was sent more than it may without acknowledging.
// The caller holds s.mu.
func (s *Stream) checkUnacked() {
	limit := s.hub.config.UnackedBytes
	if s.ended == nil && limit > 0 && s.sent.bytes-s.receipts.acked.bytes > uint64(limit) {
		s.endLocked(&End{
			Reason: ReasonNotAcknowledging, Message: fmt.Sprintf("more than %d bytes were sent and not acknowledged", limit),
		})
	}
}

// Acknowledge takes the client's word that the response with this number, and
// all before it, have arrived on the stream with this attach number. Only an
// advance counts as life; repeating an old number is allowed and changes
// nothing, which advanced tells.
//
// Errors: ErrNotAttached, ErrNotYours, ErrOtherAttach, ErrFuture.
func (h *Hub) Acknowledge(connection, user string, attach, number uint64) (advanced bool, err error) {
	h.mu.RLock()
	s, err := h.lookup(connection, user)
	h.mu.RUnlock()
	if err != nil {
		return false, err
	}
	if attach != s.attach {
		return false, fmt.Errorf("%w: %d, live is %d", ErrOtherAttach, attach, s.attach)
	}
	event, err := s.acknowledge(number)
	if err != nil || event == nil {
		return false, err
	}
	event.Stream = s.Info()
	h.listener.Acknowledged(*event)
	return true, nil
}

func (s *Stream) acknowledge(number uint64) (*AckEvent, error) {
	now := s.hub.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if number > s.sent.number {
		return nil, fmt.Errorf("%w: %d, sent %d", ErrFuture, number, s.sent.number)
	}
	if number <= s.receipts.number {
		return nil, nil //nolint:nilnil // No advance is no error.
	}
	s.receipts.advance(number, now, func(t *tally) {
		if t.kinds == 0 {
			return
		}
		age := time.Duration(max(0, now-t.committed))
		s.hub.freshness.shards[0].addEach(StageAcknowledged, t.kinds, age)
		s.deliveries().note(StageAcknowledged, age)
	})
	acked := s.receipts.acked
	return &AckEvent{Number: number, Cursor: acked.cursor, Since: time.Duration(now - acked.at)}, nil
}
