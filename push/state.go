package push

import (
	"sync"
	"sync/atomic"
)

// The state lane. A topic keeps its latest value per key in the order of last
// change, each with the version at which it changed. A subscription remembers the
// version up to which its stream has seen the topic. So publishing state costs the
// same for one subscriber and for ten thousand, and a slow stream costs one integer.
// Tried and rejected: a map of changed keys per stream, which made the publisher pay
// for every subscriber.

// stateBytes and stateChanges are the size and the number past which the changes
// of one topic are split over responses. Up to them, a client sees a topic's state
// change in one step.
const (
	stateBytes   = 256 << 10
	stateChanges = 8192
)

// tombstonesKept is how many keys that are gone a topic remembers at least.
const tombstonesKept = 64

type topic struct {
	name        Topic
	subscribers []*subscription // Protected by Hub.mu.
	batch       *batch          // Events of the publication at hand; used by Publish.
	timer       timer           // When walk is due.
	version     atomic.Uint64   // Rises by one with every update; written under mu.

	mu       sync.Mutex // Protects what follows.
	entries  map[string]*entry
	first    *entry // Changed longest ago.
	last     *entry // Changed last.
	gone     int    // Tombstones among the entries.
	pruned   uint64 // The highest version of a tombstone that was forgotten.
	armed    bool   // Timer is set.
	lastWalk int64
	spacing  int64 // The least state interval of the subscribers.
}

type entry struct {
	message  *Message
	version  uint64
	at       int64 // When it was committed, by the hub's clock.
	kind     kind
	previous *entry
	next     *entry
}

// subscription joins a stream and a topic.
type subscription struct {
	topic    *topic
	stream   *Stream
	position int // In topic.subscribers; protected by Hub.mu.

	// What follows belongs to the stream's turn.
	begun bool   // StateBegin was sent.
	seen  uint64 // Version of the last change delivered.
	base  uint64 // The topic's version at StateBegin.
}

func newTopic(name Topic) *topic {
	t := &topic{name: name, spacing: int64(MaxStateInterval)}
	t.timer.topic = t
	return t
}

// empty returns whether the topic has no state.
func (t *topic) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries) == t.gone
}

// set stores a value as the latest of its key. The caller holds t.mu.
func (t *topic) set(m *Message, k kind, at int64) {
	if t.entries == nil {
		t.entries = make(map[string]*entry)
	}
	e := t.entries[m.Key]
	if e == nil {
		e = &entry{}
		t.entries[m.Key] = e
	} else {
		if e.message.Gone {
			t.gone--
		}
		t.unlink(e)
	}
	e.message, e.kind, e.at = m, k, at
	e.version = t.version.Add(1)
	e.previous = t.last
	if t.last == nil {
		t.first = e
	} else {
		t.last.next = e
	}
	t.last = e
	if m.Gone {
		t.gone++
		t.prune()
	}
}

func (t *topic) unlink(e *entry) {
	if e.previous == nil {
		t.first = e.next
	} else {
		e.previous.next = e.next
	}
	if e.next == nil {
		t.last = e.previous
	} else {
		e.next.previous = e.previous
	}
	e.previous, e.next = nil, nil
}

// prune forgets the older half of the tombstones when they outnumber the other
// entries. A stream that has not seen a forgotten one gets the topic whole again. The
// loop passes the other entries too, but runs only once per as many updates.
func (t *topic) prune() {
	limit := max(tombstonesKept, len(t.entries)-t.gone)
	if t.gone <= limit {
		return
	}
	for e := t.first; e != nil && t.gone > limit/2; {
		next := e.next
		if e.message.Gone {
			t.pruned = e.version
			t.unlink(e)
			delete(t.entries, e.message.Key)
			t.gone--
		}
		e = next
	}
}

// setState stores a value and schedules a walk over the topic's subscribers.
func (h *Hub) setState(t *topic, m *Message, at int64) {
	k := h.freshness.kind(m.Kind)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(m, k, at)
	if t.armed || len(t.subscribers) == 0 {
		return
	}
	t.armed = true
	h.timers.set(&t.timer, max(h.now(), t.lastWalk+t.spacing))
}

// walk wakes the subscribers of a changed topic whose interval has passed and sets a
// time for the others. Walks of a topic are as far apart as its subscribers' least
// interval, which delays no subscriber: none has a shorter interval than that.
func (h *Hub) walk(t *topic, now int64) {
	t.mu.Lock()
	t.armed = false
	t.lastWalk = now
	h.timers.set(&t.timer, never)
	t.mu.Unlock()

	h.mu.RLock()
	defer h.mu.RUnlock()
	spacing := int64(MaxStateInterval)
	for _, sub := range t.subscribers {
		spacing = min(spacing, int64(sub.stream.interval))
		if sub.stream.armState(now) {
			sub.stream.wake()
		}
	}
	t.mu.Lock()
	t.spacing = spacing
	t.mu.Unlock()
}

// armState schedules a flush of state and returns whether it is due now.
func (s *Stream) armState(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil || s.stateDue || s.stateAt != never {
		return false
	}
	if at := s.lastState + int64(s.interval); at > now {
		s.stateAt = at
		s.hub.timers.earlier(&s.timer, at)
		return false
	}
	s.stateDue = true
	return true
}

// collectState appends what changed in the stream's topics. more means that some is
// left for the next response. It is called in the stream's turn, without a lock.
func (s *Stream) collectState(c *collector, subscriptions []*subscription) (more bool) {
	for _, sub := range subscriptions {
		if sub.begun && sub.topic.version.Load() == sub.seen {
			continue
		}
		if c.bytes >= PackBytes {
			return true
		}
		if sub.collect(c, s.hub) {
			return true
		}
	}
	return false
}

func (sub *subscription) collect(c *collector, h *Hub) (more bool) {
	for {
		if !sub.begun {
			sub.begun = true
			sub.seen = 0
			sub.base = sub.topic.version.Load()
			if h.config.HasState == nil || sub.base > 0 || h.config.HasState(sub.topic.name) {
				c.addOwn("state_begin", h.config.Encoder.StateBegin(sub.topic.name))
			}
		}
		more, behind := sub.topic.since(sub, c)
		if !behind {
			return more
		}
		sub.begun = false
	}
}

// change is a value that a stream has not seen.
type change struct {
	message *Message
	version uint64
	at      int64
	kind    kind
}

// since appends the values that changed after sub.seen, oldest change first. It
// returns behind, and appends nothing, when a tombstone that the stream needs was
// forgotten. Deferred data is encoded here, when the topic's lock is released.
func (t *topic) since(sub *subscription, c *collector) (more, behind bool) {
	more, behind = t.changes(sub, c)
	counted := max(sub.seen, sub.base) // Updates up to here do not count as conflated.
	delivered, size := uint64(0), 0
	for _, change := range c.changes {
		if size >= stateBytes {
			more = true
			break
		}
		sub.seen = change.version
		if change.message.Gone && change.version <= sub.base {
			continue
		}
		if change.version > counted {
			delivered++
			c.addPart(change.kind, 1, change.at)
		}
		size += len(change.message.Bytes())
		c.add(change.message)
	}
	if sub.seen > counted {
		c.response.Conflated += sub.seen - counted - delivered
	}
	return more, behind
}

// changes puts the values that changed after sub.seen into c.changes.
func (t *topic) changes(sub *subscription, c *collector) (more, behind bool) {
	c.changes = c.changes[:0]
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pruned > max(sub.seen, sub.base) {
		return false, true
	}
	e := t.last
	for e != nil && e.previous != nil && e.previous.version > sub.seen {
		e = e.previous
	}
	for ; e != nil; e = e.next {
		if e.version <= sub.seen {
			continue
		}
		if len(c.changes) == stateChanges {
			return true, false
		}
		c.changes = append(c.changes, change{e.message, e.version, e.at, e.kind})
	}
	return false, false
}
