package push

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Hub connects one publisher with many streams. Make it with NewHub, keep Run
// running while it is used.
type Hub struct {
	config   Config
	listener Listener
	started  time.Time // Origin of now().

	// published is the last sequence whose messages are all in the queues. A stream
	// sends nothing beyond it. So a sequence becomes visible at once, although the
	// queues are filled one after the other.
	published atomic.Uint64

	// interest counts the changes of which topics have subscribers.
	interest atomic.Uint64

	// publishing protects what only Publish uses.
	publishing sync.Mutex
	round      uint64    // Counts the calls of Publish.
	touched    []*Stream // Streams to be woken, each once per round.
	addressed  []*topic  // Topics with events in the publication at hand.
	gatherer   gatherer

	// mu protects the tables below and subscribers of every topic.
	mu        sync.RWMutex
	streams   map[string]*Stream // By connection.
	users     map[string][]*Stream
	sessions  map[string][]*Stream
	addresses map[string]int
	topics    map[Topic]*topic
	attaches  uint64
	draining  bool
	ends      []EndRecord   // The last ones, newest last.
	past      Totals        // Of streams that have ended; only its counters.
	emptied   chan struct{} // Receives a value when the last stream detaches.

	timers     timers
	turns      turns
	freshness  freshness
	collectors sync.Pool      // Of *collector.
	senders    sync.WaitGroup // Streams in line or sending; Run waits for them.
}

// NewHub returns a hub with nothing published and no streams.
func NewHub(config Config) *Hub {
	config = config.WithDefaults()
	h := &Hub{
		config:    config,
		listener:  config.Listener,
		started:   time.Now(),
		streams:   make(map[string]*Stream),
		users:     make(map[string][]*Stream),
		sessions:  make(map[string][]*Stream),
		addresses: make(map[string]int),
		topics:    make(map[Topic]*topic),
		attaches:  config.FirstAttach,
		emptied:   make(chan struct{}, 1),
		timers:    timers{kick: make(chan struct{}, 1)},
		turns:     turns{limit: runtime.GOMAXPROCS(0)},
	}
	h.freshness.init()
	if h.config.Encoder == nil {
		h.config.Encoder = NopEncoder{}
	}
	if h.listener == nil {
		h.listener = silent{}
	}
	return h
}

// now is the hub's clock: nanoseconds since the hub was made. All time limits use
// it, so that a jump of the wall clock ends no stream.
func (h *Hub) now() int64 { return int64(time.Since(h.started)) }

// Epoch returns the epoch of the hub's cursors.
func (h *Hub) Epoch() string { return h.config.Epoch }

// Published returns the last published sequence.
func (h *Hub) Published() uint64 { return h.published.Load() }

// Seed sets the last published sequence and the state at it, for a publisher that
// starts from a snapshot. It must be called before the first Publish and Attach.
// Messages without a Key are ignored. The error is ErrOutOfOrder.
func (h *Hub) Seed(sequence uint64, state []*Message) error {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	if sequence < h.published.Load() {
		return fmt.Errorf("%w: seed at %d after %d", ErrOutOfOrder, sequence, h.published.Load())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range state {
		if m.Key != "" {
			h.setState(h.topicLocked(m.Topic), m, never)
		}
	}
	h.published.Store(sequence)
	return nil
}

// Publish hands publications to every stream subscribed to their topics. It waits
// for no client: it appends references to each stream's queue and wakes each stream
// at most once. State costs the same for any number of subscribers. It must have one
// caller at a time and must not run at the same time as Attach or Subscribe.
//
// The error is ErrOutOfOrder for a sequence that does not rise; the publications
// before it have been published.
func (h *Hub) Publish(publications ...Publication) error {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.lockTopics(publications)
	defer h.mu.RUnlock()
	h.round++
	defer h.wakeTouched()
	for i := range publications {
		p := &publications[i]
		if last := h.published.Load(); p.Sequence <= last {
			return fmt.Errorf("%w: %d after %d", ErrOutOfOrder, p.Sequence, last)
		}
		h.publish(p)
	}
	return nil
}

func (h *Hub) publish(p *Publication) {
	h.sort(p)
	for i, t := range h.addressed {
		for _, sub := range t.subscribers {
			s := sub.stream
			s.push(t.batch)
			if s.touched != h.round {
				s.touched = h.round
				h.touched = append(h.touched, s)
			}
		}
		t.batch = nil
		h.addressed[i] = nil
	}
	h.addressed = h.addressed[:0]
	h.published.Store(p.Sequence)
}

// Subscribed returns whether a topic has a subscriber; if not, its events need not be
// made. The answer holds as long as Interest returns the same number.
func (h *Hub) Subscribed(name Topic) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	t := h.topics[name]
	return t != nil && len(t.subscribers) > 0
}

// Interest returns a number that rises whenever a topic gets its first subscriber
// or loses its last.
func (h *Hub) Interest() uint64 { return h.interest.Load() }

// sort makes one batch of events per topic that has subscribers and stores state.
func (h *Hub) sort(p *Publication) {
	for _, m := range p.Messages {
		t := h.topics[m.Topic]
		switch {
		case t == nil: // No stream is subscribed.
		case m.Key != "":
			h.setState(t, m, h.since(p.Time))
		case len(t.subscribers) > 0:
			if t.batch == nil {
				t.batch = newBatch(p.Sequence, p.Time, nil)
				t.batch.at = h.since(p.Time)
				h.addressed = append(h.addressed, t)
			}
			t.batch.add(m)
			t.batch.count(h.freshness.kind(m.Kind))
		}
	}
}

// lockTopics locks h.mu for reading, and makes the missing topics of messages that
// are state, which is kept without subscribers too.
func (h *Hub) lockTopics(publications []Publication) {
	h.mu.RLock()
	for m := h.withoutTopic(publications); m != nil; m = h.withoutTopic(publications) {
		h.mu.RUnlock()
		h.mu.Lock()
		h.topicLocked(m.Topic)
		h.mu.Unlock()
		h.mu.RLock()
	}
}

// withoutTopic returns a message of state that has no topic yet, or nil.
func (h *Hub) withoutTopic(publications []Publication) *Message {
	for i := range publications {
		for _, m := range publications[i].Messages {
			if m.Key != "" && h.topics[m.Topic] == nil {
				return m
			}
		}
	}
	return nil
}

func (h *Hub) topicLocked(name Topic) *topic {
	t := h.topics[name]
	if t == nil {
		t = newTopic(name)
		h.topics[name] = t
	}
	return t
}

// Run does what is due by time until ctx ends: heartbeats, limits, flushes of state.
// Then it ends every stream with ReasonShutdown, refuses new ones, and returns nil
// when every send function has returned. A transport must therefore fail a pending
// send once its handler has returned, as grpc-go does. Run is called once.
func (h *Hub) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := h.runDue()
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			h.mu.Lock()
			h.draining = true
			h.mu.Unlock()
			h.End(Selector{}, ReasonShutdown, "the server stops")
			h.senders.Wait()
			return nil
		case <-timer.C:
		case <-h.timers.kick:
		}
	}
}
