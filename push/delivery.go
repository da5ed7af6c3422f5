package push

import (
	"fmt"
	"time"
)

// The latest deliveries of one stream, for queries about a connection.

// recentKept is how many of the latest deliveries are remembered one by one.
const recentKept = 16

// Delivery is what the live deliveries of one stream were like since it was
// attached. Ages are counted per response from the commit: at StageSent of the
// oldest message in it, at the later stages of the newest.
type Delivery struct {
	// Stages are the ages at each [Stage].
	Stages [stages]Histogram
	// Recent are the ages of the latest responses when they were sent, newest
	// first, at most 16.
	Recent []time.Duration
	// Painted is the number of the last response that was painted; 0 when the
	// client never reported one.
	Painted uint64
}

// delivery is made with the first live message of a stream. Stream.mu protects it.
type delivery struct {
	stages [stages]Histogram
	recent [recentKept]time.Duration
	count  int
}

func (s *Stream) deliveries() *delivery {
	if s.delivery == nil {
		s.delivery = &delivery{}
	}
	return s.delivery
}

func (d *delivery) note(stage Stage, age time.Duration) {
	d.stages[stage].add(age)
	if stage == StageSent {
		d.recent[d.count%recentKept] = age
		d.count++
	}
}

// Delivery returns what the deliveries of the connection's live stream were like.
// False: it has none.
func (h *Hub) Delivery(connection string) (Delivery, bool) {
	h.mu.RLock()
	s := h.streams[connection]
	h.mu.RUnlock()
	if s == nil || s.hasEnded() {
		return Delivery{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var d Delivery
	if s.acks.painting != nil {
		d.Painted = s.acks.painting.number
	}
	if s.delivery == nil {
		return d, true
	}
	d.Stages = s.delivery.stages
	for i := 1; i <= min(recentKept, s.delivery.count); i++ {
		d.Recent = append(d.Recent, s.delivery.recent[(s.delivery.count-i)%recentKept])
	}
	return d, true
}

// painting is what a stream remembers for a client that says what it painted.
type painting struct {
	open   []tally // Acknowledged with live messages, not painted yet; at most unackedKept.
	number uint64  // The highest number painted.
}

// Painted notes that the response with this number, which the client has
// acknowledged, and all before it were on the screen as long ago as ago. The first
// call for a stream only makes the hub remember responses for the next ones. A
// repeated or lower number changes nothing. An ago that lies before the response was
// sent counts as the time of sending.
//
// Errors: ErrNotAttached, ErrNotYours, ErrOtherAttach, ErrFuture for a number
// that was not acknowledged.
func (h *Hub) Painted(connection, user string, attach, number uint64, ago time.Duration) error {
	s, err := h.lookupAttach(connection, user, attach)
	if err != nil {
		return err
	}
	at := h.now() - int64(max(0, ago))
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.acks.painting
	switch {
	case number > s.acks.number:
		return fmt.Errorf("%w: %d painted, %d acknowledged", ErrFuture, number, s.acks.number)
	case p == nil:
		s.acks.painting = &painting{number: number}
	case number > p.number:
		p.number = number
		p.open = popUpTo(p.open, number, func(t *tally) {
			age := time.Duration(max(0, max(at, t.at)-t.committed))
			h.freshness.shards[0].addEach(StagePainted, t.kinds, age)
			s.deliveries().note(StagePainted, age)
		})
	}
	return nil
}
