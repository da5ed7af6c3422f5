package push

import (
	"fmt"
	"time"
)

// What one stream's deliveries were like, for queries about a connection.

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
	// client never said.
	Painted uint64
}

// delivery is made with the first live message of a stream. It belongs to
// Stream.mu.
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

// Delivery tells what the deliveries of the connection's live stream were like.
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
	if s.receipts.painting != nil {
		d.Painted = s.receipts.painting.number
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
	open   []tally // Acknowledged with live messages, not painted yet.
	number uint64  // The highest number painted.
}

// keep remembers a response until it is painted; past receiptsKept every second
// one is forgotten.
func (p *painting) keep(t tally) {
	if t.kinds != 0 && t.number > p.number {
		p.open = thinned(p.open, t)
	}
}

// Painted takes the client's word that the response with this number, which it
// has acknowledged, and all before it were on the screen so long ago. The first
// such word of a stream makes the hub remember responses for the next ones.
// A repeated or older number changes nothing. How long ago is believed as far as
// it is possible: not before the response was sent.
//
// Errors: ErrNotAttached, ErrNotYours, ErrOtherAttach, ErrFuture for a number
// that was not acknowledged.
func (h *Hub) Painted(connection, user string, attach, number uint64, ago time.Duration) error {
	h.mu.RLock()
	s, err := h.lookup(connection, user)
	h.mu.RUnlock()
	if err != nil {
		return err
	}
	if attach != s.attach {
		return fmt.Errorf("%w: %d, live is %d", ErrOtherAttach, attach, s.attach)
	}
	at := h.now() - int64(max(0, ago))
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.receipts
	if number > r.number {
		return fmt.Errorf("%w: %d painted, %d acknowledged", ErrFuture, number, r.number)
	}
	if r.painting == nil {
		r.painting = &painting{number: number}
		return nil
	}
	p := r.painting
	if number <= p.number {
		return nil
	}
	p.number = number
	done := 0
	for ; done < len(p.open) && p.open[done].number <= number; done++ {
		t := &p.open[done]
		age := time.Duration(max(0, max(at, t.at)-t.committed))
		h.freshness.shards[0].addEach(StagePainted, t.kinds, age)
		s.deliveries().note(StagePainted, age)
	}
	p.open = append(p.open[:0], p.open[done:]...)
	return nil
}
