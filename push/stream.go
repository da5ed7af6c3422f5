package push

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A stream is small and mostly asleep. No goroutine belongs to it while nothing
// is to be sent: a publisher with something for it starts one, which sends until
// nothing is left and is gone. The goroutine of the handler only waits for the
// end, so that it can return while a send is stuck.

// Scheduling states of a stream's consumer.
const (
	idle  int32 = iota // Nothing to do, no goroutine at work.
	busy               // A goroutine is at work, or called.
	again              // And should look once more before going idle.
)

// Stream is the server's end of one attached connection. It has one consumer:
// either one call of Serve, or one goroutine that calls Next.
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
	touched    uint64                // The last round that touched it; Publish's.
	gathered   bool                  // It waits in the gatherer; Publish's.
	behind     *Stream               // The next in line; the turns'.
	send       func(*Response) error // Start's.

	schedule  atomic.Int32
	sendStart atomic.Int64 // When the present send began, 0: none.
	finished  atomic.Bool
	sending   sync.WaitGroup

	mu            sync.Mutex // Protects what follows.
	ended         *End
	waker         func() // Calls the consumer; nil before there is one.
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
	receipts      receipts
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

	committed int64  // The newest commit in it, where kinds has one.
	kinds     uint32 // A bit for every kind of live message in it.
	tells     bool   // There are events in it, live or not.
}

// batch is the events of one sequence and topic, shared by all subscribers.
type batch struct {
	sequence  uint64
	committed time.Time
	messages  []*Message
	bytes     int
	alone     bool // Not to be merged with others of the sequence.

	// Of messages that are live: how many of each kind, in order of appearance,
	// and when they were committed, by the hub's clock.
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
	s.receipts.ackedAt = now
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

// messageOverhead is what a message that waits keeps alive besides its data: itself,
// its batch and the reference, with what the allocator rounds up. Between 250 and 260
// bytes were measured where every publication is of one message; a test compares.
const messageOverhead = 256

// enqueue appends, or ends the stream when the queue is at its bound. The bound
// is looked at before a sequence is added and not within it: a queue holds at
// most its bound and one publication, and no publication is too big for an empty
// one. What a change of topics brings is looked at each time: many changes may
// come at one sequence. The caller holds s.mu.
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

// wake calls the consumer unless it is at work already.
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
				s.call()
				return
			}
		}
	}
}

func (s *Stream) call() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil && s.waker != nil {
		s.waker()
	}
}

// rest lets the consumer go idle; false means that it must look once more.
func (s *Stream) rest() bool {
	if s.schedule.CompareAndSwap(busy, idle) {
		return true
	}
	s.schedule.Store(busy)
	return false
}

// Serve sends until the stream ends and returns the *End: Start, then Ended. send
// is called from other goroutines, one call at a time, and must not keep the
// Response. Serve returns at once when the stream ends or ctx does, even while
// send is stuck: the transport must then make it return. Where it may not be
// running any more when the handler returns (net/http), call Wait in between.
//
// A failed send ends the stream with ReasonDisconnected, as does ctx.
func (s *Stream) Serve(ctx context.Context, send func(*Response) error) error {
	if err := s.Start(send); err != nil {
		return err
	}
	return s.Ended(ctx)
}

// Start begins to send and returns, for a handler that does its work elsewhere and
// waits where its stack is small; Ended must be called then. See Serve for send.
func (s *Stream) Start(send func(*Response) error) error {
	if err := s.consume(send, func() {
		s.hub.senders.Add(1)
		s.sending.Add(1)
		s.hub.turns.add(s)
	}); err != nil {
		return err
	}
	s.call()
	return nil
}

// Ended waits for the end of a stream that was started, or ends it when ctx ends,
// and returns the *End. Like Serve it waits for no send.
func (s *Stream) Ended(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		s.end(s.Gone(ctx, "the client went away", context.Cause(ctx)))
	}
	return s.finish()
}

// run sends what there is: the stream's turn.
func (s *Stream) run() {
	if s.sendAll() {
		s.hub.turns.add(s)
		return
	}
	s.hub.senders.Done()
	s.sending.Done()
}

// sendAll sends until nothing is left of what was due when it began. It reports
// called when more came meanwhile, for another turn.
func (s *Stream) sendAll() (called bool) {
	c := s.hub.borrowCollector()
	defer s.hub.returnCollector(c)
	s.schedule.Store(busy) // Who called up to here is served by what follows.
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
		return !s.rest()
	}
}

// Next returns the next response, waiting for it; an alternative to Serve for
// consumers that have a goroutine of their own. The response before counts as
// being sent until Next is called again. The error is the *End once the stream
// has ended, or ctx's, which does not end the stream.
func (s *Stream) Next(ctx context.Context) (*Response, error) {
	if s.out.ready == nil {
		ready := make(chan struct{}, 1)
		if err := s.consume(nil, func() {
			select {
			case ready <- struct{}{}:
			default:
			}
		}); err != nil {
			return nil, err
		}
		s.out.ready, s.out.collector = ready, s.hub.newCollector()
	}
	s.sendStart.Store(0)
	for {
		if s.hasEnded() {
			return nil, s.finish()
		}
		r, err := s.collect(s.out.collector)
		switch {
		case err != nil:
			s.end(openingEnd(err))
			continue
		case r != nil:
			s.account(s.out.collector, r)
			return r, nil
		case !s.rest():
			continue
		}
		select {
		case <-s.out.ready:
		case <-s.done:
		case <-ctx.Done():
			s.schedule.Store(busy) // The next call looks for itself.
			return nil, context.Cause(ctx)
		}
	}
}

// Close ends the stream with ReasonDisconnected, unless it has ended, and
// releases what it held.
func (s *Stream) Close() {
	s.end(&End{Reason: ReasonDisconnected, Message: "closed"})
	_ = s.finish() // It is the end that was just set.
}

// Wait returns when no send is running any more. To be called after Serve and
// after the transport was made to fail a pending send.
func (s *Stream) Wait() { s.sending.Wait() }

// Done is closed when the stream has ended.
func (s *Stream) Done() <-chan struct{} { return s.done }

func (s *Stream) consume(send func(*Response) error, waker func()) error {
	s.mu.Lock()
	taken := s.waker != nil
	if !taken {
		s.send, s.waker = send, waker
	}
	s.mu.Unlock()
	if taken {
		return ErrConsumed
	}
	s.hub.listener.Attached(s.Info())
	return nil
}

// finish forgets the ended stream, tells the listener once, and returns the end.
func (s *Stream) finish() error {
	s.hub.detach(s)
	if s.finished.CompareAndSwap(false, true) {
		s.mu.Lock()
		called := s.waker != nil
		s.mu.Unlock()
		if called {
			s.hub.listener.Ended(s.record())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
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

// account notes that r is about to be handed to the transport. It happens
// before, because a client may acknowledge before a send has returned.
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
	s.sent.tells = c.tells
	s.conflated += r.Conflated
	s.receipts.add(s.sent)
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
