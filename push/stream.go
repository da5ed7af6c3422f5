package push

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A stream is small and mostly idle. It has no goroutine while there is nothing to
// send: publishing to it starts one, which ends when everything is sent. The
// handler's goroutine only waits for the stream's end, so it can return while a
// send is blocked.

// Scheduling states of a stream.
const (
	idle  int32 = iota // Nothing to send, no goroutine at work.
	busy               // A goroutine is at work, or the stream is in line for one.
	again              // As busy; it must look once more before it becomes idle.
)

// Stream is the server's end of one attached connection. Serve is called once.
type Stream struct {
	hub        *Hub
	connection string
	instance   string
	user       string
	session    string
	remote     string
	attach     uint64
	tookOver   Reason
	attachedAt int64
	interval   time.Duration
	done       chan struct{} // Closed with the end.
	timer      timer
	detached   bool                  // Protected by Hub.mu.
	touched    uint64                // The last round that touched it; used by Publish.
	gathered   bool                  // It waits in the gatherer; used by Publish.
	behind     *Stream               // The next in line; used by turns.
	send       func(*Response) error // Set under mu, once; nil before Start.

	schedule  atomic.Int32
	sendStart atomic.Int64 // When the present send began, 0: none.
	finished  atomic.Bool
	sending   sync.WaitGroup

	mu            sync.Mutex // Protects what follows.
	ended         *End
	queue         []*batch
	inline        [2]*batch       // The queue's first place, enough for a quiet stream.
	queued        int             // Messages in the queue.
	queuedBytes   int             // Their data.
	subscriptions []*subscription // Replaced, never changed in place.
	topics        int             // How many there are, or were at the end.
	subscribedAt  uint64          // The sequence after which they hold.
	heartbeatDue  bool
	heartbeatAt   int64
	stateDue      bool
	stateAt       int64
	lastState     int64
	reconnectDue  bool
	reconnectAt   int64
	endAt         int64
	endReason     Reason // Of endAt and of the reconnect before it.
	expiry        time.Time
	expiryAt      int64
	expiryDue     bool // It changed, and is to be sent.
	sent          tally
	acks          acks
	conflated     uint64
	delivery      *delivery // Nil before the first live message.

	out sender // Belongs to the consumer.
}

// tally counts what was handed to the transport.
type tally struct {
	number uint64
	cursor uint64
	bytes  uint64
	at     int64

	committed int64  // The newest commit in it; valid if kinds is not 0.
	kinds     uint32 // A bit for every kind of live message in it.
	hasEvents bool   // Live or not.
}

// batch is the events of one sequence and topic, shared by all subscribers.
type batch struct {
	sequence  uint64
	committed time.Time
	messages  []*Message
	bytes     int
	alone     bool // Not to be merged with others of the sequence.

	// For live messages: how many of each kind, in order of appearance, and when
	// they were committed, by the hub's clock.
	kinds []kindCount
	few   [3]kindCount
	at    int64
}

type kindCount struct {
	kind  kind
	count uint32
}

func (b *batch) count(k kind) {
	for i := range b.kinds {
		if b.kinds[i].kind == k {
			b.kinds[i].count++
			return
		}
	}
	if b.kinds == nil {
		b.kinds = b.few[:0]
	}
	b.kinds = append(b.kinds, kindCount{k, 1})
}

func newBatch(sequence uint64, committed time.Time, messages []*Message) *batch {
	b := &batch{sequence: sequence, committed: committed}
	for _, m := range messages {
		b.add(m)
	}
	return b
}

func (b *batch) add(m *Message) {
	b.messages = append(b.messages, m)
	b.bytes += len(m.Data)
}

func newStream(h *Hub, request *AttachRequest, interval time.Duration, attach uint64, tookOver Reason) *Stream {
	now := h.now()
	s := &Stream{
		hub:         h,
		connection:  request.Connection,
		instance:    request.Instance,
		user:        request.User,
		session:     request.Session,
		remote:      request.Remote,
		attach:      attach,
		tookOver:    tookOver,
		attachedAt:  now,
		interval:    interval,
		done:        make(chan struct{}),
		heartbeatAt: now + spread(h.config.HeartbeatInterval, 10),
		stateAt:     never,
		stateDue:    true,
		reconnectAt: never,
		endAt:       never,
		endReason:   ReasonStreamAge,
	}
	s.queue = s.inline[:0]
	s.subscribedAt = request.After
	s.timer.stream = s
	s.sent.cursor = request.Resume
	s.sent.at = now
	s.acks.at = now
	s.schedule.Store(busy)
	if h.config.StreamAge > 0 {
		s.reconnectAt = now + spread(h.config.StreamAge, 15)
	}
	s.setExpiry(request.Expiry, now)
	s.out = sender{hello: request.Hello, opening: request.Opening, after: request.After, cursor: request.Resume}
	return s
}

// push appends a batch to the queue of a live stream.
func (s *Stream) push(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.enqueue(b)
	}
}

// messageOverhead is the memory of a waiting message without its data: the message,
// its batch and the reference. 250 to 260 bytes were measured where every publication
// has one message; a test compares.
const messageOverhead = 256

// enqueue appends, or ends the stream when the queue has reached its bound. The
// bound is checked before the first batch of a sequence only: a queue holds at most
// its bound and one publication, and an empty queue takes a publication of any size.
// Batches of Subscribe are always checked, because many may have the same sequence.
// The caller holds s.mu.
func (s *Stream) enqueue(b *batch) {
	config := &s.hub.config
	full := s.queued >= config.QueueMessages || s.queuedBytes+s.queued*messageOverhead >= config.QueueBytes
	if full && (b.alone || s.queue[len(s.queue)-1].sequence != b.sequence) {
		s.endLocked(&End{Reason: ReasonSlowConsumer, Message: "the event queue is full"})
		return
	}
	s.queue = append(s.queue, b)
	s.queued += len(b.messages)
	s.queuedBytes += b.bytes
}

// wake puts the stream in line for sending, unless it is there already.
func (s *Stream) wake() {
	for {
		switch s.schedule.Load() {
		case again:
			return
		case busy:
			if s.schedule.CompareAndSwap(busy, again) {
				return
			}
		default:
			if s.schedule.CompareAndSwap(idle, busy) {
				s.lineUp()
				return
			}
		}
	}
}

func (s *Stream) lineUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil && s.send != nil {
		s.hub.senders.Add(1)
		s.sending.Add(1)
		s.hub.turns.add(s)
	}
}

// Serve is Start, then Ended: it sends until the stream ends and returns the *End.
// send is called from other goroutines, one call at a time, and must not keep the
// Response. Serve returns at once when the stream or ctx ends, even while send is
// blocked: the transport must then make send return. If the handler must not return
// before send has (net/http), call Wait in between.
//
// The stream ends with ReasonDisconnected when send fails or ctx ends.
func (s *Stream) Serve(ctx context.Context, send func(*Response) error) error {
	if err := s.Start(send); err != nil {
		return err
	}
	return s.Ended(ctx)
}

// Start begins to send and returns, for a handler that waits in another function to
// keep its stack small; it must call Ended then. See Serve for send. The error is
// ErrConsumed at a second call.
func (s *Stream) Start(send func(*Response) error) error {
	s.mu.Lock()
	started := s.send != nil
	if !started {
		s.send = send
	}
	s.mu.Unlock()
	if started {
		return ErrConsumed
	}
	s.hub.listener.Attached(s.Info())
	s.lineUp()
	return nil
}

// Ended waits for the end of a stream that was started, or ends it when ctx ends,
// and returns the *End. Like Serve it does not wait for a send.
func (s *Stream) Ended(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		s.end(s.Gone(ctx, "the client went away", context.Cause(ctx)))
	}
	return s.finish()
}

// run is the stream's turn: it sends what is due.
func (s *Stream) run() {
	if s.sendAll() {
		s.hub.turns.add(s)
		return
	}
	s.hub.senders.Done()
	s.sending.Done()
}

// sendAll sends everything that was due when it began. It returns true when more
// came meanwhile, which needs another turn.
func (s *Stream) sendAll() (more bool) {
	c := s.hub.borrowCollector()
	defer s.hub.returnCollector(c)
	s.schedule.Store(busy) // What follows covers every wake up to here.
	for {
		r, err := s.collect(c)
		if err != nil {
			s.end(openingEnd(err))
			return false
		}
		if r != nil {
			s.account(c, r)
			err = s.send(r)
			s.sendStart.Store(0)
			if err != nil {
				s.end(asEnd(err, ReasonDisconnected, "a send failed"))
				return false
			}
			if s.out.more {
				continue
			}
		}
		if s.schedule.CompareAndSwap(busy, idle) {
			return false
		}
		s.schedule.Store(busy)
		return true
	}
}

// Close ends the stream with ReasonDisconnected, unless it has ended, and
// releases what it held.
func (s *Stream) Close() {
	s.end(&End{Reason: ReasonDisconnected, Message: "closed"})
	_ = s.finish() // It is the end that was just set.
}

// Wait returns when no send is running. Call it after Serve, once the transport
// fails pending sends.
func (s *Stream) Wait() { s.sending.Wait() }

// finish detaches the ended stream, calls the listener once, and returns the end.
func (s *Stream) finish() error {
	s.hub.detach(s)
	s.mu.Lock()
	end, started := s.ended, s.send != nil
	s.mu.Unlock()
	if started && s.finished.CompareAndSwap(false, true) {
		s.hub.listener.Ended(s.record())
	}
	return end
}

func (s *Stream) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended != nil
}

func (s *Stream) end(e *End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.endLocked(e)
	}
}

// endLocked ends the stream and frees its queue. The caller holds s.mu.
func (s *Stream) endLocked(e *End) {
	s.ended = e
	s.hub.timers.earlier(&s.timer, s.hub.now()) // Run removes it otherwise.
	s.queue, s.inline, s.queued, s.queuedBytes = nil, [2]*batch{}, 0, 0
	close(s.done)
}

// account notes that r is about to be handed to the transport. It is called before
// the send, because a client may acknowledge before the send has returned.
func (s *Stream) account(c *collector, r *Response) {
	now := s.hub.now()
	s.sendStart.Store(max(now, 1))
	if sending := s.hub.config.Sending; sending != nil {
		sending(StreamName{s.connection, s.user, s.attach}, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent.number = r.Number
	s.sent.cursor = r.Cursor
	s.sent.bytes += uint64(c.bytes)
	s.sent.at = now
	s.sent.committed, s.sent.kinds = c.sent(s, now)
	s.sent.hasEvents = c.hasEvents
	s.conflated += r.Conflated
	s.acks.open = appendThinned(s.acks.open, s.sent)
	s.checkUnacked()
}

// popGroup takes the next whole sequence up to published off the queue. The
// caller holds s.mu.
func (s *Stream) popGroup(published uint64, room int, c *collector) (g Group, committed time.Time, ok bool) {
	if len(s.queue) == 0 || s.queue[0].sequence > published {
		return Group{}, time.Time{}, false
	}
	first := s.queue[0]
	count, size := 1, first.bytes
	for !first.alone && count < len(s.queue) && s.queue[count].sequence == first.sequence && !s.queue[count].alone {
		size += s.queue[count].bytes
		count++
	}
	if size > room {
		return Group{}, time.Time{}, false
	}
	messages := first.messages
	if count > 1 {
		messages = slices.Clone(messages)
		for _, b := range s.queue[1:count] {
			messages = append(messages, b.messages...)
		}
		slices.SortStableFunc(messages, func(a, b *Message) int { return cmp.Compare(a.Index, b.Index) })
	}
	for _, b := range s.queue[:count] {
		for _, k := range b.kinds {
			c.addPart(k.kind, k.count, b.at)
		}
	}
	s.queued -= len(messages)
	s.queuedBytes -= size
	clear(s.queue[:count])
	s.queue = s.queue[count:]
	if len(s.queue) == 0 {
		s.queue = s.inline[:0]
	}
	return Group{Messages: messages, Sequence: first.sequence}, first.committed, true
}
