package push

import (
	"fmt"
	"slices"
	"time"
)

// Attaching, subscribing and detaching: the only places that change who is
// subscribed to what.

// AttachRequest describes a stream to be attached.
type AttachRequest struct {
	Connection string // What the stream is attached to. It has one stream at a time.
	Instance   string // The client instance; decides between REPLACED and SUPERSEDED.
	User       string
	Session    string // For End and SetExpiry; empty: none.
	Remote     string // The address without port, for limits and records.
	Topics     []Topic
	// After is the last published sequence: the opening covers everything up to it,
	// and live messages follow. The caller holds the lock that excludes Publish.
	After uint64
	// Resume is the first response's Previous: what the client resumed after, or
	// the snapshot's sequence.
	Resume uint64
	// Hello makes the first message, sent at once in a response of its own. It
	// is called once, without a lock, after Serve or Start. Nil: none.
	Hello func(HelloInfo) []byte
	// Opening is the replay or the snapshot of events. Nil: nothing. State is not
	// part of it: the hub sends it whole after the opening.
	Opening Source
	// StateInterval is the least time between two flushes of state. Zero:
	// DefaultStateInterval.
	StateInterval time.Duration
	// Expiry of the session. Zero: none.
	Expiry time.Time
}

// Attach makes a stream. It must not run at the same time as Publish: After would not
// be the last published sequence, which is ErrNotCurrent. A live stream of the same
// connection is ended, with ReasonReplaced if the same instance attaches and
// ReasonSuperseded otherwise. The caller must call the stream's Serve, Start or
// Close; otherwise the stream ends for not acknowledging.
//
// Errors: ErrNotCurrent, ErrDraining, ErrTooManyStreams, ErrTooManyTopics,
// ErrBadInterval. A refused attach changes nothing: the connection keeps the stream
// that it has.
func (h *Hub) Attach(request AttachRequest) (*Stream, error) {
	interval := request.StateInterval
	if interval == 0 {
		interval = DefaultStateInterval
	}
	if interval < MinStateInterval || interval > MaxStateInterval {
		return nil, fmt.Errorf("%w: %s must be between %s and %s", ErrBadInterval, interval, MinStateInterval, MaxStateInterval)
	}
	topics := unseen(request.Topics, make(map[Topic]bool, len(request.Topics)))
	if limit := h.config.TopicsPerStream; limit > 0 && len(topics) > limit {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyTopics, len(topics), limit)
	}

	s, err := h.register(&request, topics, interval)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.timers.set(&s.timer, s.nextDeadline(h.now()))
	return s, nil
}

func (h *Hub) register(request *AttachRequest, topics []Topic, interval time.Duration) (*Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return nil, ErrDraining
	}
	if published := h.published.Load(); request.After != published {
		return nil, fmt.Errorf("%w: after %d, published %d", ErrNotCurrent, request.After, published)
	}
	old := h.streams[request.Connection]
	if old == nil || old.user != request.User {
		if limit := h.config.StreamsPerUser; limit > 0 && len(h.users[request.User]) >= limit {
			return nil, fmt.Errorf("%w: user has %d", ErrTooManyStreams, limit)
		}
	}
	network := h.config.Network(request.Remote)
	if old == nil || h.config.Network(old.remote) != network {
		if limit := h.config.StreamsPerAddress; limit > 0 && h.addresses[network] >= limit {
			return nil, fmt.Errorf("%w: address has %d", ErrTooManyStreams, limit)
		}
	}
	tookOver := Reason("")
	if old != nil {
		if !old.hasEnded() {
			tookOver = ReasonSuperseded
			if old.instance == request.Instance {
				tookOver = ReasonReplaced
			}
			old.end(&End{Reason: tookOver, Message: "another stream attached to the connection"})
		}
		h.detachLocked(old)
	}
	h.attaches++
	s := newStream(h, request, interval, h.attaches, tookOver)
	s.subscriptions, s.topics = h.subscribeLocked(s, topics), len(topics)
	h.streams[s.connection] = s
	h.users[s.user] = append(h.users[s.user], s)
	if s.session != "" { // A list of all streams without one would be slow to search.
		h.sessions[s.session] = append(h.sessions[s.session], s)
	}
	h.addresses[network]++
	return s, nil
}

// Subscribe changes the topics of the connection's live stream. It must not run at
// the same time as Publish, so that the initial messages and the live ones join
// without gap or overlap: initial (which may be nil) is delivered in order with the
// events, before any message of the added topics; their whole state follows. Events
// of a removed topic that were published before are still delivered. Topics to add
// may be there already, and topics to remove need not be.
//
// Errors: ErrNotAttached, ErrNotYours, ErrTooManyTopics; nothing has changed then.
func (h *Hub) Subscribe(connection, user string, add, remove []Topic, initial []*Message) error {
	s, err := h.resubscribe(connection, user, add, remove, initial)
	if err != nil {
		return err
	}
	s.wake()
	return nil
}

func (h *Hub) resubscribe(connection, user string, add, remove []Topic, initial []*Message) (*Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err := h.lookup(connection, user)
	if err != nil {
		return nil, err
	}
	present := make(map[Topic]bool, len(s.subscriptions)+len(add))
	for _, sub := range s.subscriptions {
		present[sub.topic.name] = true
	}
	dropped := make(map[Topic]bool, len(remove))
	for _, name := range remove {
		if present[name] {
			dropped[name] = true
			delete(present, name)
		}
	}
	added := unseen(add, present) // A topic that is removed and added begins anew.
	if limit := h.config.TopicsPerStream; limit > 0 && len(present) > limit {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyTopics, len(present), limit)
	}

	// The stream's turn may be reading the present slice, so a new one is made.
	kept := make([]*subscription, 0, len(present))
	for _, sub := range s.subscriptions {
		if dropped[sub.topic.name] {
			h.unsubscribeLocked(sub)
			continue
		}
		kept = append(kept, sub)
	}
	kept = append(kept, h.subscribeLocked(s, added)...)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscriptions, s.topics, s.subscribedAt = kept, len(kept), h.published.Load()
	s.stateDue = true
	if len(initial) > 0 && s.ended == nil {
		b := newBatch(s.subscribedAt, time.Time{}, initial)
		b.alone = true
		s.enqueue(b)
	}
	return s, nil
}

// lookup returns the connection's live stream. The caller holds h.mu.
func (h *Hub) lookup(connection, user string) (*Stream, error) {
	s := h.streams[connection]
	switch {
	case s == nil || s.hasEnded():
		return nil, ErrNotAttached
	case s.user != user:
		return nil, ErrNotYours
	}
	return s, nil
}

// subscribeLocked adds s to the topics. The caller holds h.mu for writing.
func (h *Hub) subscribeLocked(s *Stream, names []Topic) []*subscription {
	if len(names) == 0 {
		return nil
	}
	subscriptions := make([]*subscription, len(names))
	for i, name := range names {
		t := h.topicLocked(name)
		sub := &subscription{topic: t, stream: s, position: len(t.subscribers)}
		t.subscribers = append(t.subscribers, sub)
		if len(t.subscribers) == 1 {
			h.interest.Add(1)
		}
		t.mu.Lock()
		t.spacing = min(t.spacing, int64(s.interval))
		t.mu.Unlock()
		subscriptions[i] = sub
	}
	return subscriptions
}

func (h *Hub) unsubscribeLocked(sub *subscription) {
	t := sub.topic
	last := len(t.subscribers) - 1
	t.subscribers[sub.position] = t.subscribers[last]
	t.subscribers[sub.position].position = sub.position
	t.subscribers[last] = nil
	t.subscribers = t.subscribers[:last]
	if last == 0 {
		h.interest.Add(1)
		t.subscribers = nil
		if t.empty() {
			delete(h.topics, t.name)
		}
	}
}

// detach removes an ended stream from all tables. It may be called repeatedly.
func (h *Hub) detach(s *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.detachLocked(s)
}

func (h *Hub) detachLocked(s *Stream) {
	if s.detached {
		return
	}
	s.detached = true
	h.timers.retire(&s.timer)
	for _, sub := range s.subscriptions {
		h.unsubscribeLocked(sub)
	}
	if h.streams[s.connection] == s {
		delete(h.streams, s.connection)
	}
	dropFrom(h.users, s.user, s)
	dropFrom(h.sessions, s.session, s)
	network := h.config.Network(s.remote)
	if h.addresses[network]--; h.addresses[network] == 0 {
		delete(h.addresses, network)
	}
	record := s.record()
	h.addEnd(record)
	h.past.add(&record.StreamInfo)
	s.mu.Lock()
	s.subscriptions, s.acks.open = nil, nil
	s.mu.Unlock()
	if len(h.streams) == 0 {
		select {
		case h.emptied <- struct{}{}:
		default:
		}
	}
}

func dropFrom(index map[string][]*Stream, name string, s *Stream) {
	list := index[name]
	if i := slices.Index(list, s); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		delete(index, name)
		return
	}
	index[name] = list
}

// unseen returns the topics that are not in seen, each once, and adds them to it.
func unseen(topics []Topic, seen map[Topic]bool) []Topic {
	added := make([]Topic, 0, len(topics))
	for _, name := range topics {
		if !seen[name] {
			seen[name] = true
			added = append(added, name)
		}
	}
	return added
}
