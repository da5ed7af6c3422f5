package client

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
)

// Intervals until the stream's Hello names the venue's own.
const (
	helloDeadline = 5 * time.Second
	watchdog      = 15 * time.Second
	stale         = 8 * time.Second
	// clockJump is how much later than planned a timer fires when the machine slept.
	clockJump = 30 * time.Second
)

// ownEnd is why this side ended a stream.
type ownEnd struct{ reason string }

func (e *ownEnd) Error() string { return "client: " + e.reason }

// attachment is one stream.
type attachment struct {
	feed     *feed
	previous string // cursor of the response before
	number   uint64 // of the response before
	attach   uint64
	partial  []*todokuv1.Message // fragments of an event that is not whole yet
	watch    *watch
	receipts *receipts
}

// attach opens a stream and hands on what it carries until it ends.
func (f *feed) attach(ctx context.Context, yield func(Update, error) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &attachment{feed: f, previous: f.cursor, receipts: newReceipts(ctx, f.client)}
	a.watch = startWatch(ctx, cancel, func() { f.status(StateStale, "", nil, 0) })
	defer a.watch.stop()
	defer a.receipts.stop()
	// Ready or not, the watchdog counts: a connection that cannot be made ends the
	// attempt, and the backoff decides when to try again.
	stream, err := todokuv1.NewNotificationServiceClient(f.client.feed).FeedNotification(ctx, &todokuv1.FeedNotificationRequest{
		ConnectionId: f.connection, ResumeAfter: f.cursor, Subscription: f.subscription(), InstanceId: f.options.InstanceID,
	})
	if err != nil {
		return ownOr(ctx, err)
	}
	return a.receive(ctx, stream, yield)
}

// receive hands on responses until the stream ends.
func (a *attachment) receive(ctx context.Context, stream grpc.ServerStreamingClient[todokuv1.FeedNotificationResponse], yield func(Update, error) bool) error {
	for {
		a.watch.begin()
		response, err := stream.Recv()
		wasStale := a.watch.end()
		if err != nil {
			return ownOr(ctx, err)
		}
		if err := a.check(response); err != nil {
			return err
		}
		if wasStale {
			a.feed.status(StateLive, "", nil, 0)
		}
		if err := a.deliver(response, yield); err != nil {
			return err
		}
	}
}

// ownOr returns why this side ended the stream, if it did.
func ownOr(ctx context.Context, err error) error {
	var own *ownEnd
	if errors.As(context.Cause(ctx), &own) {
		return own
	}
	return err
}

// check proves that a response follows the one before it.
func (a *attachment) check(r *todokuv1.FeedNotificationResponse) error {
	if r.GetNumber() != a.number+1 || r.GetPreviousCursor() != a.previous && (a.number > 0 || r.GetPreviousCursor() != "") {
		return &ownEnd{ReasonGap}
	}
	a.number, a.previous = r.GetNumber(), r.GetCursor()
	return nil
}

// deliver hands on the messages of a response. An event that comes in fragments is
// handed on when it is whole, so that a cut in the middle repeats nothing.
func (a *attachment) deliver(r *todokuv1.FeedNotificationResponse, yield func(Update, error) bool) error {
	messages := r.GetMessages()
	if r.GetFragment() || len(a.partial) > 0 {
		a.partial = append(a.partial, messages...)
		if r.GetFragment() {
			return nil
		}
		messages, a.partial = a.partial, nil
	}
	var end error
	heartbeat := false
	for i, m := range messages {
		switch body := m.GetBody().(type) {
		case *todokuv1.Message_Hello:
			a.hello(body.Hello)
		case *todokuv1.Message_Heartbeat:
			heartbeat = true
		case *todokuv1.Message_Reconnect:
			end = &ownEnd{ReasonReconnect}
		}
		update := Update{Message: m}
		if i == len(messages)-1 {
			update.Cursor = r.GetCursor()
		}
		if !yield(update, nil) {
			return errStopped
		}
	}
	a.feed.cursor = r.GetCursor()
	a.receipts.processed(a.feed.connection, a.attach, r.GetNumber(), heartbeat)
	return end
}

func (a *attachment) hello(h *todokuv1.Hello) {
	a.attach = h.GetAttachNumber()
	a.watch.set(h.GetStaleInterval().AsDuration(), h.GetWatchdogInterval().AsDuration())
	a.receipts.every(h.GetAcknowledgeInterval().AsDuration())
	a.feed.status(StateLive, "", nil, 0)
}
