package client

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// UpdateSubscription changes what a live stream carries. The next stream must ask for the
// same, so the latest change is kept, wherever in the program it was made, and sent again
// when a stream that was requested before it takes over.
//
// Added presence and accounts are sent once, on the stream of the change, and a replay
// does not contain them. Until a cursor after the change has arrived they are pending: a
// stream that ends before is followed by a snapshot, and none takes over from it.

// wanted is what a feed's streams must carry.
type wanted struct {
	subscription *todokuv1.Subscription // Of the options or the latest change; never modified.
	revision     uint64                 // Counts changes.
	begun        uint64                 // Counts streams that began.

	pending bool   // No cursor later than after has arrived since something was added.
	after   string // The cursor of the change; "" while it is not answered.
}

// addedAt records a change that the venue made at a cursor, "" if it has not answered.
func (w *wanted) addedAt(s *todokuv1.Subscription, cursor string) {
	w.pending, w.after = s.GetPresence() || s.GetAllAccounts(), cursor
}

// mayLack says whether a replay after cursor may lack what was added. Another history
// begins with a snapshot.
func (w *wanted) mayLack(cursor string) bool {
	epoch, at, ok := position(cursor)
	of, past, answered := position(w.after)
	return w.pending && ok && (!answered || epoch == of && at <= past)
}

// subscription returns the subscription that the options ask for.
func (o *FeedOptions) subscription() *todokuv1.Subscription {
	s := &todokuv1.Subscription{Symbols: o.Symbols, Presence: o.Presence, AllAccounts: o.AllAccounts}
	if o.StateInterval > 0 {
		s.StateInterval = durationpb.New(o.StateInterval)
	}
	return s
}

// request returns a request for a stream that begins at the feed's cursor, and the
// revision of its subscription. If a replay may lack something, it asks for a snapshot, or
// returns nil for a stream that takes over: the present one still delivers that.
func (f *Feed) request(takeOver bool) (*todokuv1.FeedNotificationRequest, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wanted.mayLack(f.cursor) {
		if takeOver {
			return nil, 0
		}
		f.resync("The stream ended before what was added to its subscription had come.")
	}
	if f.cursor == "" {
		f.wanted.pending = false // A snapshot has it.
	}
	return &todokuv1.FeedNotificationRequest{
		ConnectionId: f.connection, ResumeAfter: f.cursor, Subscription: f.wanted.subscription, InstanceId: f.options.InstanceID,
	}, f.wanted.revision
}

func (f *Feed) attachTo(connection string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connection = connection
}

// beginStream records a stream that began, and says whether it has the present revision
// of the subscription.
func (f *Feed) beginStream(revision uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted.begun++
	if f.wanted.revision != revision {
		f.wanted.addedAt(f.wanted.subscription, "")
		return false
	}
	return true
}

// renew sends the present subscription again if the stream began with an earlier one,
// until the venue has answered or ctx, the stream's, ends. A refusal ends the stream:
// otherwise the program would miss messages without knowing.
func (a *attachment) renew(ctx context.Context) {
	select {
	case <-a.outdated:
	case <-ctx.Done():
		return
	}
	f := a.feed
	var b backoff
	for ctx.Err() == nil {
		f.mu.Lock()
		change := &todokuv1.UpdateSubscriptionRequest{ConnectionId: f.connection, Subscription: f.wanted.subscription}
		f.mu.Unlock()
		_, err := f.client.Notifications().UpdateSubscription(ctx, change)
		switch {
		case err == nil:
			return
		case !OutcomeUnknown(err) && RetryAfter(err) == 0: // A retry would not help.
			a.pass(ctx, arrival{err: err, at: time.Now()})
			return
		}
		pause(ctx, RetryAfter(err)+b.next(), nil)
	}
}

// remember keeps the changes of UpdateSubscription for later streams.
func (c *Client) remember(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	change, ok := request.(*todokuv1.UpdateSubscriptionRequest)
	if !ok {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	f, begun := c.feedOn(change.GetConnectionId())
	for first := true; ; first = false {
		if err := invoke(ctx, method, request, reply, conn, options...); err != nil || f == nil {
			return err
		}
		if f.changed(change.GetSubscription(), reply, first, begun) {
			return nil
		}
	}
}

// changed records a change of the subscription, which was made when a number of streams had
// begun. It returns false if another stream has begun since: the venue may have changed
// either stream, so the change must be made once more.
func (f *Feed) changed(to *todokuv1.Subscription, reply any, first bool, begun uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first {
		// The state interval is a stream's own: UpdateSubscription does not change it.
		interval := f.wanted.subscription.GetStateInterval()
		f.wanted.subscription = proto.CloneOf(to)
		f.wanted.subscription.StateInterval = interval
		f.wanted.revision++
		if f.wanted.begun != begun {
			f.wanted.addedAt(to, "")
			return false
		}
	}
	answer, _ := reply.(*todokuv1.UpdateSubscriptionResponse)
	f.wanted.addedAt(to, answer.GetCursor())
	return true
}

// feedOn returns the running feed of a connection, or nil, and how many of its streams
// have begun.
func (c *Client) feedOn(connection string) (*Feed, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.feeds {
		f.mu.Lock()
		own, begun := f.connection == connection, f.wanted.begun
		f.mu.Unlock()
		if own {
			return f, begun
		}
	}
	return nil, 0
}
