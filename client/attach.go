package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// ownEnd is why this side ended a stream.
type ownEnd struct{ reason string }

func (e *ownEnd) Error() string { return "client: " + e.reason }

// maxEvent bounds what is kept of an event that comes in fragments, in bytes on
// the wire. The venue's own largest, a mass cancel, stays far below.
const maxEvent = 64 << 20

// attachment is one stream. The goroutine that runs the loop uses it; another one
// reads, a response ahead at most.
type attachment struct {
	feed     *feed
	arrivals chan arrival
	timer    *time.Timer
	watch    watch
	receipts *receipts

	attach   uint64
	number   uint64 // of the response before
	previous string // cursor of the response before
	leave    bool   // the venue has asked for another stream

	partial     []*todokuv1.Message // fragments of an event that is not whole yet
	partialSize int
}

// arrival is a response, or why there is none.
type arrival struct {
	response *todokuv1.FeedNotificationResponse
	err      error
}

// attach opens a stream and hands on what it carries until it ends; greeted says
// that it began.
func (f *feed) attach(ctx context.Context, yield func(Update, error) bool) (greeted bool, _ error) {
	a := &attachment{
		feed: f, previous: f.cursor, arrivals: make(chan arrival), timer: time.NewTimer(look),
		watch: watch{stale: stale, watchdog: watchdog}, receipts: newReceipts(f.client),
	}
	defer a.timer.Stop()
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	request := f.request()
	helpers.Go(func() { a.read(ctx, request) })
	helpers.Go(func() { a.receipts.run(ctx) })
	for {
		response, err := a.next(ctx)
		if err != nil {
			return a.watch.greeted, err
		}
		if err := a.take(response, yield); err != nil {
			return a.watch.greeted, err
		}
	}
}

// read opens the stream and passes on what arrives until it ends or ctx does.
func (a *attachment) read(ctx context.Context, request *todokuv1.FeedNotificationRequest) {
	stream, err := todokuv1.NewNotificationServiceClient(a.feed.client.feed).FeedNotification(ctx, request)
	for {
		got := arrival{err: err}
		if err == nil {
			got.response, got.err = stream.Recv()
		}
		select {
		case a.arrivals <- got:
		case <-ctx.Done():
			return
		}
		if got.err != nil {
			return
		}
	}
}

// next waits for the next response, but not for ever.
func (a *attachment) next(ctx context.Context) (*todokuv1.FeedNotificationResponse, error) {
	now := time.Now()
	a.watch.begin(now)
	for {
		a.timer.Reset(a.watch.next(now))
		select {
		case got := <-a.arrivals:
			return got.response, got.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case now = <-a.timer.C:
		}
		becameStale, end := a.watch.judge(now)
		switch {
		case end != "":
			return nil, &ownEnd{end}
		case becameStale:
			a.feed.status(StateStale, "", nil, 0)
		}
	}
}

// take checks a response and hands it on.
func (a *attachment) take(r *todokuv1.FeedNotificationResponse, yield func(Update, error) bool) error {
	if err := a.check(r); err != nil {
		return err
	}
	if a.watch.isStale {
		a.watch.isStale = false
		a.feed.status(StateLive, "", nil, 0)
	}
	heartbeat := a.heed(r.GetMessages())
	if err := a.deliver(r, yield); err != nil {
		return err
	}
	a.receipts.processed(a.feed.connection, a.attach, r.GetNumber(), heartbeat)
	if a.leave && !r.GetFragment() {
		return &ownEnd{ReasonReconnect}
	}
	return nil
}

// check proves that a response follows the one before it, and the first one what
// was asked for.
func (a *attachment) check(r *todokuv1.FeedNotificationResponse) error {
	fresh := a.number == 0 && r.GetPreviousCursor() == "" // A snapshot follows nothing.
	if r.GetNumber() != a.number+1 || !fresh && r.GetPreviousCursor() != a.previous {
		return &ownEnd{ReasonGap}
	}
	a.number, a.previous = r.GetNumber(), r.GetCursor()
	return nil
}

// heed does what the messages about the stream itself ask for, at once: they may
// stand between the fragments of an event.
func (a *attachment) heed(messages []*todokuv1.Message) (heartbeat bool) {
	for _, m := range messages {
		switch body := m.GetBody().(type) {
		case *todokuv1.Message_Hello:
			a.attach = body.Hello.GetAttachNumber()
			a.watch.set(body.Hello.GetStaleInterval().AsDuration(), body.Hello.GetWatchdogInterval().AsDuration())
			a.receipts.every(body.Hello.GetAcknowledgeInterval().AsDuration())
			a.feed.status(StateLive, "", nil, 0)
		case *todokuv1.Message_Heartbeat:
			heartbeat = true
		case *todokuv1.Message_Reconnect:
			a.leave = true
		}
	}
	return heartbeat
}

// deliver hands on the messages of a response. Those of an event that comes in
// fragments wait until it is whole, so that a cut in the middle repeats nothing.
// Those of a snapshot, where there is no cursor yet, do not: it is repeated whole.
func (a *attachment) deliver(r *todokuv1.FeedNotificationResponse, yield func(Update, error) bool) error {
	messages, cursor := r.GetMessages(), r.GetCursor()
	if cursor != "" && (r.GetFragment() || len(a.partial) > 0) {
		a.partial = append(a.partial, messages...)
		if a.partialSize += proto.Size(r); a.partialSize > maxEvent {
			return &ownEnd{ReasonTooLarge}
		}
		if r.GetFragment() {
			return nil
		}
		messages, a.partial, a.partialSize = a.partial, nil, 0
	}
	for i, m := range messages {
		update := Update{Message: m}
		if i == len(messages)-1 {
			update.Cursor = cursor
		}
		if !yield(update, nil) {
			return errStopped
		}
	}
	if cursor != "" {
		a.feed.cursor = cursor
	}
	return nil
}
