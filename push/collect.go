package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"
)

// Building responses. Replay and live messages leave a stream at this one place,
// which numbers the responses and chains their cursors. A second path could cause a
// gap or an overlap.

// sender is the part of a stream's state that its turn owns.
type sender struct {
	hello   func(HelloInfo) []byte
	opening Source
	after   uint64 // The opening's end.
	cursor  uint64 // Of the last response.
	number  uint64 // Of the last response.
	held    Group  // What did not fit into it; no messages: nothing.
	partial bool   // It ended within a step.
	more    bool   // Something that was due did not fit into it.
}

// collector is the memory in which one response is built. A stream has it during
// its turn only.
type collector struct {
	response  Response
	bytes     int
	changes   []change // Of the topic at hand.
	parts     []part   // What is live in the response.
	hasEvents bool     // It has events, of the opening or live.
	shard     *freshnessShard
}

func (h *Hub) borrowCollector() *collector {
	if c, ok := h.collectors.Get().(*collector); ok {
		return c
	}
	return &collector{shard: h.freshness.shard()}
}

// returnCollector keeps the memory of ordinary responses only.
func (h *Hub) returnCollector(c *collector) {
	clear(c.response.Messages)
	clear(c.changes[:cap(c.changes)])
	if cap(c.response.Messages) <= 1024 && cap(c.changes) <= 1024 && cap(c.parts) <= 1024 {
		h.collectors.Put(c)
	}
}

func (c *collector) add(m *Message) {
	c.response.Messages = append(c.response.Messages, m)
	c.bytes += len(m.Bytes())
}

// addPart notes live messages of a kind, to count their age.
func (c *collector) addPart(k kind, count uint32, at int64) {
	if at != never {
		c.parts = append(c.parts, part{k, count, at})
	}
}

// addOwn adds a message that the Encoder made; nil adds nothing.
func (c *collector) addOwn(kind string, data []byte) {
	if data != nil {
		c.add(&Message{Kind: kind, Data: data})
	}
}

// addGroup adds a group or its beginning and puts what does not fit into o.held. It
// returns false when the response is full.
func (c *collector) addGroup(g Group, o *sender) bool {
	r := &c.response
	size, cut := 0, len(g.Messages)
	for i, m := range g.Messages {
		if size += len(m.Data); size > FragmentBytes && i > 0 {
			cut = i
			break
		}
	}
	if len(r.Messages) > 0 && c.bytes+size > PackBytes {
		o.held = g
		return false
	}
	c.hasEvents = true
	for _, m := range g.Messages[:cut] {
		c.add(m)
	}
	o.held = Group{}
	if cut < len(g.Messages) {
		o.held = Group{Messages: g.Messages[cut:], Sequence: g.Sequence, Unfinished: g.Unfinished}
		r.Fragment = true
		return false
	}
	r.Fragment = g.Unfinished
	if !g.Unfinished {
		r.Cursor = g.Sequence
	}
	return c.bytes < PackBytes
}

// collect builds the next response; nil when there is nothing to send. It is called
// in the stream's turn, and calls the opening and the encoder without a lock.
func (s *Stream) collect(c *collector) (*Response, error) {
	o := &s.out
	clear(c.response.Messages)
	c.response = Response{
		Messages: c.response.Messages[:0],
		Cursor:   o.cursor,
		Previous: o.cursor,
		Number:   o.number + 1,
		Fragment: o.partial,
	}
	c.bytes, c.parts, c.hasEvents = 0, c.parts[:0], false

	if hello := o.hello; hello != nil {
		o.hello, o.more = nil, true
		c.addOwn("hello", hello(s.helloInfo()))
		return s.emit(c), nil
	}
	full := len(o.held.Messages) > 0 && !c.addGroup(o.held, o)
	if !full && o.opening != nil {
		var err error
		if full, err = s.collectOpening(c); err != nil {
			return nil, err
		}
	}
	if !s.collectLive(c, full || o.opening != nil) {
		return nil, nil //nolint:nilnil // Nothing to send is no error.
	}
	return s.emit(c), nil
}

func (s *Stream) emit(c *collector) *Response {
	r := &c.response
	s.out.cursor, s.out.number, s.out.partial = r.Cursor, r.Number, r.Fragment
	return r
}

// collectOpening packs groups of the opening. full means that the response takes
// nothing of what follows the opening.
func (s *Stream) collectOpening(c *collector) (full bool, err error) {
	o := &s.out
	floor := c.response.Cursor
	for {
		if s.hasEnded() {
			return true, nil
		}
		g, err := o.opening()
		if errors.Is(err, io.EOF) {
			o.opening = nil
			if c.response.Fragment {
				return true, fmt.Errorf("%w: it ended within a step", errOpening)
			}
			return false, nil
		}
		if err != nil {
			return true, err
		}
		if g.Sequence < floor || g.Sequence > o.after {
			return true, fmt.Errorf("%w: sequence %d is not within %d and %d", errOpening, g.Sequence, floor, o.after)
		}
		floor = g.Sequence
		if !c.addGroup(g, o) {
			return true, nil
		}
	}
}

// errOpening means that a Source broke its contract.
var errOpening = errors.New("push: bad opening")

// collectLive adds queued events, changed state and the hub's own messages that are
// due and fit, and returns whether there is anything to send. Before the end of the
// opening it adds only the hub's own messages.
func (s *Stream) collectLive(c *collector, opening bool) bool {
	h, o, r := s.hub, &s.out, &c.response
	now := h.now()
	// Read before the queue is: everything up to published that concerns this stream
	// has then been queued.
	published := h.published.Load()

	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return false
	}
	drained := false
	for !opening {
		room := math.MaxInt
		if len(r.Messages) > 0 {
			room = PackBytes - c.bytes
		}
		g, committed, ok := s.popGroup(published, room, c)
		if !ok {
			drained = len(s.queue) == 0 || s.queue[0].sequence > published
			break
		}
		r.Committed = committed
		if !c.addGroup(g, o) {
			break
		}
	}
	flush := s.stateDue && drained && c.bytes < PackBytes
	if flush {
		s.stateDue = false
		s.lastState = now
	}
	o.more = !drained || s.stateDue
	heartbeat, reconnect, expires := s.heartbeatDue, s.reconnectDue, s.expiryDue
	s.heartbeatDue, s.reconnectDue, s.expiryDue = false, false, false
	subscriptions, subscribedAt := s.subscriptions, s.subscribedAt
	conflated := s.conflated
	ending := ReconnectInfo{Connection: s.connection, Reason: s.endReason, Within: time.Duration(max(0, s.endAt-now))}
	expiry := s.expiry
	s.mu.Unlock()

	if drained {
		r.Cursor = published
	}
	if flush && s.collectState(c, subscriptions) {
		s.mu.Lock()
		s.stateDue = true
		s.mu.Unlock()
		o.more = true
	}
	if reconnect {
		c.addOwn("reconnect", h.config.Encoder.Reconnect(ending))
	}
	if expires {
		c.addOwn("expiry", h.config.Encoder.Expiry(expiry))
	}
	if heartbeat {
		c.addOwn("heartbeat", h.config.Encoder.Heartbeat(HeartbeatInfo{
			Connection: s.connection, User: s.user, Session: s.session, Attach: s.attach,
			Number: r.Number, Cursor: Cursor{Epoch: h.config.Epoch, Sequence: r.Cursor},
			Time: time.Now(), Expiry: expiry, Conflated: conflated + r.Conflated,
			Topics: completeTopics(subscriptions, drained && !r.Fragment && subscribedAt <= r.Cursor),
		}))
	}
	return heartbeat || reconnect || len(r.Messages) > 0
}

// completeTopics yields the topics of subscriptions, or is nil unless they are
// complete at the response's cursor.
func completeTopics(subscriptions []*subscription, complete bool) iter.Seq[Topic] {
	if !complete {
		return nil
	}
	return func(yield func(Topic) bool) {
		for _, sub := range subscriptions {
			if !yield(sub.topic.name) {
				return
			}
		}
	}
}

func (s *Stream) helloInfo() HelloInfo {
	s.mu.Lock()
	expiry := s.expiry
	s.mu.Unlock()
	config := &s.hub.config
	return HelloInfo{
		Connection: s.connection, Attach: s.attach, TookOver: s.tookOver,
		Head:              Cursor{Epoch: config.Epoch, Sequence: s.hub.published.Load()},
		Resume:            Cursor{Epoch: config.Epoch, Sequence: s.out.cursor},
		HeartbeatInterval: config.HeartbeatInterval, AckTimeout: max(0, config.AckTimeout),
		StateInterval: s.interval, Expiry: expiry, Time: time.Now(),
	}
}

// openingEnd returns the end for an error of collect: the error's own *End,
// DISCONNECTED where the handler's context ended while the opening was read, or
// INTERNAL.
func openingEnd(err error) *End {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return asEnd(err, ReasonDisconnected, "the client went away during the opening")
	}
	return asEnd(err, ReasonInternal, "the opening failed")
}

// asEnd returns the *End in err's chain, or else one with this reason.
func asEnd(err error, reason Reason, message string) *End {
	var end *End
	if errors.As(err, &end) {
		return end
	}
	return &End{Reason: reason, Message: message, Err: err}
}
