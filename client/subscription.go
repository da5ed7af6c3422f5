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
//
// What a change adds of presence and accounts is told once, on the stream that it was
// made on, and a replay does not bring it. So until a later cursor than the change's has
// come, the feed counts it as owed: a stream that ends before that is not resumed but
// followed by a snapshot, and none takes over from it.

// wish is what a feed's streams are to carry.
type wish struct {
	changed  *todokuv1.Subscription // By UpdateSubscription; nil for the options.
	revision uint64                 // Counts changes.
	begun    uint64                 // Counts streams that began.

	owed bool   // What was added has come only if a later cursor has than this one,
	past string // "" while the change is not answered.
}

// owe takes note of a change that the venue made at a cursor, or is about to make.
func (w *wish) owe(s *todokuv1.Subscription, past string) {
	w.owed, w.past = s.GetPresence() || s.GetAllAccounts(), past
}

// owes says whether a replay after cursor may lack what was added. Another history
// begins with a snapshot.
func (w *wish) owes(cursor string) bool {
	epoch, at, ok := position(cursor)
	of, past, answered := position(w.past)
	return w.owed && ok && (!answered || epoch == of && at <= past)
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

// subscription returns what a stream is asked for now.
func (f *Feed) subscription() *todokuv1.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscriptionLocked()
}

// request asks for a stream that begins where the feed stands, and says which
// revision of the subscription it asks for. Where a replay may lack something it asks
// for a snapshot, or for nothing (nil) where it is to be an heir: what is lacking comes
// on the stream that still delivers.
func (f *Feed) request(heir bool) (*todokuv1.FeedNotificationRequest, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wish.owes(f.cursor) {
		if heir {
			return nil, 0
		}
		f.resync("The stream ended before what was added to its subscription had come.")
	}
	if f.cursor == "" {
		f.wish.owed = false // A snapshot has it.
	}
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
	if f.wish.revision != revision {
		f.wish.owe(f.subscriptionLocked(), "")
		return false
	}
	return true
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
	if !f.change(change.GetSubscription(), begun, reply) {
		return nil
	}
	// A stream that was asked for earlier has taken over meanwhile, and nobody can say
	// which of the two the venue changed.
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish.owe(change.GetSubscription(), changedAt(reply))
	return nil
}

// change takes note of a change that was made when so many streams had begun, and says
// whether another has begun since.
func (f *Feed) change(to *todokuv1.Subscription, begun uint64, reply any) (another bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish.changed = proto.CloneOf(to)
	f.wish.revision++
	another = f.wish.begun != begun
	if another {
		f.wish.owe(to, "")
	} else {
		f.wish.owe(to, changedAt(reply))
	}
	return another
}

// changedAt returns the cursor at which a change was made, "" if it is not said.
func changedAt(reply any) string {
	answer, ok := reply.(*todokuv1.UpdateSubscriptionResponse)
	if !ok {
		return ""
	}
	return answer.GetCursor()
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
