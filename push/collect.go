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

// Building responses. Replay and live leave a stream at this one place, which
// numbers them and chains their cursors: there is no second path on which a gap
// or an overlap could arise.

// sender is the state of a stream that its consumer owns.
type sender struct {
	hello   func(HelloInfo) []byte
	opening Source
	after   uint64 // The opening's end.
	cursor  uint64 // Of the last response.
	number  uint64 // Of the last response.
	held    Group  // What did not fit into it; no messages: nothing.
	partial bool   // It ended within a step.
	more    bool   // Something was due that is not in it.

	ready     chan struct{} // Next's.
	collector *collector    // Next's.
}

// collector is the memory in which one response is built. It lives as long as
// there is something to send.
type collector struct {
	response Response
	bytes    int
	changes  []change // Of the topic at hand.
	parts    []part   // What is live in the response.
	tells    bool     // It has events, of the opening or live.
	shard    *freshnessShard
}

func (h *Hub) borrowCollector() *collector {
	if c, ok := h.collectors.Get().(*collector); ok {
		return c
	}
	return h.newCollector()
}

func (h *Hub) newCollector() *collector { return &collector{shard: h.freshness.shard()} }

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

// addPart notes live messages of a kind, for receipts.
func (c *collector) addPart(k kind, count uint32, at int64) {
	if at != never {
		c.parts = append(c.parts, part{k, count, at})
	}
}

// addOwn adds a message made by the hub's user for the hub; nil is none.
func (c *collector) addOwn(kind string, data []byte) {
	if data != nil {
		c.add(&Message{Kind: kind, Data: data})
	}
}

// addGroup adds a group or its beginning. It returns false when the response
// should go now; what was left is in held.
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
	c.tells = true
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

// collect builds the next response; nil when there is nothing to send. It is
// the consumer's, and calls the opening and the encoder without a lock.
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
	c.bytes, c.parts, c.tells = 0, c.parts[:0], false

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
	send := s.collectLive(c, full || o.opening != nil)
	if !send {
		return nil, nil //nolint:nilnil // Nothing to send is no error.
	}
	return s.emit(c), nil
}

func (s *Stream) emit(c *collector) *Response {
	r := &c.response
	s.out.cursor, s.out.number, s.out.partial = r.Cursor, r.Number, r.Fragment
	return r
}

// collectOpening packs groups of the opening; full says that the response
// should go without what comes after the opening.
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

// collectLive adds queued events, changed state and the hub's own messages, as
// far as they are due and fit, and says whether there is anything to send. While
// the opening lasts only the hub's own messages are added.
func (s *Stream) collectLive(c *collector, opening bool) bool {
	h, o, r := s.hub, &s.out, &c.response
	now := h.now()
	// Read before the queue: all that was published up to here and concerns this
	// stream is in the queue then, or was.
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
			Topics: settled(subscriptions, drained && !r.Fragment && subscribedAt <= r.Cursor),
		}))
	}
	return heartbeat || reconnect || len(r.Messages) > 0
}

// settled yields the topics of subscriptions that are whole at a response's cursor,
// or is nil.
func settled(subscriptions []*subscription, whole bool) iter.Seq[Topic] {
	if !whole {
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

// openingEnd names the end that an error of collect means: its own, the client's
// going away where the opening was read under the handler's context, or a failure.
func openingEnd(err error) *End {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return asEnd(err, ReasonDisconnected, "the client went away during the opening")
	}
	return asEnd(err, ReasonInternal, "the opening failed")
}

// asEnd names the end that an error means: its own, or else this reason.
func asEnd(err error, reason Reason, message string) *End {
	var end *End
	if errors.As(err, &end) {
		return end
	}
	return &End{Reason: reason, Message: message, Err: err}
}
