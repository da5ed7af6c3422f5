package client

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// What a stream carries can be changed while it lives (UpdateSubscription), but a
// stream is not for ever: the next one must ask for what holds then, not for what the
// feed began with, or a program would stop hearing of an instrument because a proxy
// was reloaded. So the latest change is remembered, wherever in the program it was
// made, and made once more where a stream that was asked for before it takes over.

// wish is what a feed's streams are to carry.
type wish struct {
	changed  *todokuv1.Subscription // By UpdateSubscription; nil for the options.
	revision uint64                 // Counts changes.
	begun    uint64                 // Counts streams that began.
}

// subscriptionLocked returns what a stream is asked for. The caller holds mu.
func (f *Feed) subscriptionLocked() *todokuv1.Subscription {
	s := &todokuv1.Subscription{Symbols: f.options.Symbols, Presence: f.options.Presence, AllAccounts: f.options.AllAccounts}
	if f.wish.changed != nil {
		s = proto.CloneOf(f.wish.changed)
	}
	s.StateInterval = nil // It is a stream's own: UpdateSubscription does not change it.
	if f.options.StateInterval > 0 {
		s.StateInterval = durationpb.New(f.options.StateInterval)
	}
	return s
}

// request asks for a stream that begins where the feed stands, and says which
// revision of the subscription it asks for.
func (f *Feed) request() (*todokuv1.FeedNotificationRequest, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &todokuv1.FeedNotificationRequest{
		ConnectionId: f.connection, ResumeAfter: f.cursor, Subscription: f.subscriptionLocked(), InstanceId: f.options.InstanceID,
	}, f.wish.revision
}

// attachTo changes the connection that the feed's streams attach to.
func (f *Feed) attachTo(connection string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connection = connection
}

// beginStream takes note of a stream that began, and says whether it was asked for
// the present revision.
func (f *Feed) beginStream(revision uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish.begun++
	return f.wish.revision == revision
}

// renew asks for the present subscription again if the stream was asked for an earlier
// one, until the venue has answered or ctx, which is the stream's, ends. A refusal ends
// the stream, as it would end one that asks for the same when it begins: a stream that
// carries something else than its program believes would be silent about what is missing.
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
		case !OutcomeUnknown(err) && RetryAfter(err) == 0: // Once more would change nothing.
			a.pass(ctx, arrival{err: err, at: time.Now()})
			return
		}
		pause(ctx, RetryAfter(err)+b.next())
	}
}

// remember keeps what UpdateSubscription changed.
func (c *Client) remember(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	change, ok := request.(*todokuv1.UpdateSubscriptionRequest)
	if !ok {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	f, begun := c.feedOn(change.GetConnectionId())
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil || f == nil {
		return err
	}
	f.mu.Lock()
	f.wish.changed = proto.CloneOf(change.GetSubscription())
	f.wish.revision++
	another := f.wish.begun != begun
	f.mu.Unlock()
	if !another {
		return nil
	}
	// A stream that was asked for earlier has taken over meanwhile, and nobody can say
	// which of the two the venue changed.
	return invoke(ctx, method, request, reply, conn, options...)
}

// feedOn returns the feed that runs on a connection, nil if none does, and how many
// streams it has begun.
func (c *Client) feedOn(connection string) (*Feed, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.feeds {
		f.mu.Lock()
		own, begun := f.connection == connection, f.wish.begun
		f.mu.Unlock()
		if own {
			return f, begun
		}
	}
	return nil, 0
}
