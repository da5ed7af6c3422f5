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

// wanted is what a feed's streams should carry.
type wanted struct {
	changed  *todokuv1.Subscription // By UpdateSubscription; nil for the options.
	revision uint64                 // Counts changes.
	begun    uint64                 // Counts streams that began.

	pending bool   // What was added has not arrived before a later cursor than after,
	after   string // which is "" while the change is not answered.
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

// subscriptionLocked returns the present subscription. The caller holds mu.
func (f *Feed) subscriptionLocked() *todokuv1.Subscription {
	s := &todokuv1.Subscription{Symbols: f.options.Symbols, Presence: f.options.Presence, AllAccounts: f.options.AllAccounts}
	if f.wanted.changed != nil {
		s = proto.CloneOf(f.wanted.changed)
	}
	s.StateInterval = nil // It is a stream's own: UpdateSubscription does not change it.
	if f.options.StateInterval > 0 {
		s.StateInterval = durationpb.New(f.options.StateInterval)
	}
	return s
}

// subscription returns the present subscription.
func (f *Feed) subscription() *todokuv1.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscriptionLocked()
}

// request returns a request for a stream that begins at the feed's cursor, and the
// revision of its subscription. Where a replay may lack something it asks for a snapshot;
// for a stream that takes over it returns nil: the present one still delivers that.
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
		ConnectionId: f.connection, ResumeAfter: f.cursor, Subscription: f.subscriptionLocked(), InstanceId: f.options.InstanceID,
	}, f.wanted.revision
}

// attachTo sets the connection to which the feed's streams attach.
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
		f.wanted.addedAt(f.subscriptionLocked(), "")
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
		change := &todokuv1.UpdateSubscriptionRequest{ConnectionId: f.connection, Subscription: f.subscriptionLocked()}
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
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil || f == nil {
		return err
	}
	if !f.change(change.GetSubscription(), begun, reply) {
		return nil
	}
	// Another stream has taken over meanwhile; the venue may have changed either.
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted.addedAt(change.GetSubscription(), changedAt(reply))
	return nil
}

// change records a change that was made when so many streams had begun, and says
// whether another has begun since.
func (f *Feed) change(to *todokuv1.Subscription, begun uint64, reply any) (another bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted.changed = proto.CloneOf(to)
	f.wanted.revision++
	if f.wanted.begun != begun {
		f.wanted.addedAt(to, "")
		return true
	}
	f.wanted.addedAt(to, changedAt(reply))
	return false
}

// changedAt returns the cursor at which a change was made.
func changedAt(reply any) string {
	answer, _ := reply.(*todokuv1.UpdateSubscriptionResponse)
	return answer.GetCursor()
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
