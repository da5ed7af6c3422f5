package push

import (
	"fmt"
	"time"
)

// Acknowledgements are the only proof of life of a client behind a proxy, because
// the proxy itself answers everything below the messages. They are also the proof of
// delivery.

// unackedKept bounds the responses that a stream remembers until they are
// acknowledged. An idle stream has three or four. Past the bound every second one is
// forgotten; an acknowledgement then proves a little less than the client said.
const unackedKept = 64

// acks is what a stream knows of its acknowledgements.
type acks struct {
	open   []tally // Not acknowledged yet, in order.
	last   tally   // The newest response known to have arrived.
	number uint64  // The highest number acknowledged.
	at     int64   // When number last rose; at first, when the stream began.
	events uint64  // Cursor of the newest response with events that was acknowledged.

	painting *painting // Nil unless the client says what it painted.
}

// appendThinned appends t. From a full list it first removes every second one.
func appendThinned(list []tally, t tally) []tally {
	if len(list) == unackedKept {
		kept := list[:0]
		for i := 1; i < len(list); i += 2 {
			list[i].hasEvents = list[i].hasEvents || list[i-1].hasEvents
			kept = append(kept, list[i])
		}
		list = kept
	}
	return append(list, t)
}

// popUpTo removes the responses up to a number from the front, after calling done
// with each.
func popUpTo(list []tally, number uint64, done func(*tally)) []tally {
	count := 0
	for ; count < len(list) && list[count].number <= number; count++ {
		done(&list[count])
	}
	if count == 0 {
		return list
	}
	return append(list[:0], list[count:]...)
}

// checkUnacked ends a stream that was sent more than it may without acknowledging.
// The caller holds s.mu.
func (s *Stream) checkUnacked() {
	limit := s.hub.config.UnackedBytes
	if s.ended == nil && limit > 0 && s.sent.bytes-s.acks.last.bytes > uint64(limit) {
		s.endLocked(&End{
			Reason: ReasonNotAcknowledging, Message: fmt.Sprintf("more than %d bytes were sent and not acknowledged", limit),
		})
	}
}

// Acknowledge notes that the client has received the response with this number, and
// all before it, on the stream with this attach number. Only a higher number than
// before counts as life. A repeated or lower number is allowed and changes nothing;
// advanced is false then.
//
// Errors: ErrNotAttached, ErrNotYours, ErrOtherAttach, ErrFuture.
func (h *Hub) Acknowledge(connection, user string, attach, number uint64) (advanced bool, err error) {
	s, err := h.lookupAttach(connection, user, attach)
	if err != nil {
		return false, err
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
	a := &s.acks
	if number > s.sent.number {
		return nil, fmt.Errorf("%w: %d, sent %d", ErrFuture, number, s.sent.number)
	}
	if number <= a.number {
		return nil, nil //nolint:nilnil // No advance is no error.
	}
	a.number, a.at = number, now
	a.open = popUpTo(a.open, number, func(t *tally) {
		a.last = *t
		if t.hasEvents {
			a.events = t.cursor
		}
		if t.kinds == 0 {
			return
		}
		age := time.Duration(max(0, now-t.committed))
		s.hub.freshness.shards[0].addEach(StageAcknowledged, t.kinds, age)
		s.deliveries().note(StageAcknowledged, age)
		if p := a.painting; p != nil && t.number > p.number {
			p.open = appendThinned(p.open, *t)
		}
	})
	return &AckEvent{Number: number, Cursor: a.last.cursor, Since: time.Duration(now - a.last.at)}, nil
}

// lookupAttach returns the connection's live stream if it has the attach number.
func (h *Hub) lookupAttach(connection, user string, attach uint64) (*Stream, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s, err := h.lookup(connection, user)
	if err != nil {
		return nil, err
	}
	if attach != s.attach {
		return nil, fmt.Errorf("%w: %d, live is %d", ErrOtherAttach, attach, s.attach)
	}
	return s, nil
}
