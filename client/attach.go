package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// maxEvent bounds what is kept of an event that comes in fragments, in bytes on
// the wire. The venue's own largest, a mass cancel, stays far below.
const maxEvent = 64 << 20

// attachment is one stream. The goroutine that runs the loop uses it; another one
// reads, a response ahead at most.
type attachment struct {
	feed     *Feed
	token    string // The access token it was opened with, or one before.
	began    time.Time
	line     *line // Nil when there could be none.
	cancel   context.CancelFunc
	helpers  sync.WaitGroup
	arrivals chan arrival
	first    *arrival // Arrived already, when this stream was to take over.
	timer    *time.Timer
	watch    watch
	receipts *receipts
	handover handover // To the next stream.

	revision uint64        // Of the subscription that was asked for.
	outdated chan struct{} // Holds one: there was another when the stream began.

	successor bool // It took over from one that still delivered.

	attach   uint64
	number   uint64    // of the response before
	previous string    // cursor of the response before
	heard    time.Time // when it arrived

	// skip is the sequence up to which the stream before has delivered. What is
	// replayed up to there has been seen; 0 when nothing has.
	skip uint64

	partial     []*todokuv1.Message // fragments of an event that is not whole yet
	partialSize int
}

// arrival is a response, or why there is none.
type arrival struct {
	response *todokuv1.FeedNotificationResponse
	err      error
	at       time.Time
}

// open opens a stream that begins where the feed stands: one that follows the last, or
// an heir to one that still delivers, nil where there can be none yet.
func (f *Feed) open(ctx context.Context, heir bool) *attachment {
	request, revision := f.request(heir)
	if request == nil {
		return nil
	}
	now := time.Now()
	a := &attachment{
		feed: f, token: f.client.Session().AccessToken, began: now, heard: now, previous: request.GetResumeAfter(),
		arrivals: make(chan arrival), timer: time.NewTimer(look),
		watch: watch{stale: stale, watchdog: watchdog}, receipts: newReceipts(f.client),
		outdated: make(chan struct{}, 1), revision: revision,
	}
	ctx, a.cancel = context.WithCancel(ctx)
	line, err := f.client.line()
	if err != nil {
		a.helpers.Go(func() { a.pass(ctx, arrival{err: err, at: now}) })
		return a
	}
	a.line = line
	a.helpers.Go(func() { a.read(ctx, request) })
	a.helpers.Go(func() { a.renew(ctx) })
	a.helpers.Go(func() { a.receipts.run(ctx) })
	return a
}

// close ends the stream, whatever it does, and tells how it ended: with err, while
// the feed's context is ctx. The next one has taken over if succeeded.
func (a *attachment) close(ctx context.Context, err error, succeeded bool) End {
	now := time.Now()
	end := End{
		Err: err, Succeeded: succeeded, Began: a.began, Age: now.Sub(a.began), Idle: now.Sub(a.heard),
		Responses: a.number, Cursor: a.feed.cursor, Attach: a.attach,
	}
	var seen scene
	if a.line != nil {
		seen = a.line.sight.seen()
	}
	end.By, end.Reason, end.Detail = classify(ctx, err, &seen, a.feed.client.config.KeepaliveTimeout)
	end.Bytes, end.Peer, end.GoAway = seen.payload, seen.peer, seen.goAway
	end.Acknowledged, end.AcknowledgedAt = a.receipts.taken()
	a.cancel()
	a.timer.Stop()
	a.helpers.Wait()
	if a.line != nil {
		a.feed.client.hangUp(a.line)
	}
	return end
}

// follow hands on what the stream carries until it ends, with the error returned, or
// until the next one has taken over, which is returned then.
func (a *attachment) follow(ctx context.Context, yield func(Update, error) bool) (next *attachment, _ error) {
	for {
		got, err := a.next(ctx)
		if err == nil {
			err = a.take(ctx, got, yield)
		}
		if err != nil {
			return a.leave(ctx, err), err
		}
	}
}

// read opens the stream and passes on what arrives until it ends or ctx does.
func (a *attachment) read(ctx context.Context, request *todokuv1.FeedNotificationRequest) {
	stream, err := todokuv1.NewNotificationServiceClient(a.line.conn).FeedNotification(ctx, request)
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

// pass passes an arrival on, unless ctx ends before.
func (a *attachment) pass(ctx context.Context, got arrival) bool {
	select {
	case a.arrivals <- got:
		return true
	case <-ctx.Done():
		return false
	}
}

// next waits for the next response, but not for ever, and meanwhile sees to the
// stream that is to take over.
func (a *attachment) next(ctx context.Context) (arrival, error) {
	if got := a.first; got != nil {
		a.first = nil
		return *got, nil
	}
	now := time.Now()
	a.watch.begin(now)
	for {
		if err := a.succeed(ctx, now); err != nil {
			return arrival{}, err
		}
		a.timer.Reset(min(a.watch.next(now), a.handover.wait(now)))
		arrivals := a.arrivals
		if a.handover.left != nil {
			arrivals = nil // What a helper still has to say of this stream is late.
		}
		select {
		case got := <-arrivals:
			if got.err == nil || !a.handover.outlives(got.err) {
				return got, got.err
			}
			a.handover.left = got.err
			now = time.Now()
		case got := <-a.handover.arrivals():
			now = time.Now()
			a.greet(ctx, got, now)
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

// take checks a response and hands it on.
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
	heartbeat, err := a.heed(r.GetMessages(), got.at)
	if err != nil {
		return err
	}
	if err := a.deliver(ctx, r, yield); err != nil {
		return err
	}
	a.receipts.processed(a.feed.connection, a.attach, r.GetNumber(), heartbeat)
	return a.prove(r)
}

// check proves that a response follows the one before it, and the first one what
// was asked for.
func (a *attachment) check(r *todokuv1.FeedNotificationResponse) error {
	fresh := a.number == 0 && r.GetPreviousCursor() == "" // A snapshot follows nothing.
	if r.GetNumber() != a.number+1 || !fresh && r.GetPreviousCursor() != a.previous {
		return &ownEnd{reason: ReasonGap}
	}
	a.number, a.previous = r.GetNumber(), r.GetCursor()
	return nil
}

// heed does what the messages about the stream itself ask for, at once: they may
// stand between the fragments of an event.
func (a *attachment) heed(messages []*todokuv1.Message, arrived time.Time) (heartbeat bool, _ error) {
	for _, m := range messages {
		switch body := m.GetBody().(type) {
		case *todokuv1.Message_Hello:
			if err := a.hello(body.Hello, arrived); err != nil {
				return false, err
			}
		case *todokuv1.Message_Heartbeat:
			heartbeat = true
			a.feed.told(body.Heartbeat, arrived)
		case *todokuv1.Message_Reconnect:
			a.handover.plan(arrived, body.Reconnect.GetWithin().AsDuration())
		}
	}
	return heartbeat, nil
}

// hello begins the stream.
func (a *attachment) hello(h *todokuv1.Hello, arrived time.Time) error {
	config := &a.feed.client.config
	if err := config.checkHeartbeat(h.GetHeartbeatInterval().AsDuration()); err != nil {
		return &ownEnd{ReasonSettings, err}
	}
	a.attach = h.GetAttachNumber()
	a.watch.set(h.GetStaleInterval().AsDuration(), h.GetWatchdogInterval().AsDuration())
	a.watch.set(config.StaleAfter, config.WatchdogAfter)
	a.receipts.every(h.GetAcknowledgeInterval().AsDuration())
	if s := h.GetStart(); s == todokuv1.Hello_START_SNAPSHOT || s == todokuv1.Hello_START_RESET {
		a.skip = 0 // It is taken whole.
	}
	// It was asked for once there was a connection, not before.
	sent := a.began
	if connected := a.line.sight.seen().since; connected.After(sent) {
		sent = connected
	}
	a.feed.began(h, sent, arrived, a)
	if !a.feed.beginStream(a.revision) {
		select {
		case a.outdated <- struct{}{}:
		default: // It is under way.
		}
	}
	return nil
}

// deliver hands on the messages of a response. Those of an event that comes in
// fragments wait until it is whole, so that a cut in the middle repeats nothing.
// Those of a snapshot, where there is no cursor yet, do not: it is repeated whole.
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
	curious := a.feed.curious()
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
		if curious {
			a.feed.answered(m)
		}
	}
	if cursor != "" {
		a.feed.advance(cursor, latest)
	}
	return nil
}
