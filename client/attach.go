package client

import (
	"cmp"
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// maxEvent bounds an event that arrives in fragments, in bytes on the wire. The venue's
// largest, a mass cancel, is far smaller.
const maxEvent = 64 << 20

// shuffled lets a new connection begin with any of the venue's addresses, not always
// the first (gRPC proposal A62).
const shuffled = `{"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": true}}]}`

// attachment is one stream on a connection of its own: one that is opened because the last
// one fell silent must not use the same dead path, and one that is opened because the venue
// drains must be able to reach another server. The goroutine that runs the loop uses it;
// another one reads at most one response ahead.
type attachment struct {
	feed     *Feed
	token    string // The access token it was opened with, or an earlier one.
	began    time.Time
	conn     *grpc.ClientConn // Nil if none could be made.
	observer frameObserver
	cancel   context.CancelFunc
	helpers  sync.WaitGroup
	arrivals chan arrival
	first    *arrival // Arrived before this stream took over.
	timer    *time.Timer
	watch    watch
	acks     *acknowledger
	handover handover // To the next stream.

	revision uint64        // Of the subscription that was asked for.
	outdated chan struct{} // Holds a value if a later revision existed at the start.

	successor bool // It took over from one that still delivered.

	attach   uint64
	number   uint64    // of the response before
	previous string    // cursor of the response before
	heard    time.Time // when it arrived

	// skip is the sequence up to which the stream before has delivered events; 0 for none.
	skip uint64

	partial     []*todokuv1.Message // fragments of an incomplete event
	partialSize int
}

// arrival is a response, or why there is none.
type arrival struct {
	response *todokuv1.FeedNotificationResponse
	err      error
	at       time.Time
}

// open opens a stream at the feed's cursor. It returns nil if the stream is to take over
// from one that still delivers and cannot do so yet.
func (f *Feed) open(ctx context.Context, takeOver bool) *attachment {
	request, revision := f.request(takeOver)
	if request == nil {
		return nil
	}
	now := time.Now()
	a := &attachment{
		feed: f, token: f.client.Session().AccessToken, began: now, heard: now, previous: request.GetResumeAfter(),
		arrivals: make(chan arrival), timer: time.NewTimer(look),
		watch: watch{stale: stale, watchdog: watchdog}, acks: newAcknowledger(f.client),
		outdated: make(chan struct{}, 1), revision: revision,
	}
	ctx, a.cancel = context.WithCancel(ctx)
	// PINGs are always sent: except at its beginning, the connection has a stream.
	var err error
	a.conn, err = f.client.connect(&observedCredentials{f.client.transport, &a.observer}, true, grpc.WithDefaultServiceConfig(shuffled))
	if err != nil {
		a.helpers.Go(func() { a.pass(ctx, arrival{err: err, at: now}) })
		return a
	}
	a.helpers.Go(func() { a.read(ctx, request) })
	a.helpers.Go(func() { a.renew(ctx) })
	a.helpers.Go(func() { a.acks.run(ctx) })
	return a
}

// close ends the stream with err and returns how it ended. ctx is the feed's; succeeded
// says that the next stream has taken over.
func (a *attachment) close(ctx context.Context, err error, succeeded bool) End {
	now := time.Now()
	end := End{
		Err: err, Succeeded: succeeded, Began: a.began, Age: now.Sub(a.began), Idle: now.Sub(a.heard),
		Responses: a.number, Cursor: a.feed.cursor, Attach: a.attach,
	}
	seen := a.observer.observed()
	end.By, end.Reason, end.Detail = classify(ctx, err, &seen, a.feed.client.config.KeepaliveTimeout)
	end.Bytes, end.Peer, end.GoAway = seen.payload, seen.peer, seen.goAway
	a.cancel()
	a.timer.Stop()
	a.helpers.Wait()
	end.Acknowledged, end.AcknowledgedAt = a.acks.number, a.acks.at
	if a.conn != nil {
		a.feed.client.closeLater(a.conn)
	}
	return end
}

// follow delivers what the stream carries until it ends or the next stream has taken over.
// It returns the error and the next stream, if any.
func (a *attachment) follow(ctx context.Context, yield func(Update, error) bool) (next *attachment, _ error) {
	for {
		got, err := a.next(ctx)
		if err == nil {
			err = a.take(ctx, got, yield)
		}
		if err != nil {
			return a.takeNext(ctx, err), err
		}
	}
}

// read opens the stream and passes on what arrives until it ends or ctx does.
func (a *attachment) read(ctx context.Context, request *todokuv1.FeedNotificationRequest) {
	stream, err := todokuv1.NewNotificationServiceClient(a.conn).FeedNotification(ctx, request)
	for {
		got := arrival{err: err}
		if err == nil {
			got.response, got.err = stream.Recv()
		}
		got.at = time.Now()
		if !a.pass(ctx, got) || got.err != nil {
			return
		}
	}
}

// pass passes an arrival on. It returns false if ctx ended before.
func (a *attachment) pass(ctx context.Context, got arrival) bool {
	select {
	case a.arrivals <- got:
		return true
	case <-ctx.Done():
		return false
	}
}

// next waits for the next response or the watchdog. Meanwhile it opens the next stream
// when that is due.
func (a *attachment) next(ctx context.Context) (arrival, error) {
	if got := a.first; got != nil {
		a.first = nil
		return *got, nil
	}
	now := time.Now()
	a.watch.begin(now)
	for {
		if err := a.advanceHandover(ctx, now); err != nil {
			return arrival{}, err
		}
		a.timer.Reset(min(a.watch.next(now), a.handover.wait(now)))
		arrivals := a.arrivals
		if a.handover.left != nil {
			arrivals = nil // This stream has ended already.
		}
		select {
		case got := <-arrivals:
			if got.err == nil || !a.handover.continues(got.err) {
				return got, got.err
			}
			a.handover.left = got.err
			now = time.Now()
		case got := <-a.handover.arrivals():
			now = time.Now()
			a.nextBegan(ctx, got, now)
		case <-ctx.Done():
			return arrival{}, context.Cause(ctx)
		case now = <-a.timer.C:
		}
		becameStale, end := a.watch.judge(now)
		switch {
		case end != "" && a.handover.left == nil:
			return arrival{}, &ownEnd{reason: end}
		case becameStale:
			a.feed.stand(StateStale)
		}
	}
}

// take checks a response and delivers it.
func (a *attachment) take(ctx context.Context, got arrival, yield func(Update, error) bool) error {
	r := got.response
	if err := a.check(r); err != nil {
		return err
	}
	a.heard = got.at
	a.feed.heard(got.at)
	if a.watch.isStale {
		a.watch.isStale = false
		a.feed.stand(StateLive)
	}
	heartbeat, err := a.applyControl(r.GetMessages(), got.at)
	if err != nil {
		return err
	}
	if err := a.deliver(ctx, r, yield); err != nil {
		return err
	}
	a.acks.processed(a.feed.connection, a.attach, r.GetNumber(), heartbeat)
	return a.prove(r)
}

// check refuses a response that does not follow the one before it, or, as the first one,
// the cursor of the request.
func (a *attachment) check(r *todokuv1.FeedNotificationResponse) error {
	fresh := a.number == 0 && r.GetPreviousCursor() == "" // A snapshot follows nothing.
	if r.GetNumber() != a.number+1 || !fresh && r.GetPreviousCursor() != a.previous {
		return &ownEnd{reason: ReasonGap}
	}
	a.number, a.previous = r.GetNumber(), r.GetCursor()
	return nil
}

// applyControl handles the messages about the stream itself at once: they may arrive
// between the fragments of an event.
func (a *attachment) applyControl(messages []*todokuv1.Message, arrived time.Time) (heartbeat bool, _ error) {
	for _, m := range messages {
		switch body := m.GetBody().(type) {
		case *todokuv1.Message_Hello:
			if err := a.hello(body.Hello, arrived); err != nil {
				return false, err
			}
		case *todokuv1.Message_Heartbeat:
			heartbeat = true
			a.feed.heartbeat(body.Heartbeat, arrived)
		case *todokuv1.Message_Reconnect:
			a.handover.plan(arrived, body.Reconnect.GetWithin().AsDuration())
		}
	}
	return heartbeat, nil
}

func (a *attachment) hello(h *todokuv1.Hello, arrived time.Time) error {
	config := &a.feed.client.config
	if err := config.checkHeartbeat(h.GetHeartbeatInterval().AsDuration()); err != nil {
		return &ownEnd{ReasonSettings, err}
	}
	a.attach = h.GetAttachNumber()
	a.watch.set(h.GetStaleInterval().AsDuration(), h.GetWatchdogInterval().AsDuration())
	a.watch.set(config.StaleAfter, config.WatchdogAfter)
	// Half of the venue's interval, so that one acknowledgement may be lost.
	a.acks.interval = cmp.Or(max(0, h.GetAcknowledgeInterval().AsDuration()/2), a.acks.interval)
	if s := h.GetStart(); s == todokuv1.Hello_START_SNAPSHOT || s == todokuv1.Hello_START_RESET {
		a.skip = 0 // The snapshot repeats everything.
	}
	// The request was sent once there was a connection, not before.
	sent := a.began
	if connected := a.observer.observed().since; connected.After(sent) {
		sent = connected
	}
	a.feed.began(h, sent, arrived, a)
	if !a.feed.beginStream(a.revision) {
		select {
		case a.outdated <- struct{}{}:
		default: // A renewal is under way.
		}
	}
	return nil
}

// deliver yields the messages of a response. Fragments wait until their event is complete,
// so that a disconnect in between repeats nothing. Messages of a snapshot, which has no
// cursor yet, do not wait: it is repeated as a whole.
func (a *attachment) deliver(ctx context.Context, r *todokuv1.FeedNotificationResponse, yield func(Update, error) bool) error {
	messages, cursor := r.GetMessages(), r.GetCursor()
	if cursor != "" && (r.GetFragment() || len(a.partial) > 0) {
		a.partial = append(a.partial, messages...)
		if a.partialSize += proto.Size(r); a.partialSize > maxEvent {
			return &ownEnd{reason: ReasonTooLarge}
		}
		if r.GetFragment() {
			return nil
		}
		messages, a.partial, a.partialSize = a.partial, nil, 0
	}
	messages, cursor = a.unseen(messages, cursor)
	asked := a.feed.hasQuestions()
	var latest time.Time // When the last event was committed.
	for i, m := range messages {
		if err := a.feed.prepare(ctx, m, yield); err != nil {
			return err
		}
		update := Update{Message: m}
		if i == len(messages)-1 {
			update.Cursor = cursor
		}
		if !yield(update, nil) {
			return errStopped
		}
		if cursor != "" && isEvent(m) {
			latest = m.GetTime().AsTime()
		}
		if asked {
			a.feed.answered(m)
		}
	}
	if cursor != "" {
		a.feed.advance(cursor, latest)
	}
	return nil
}
