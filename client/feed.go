package client

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// FeedOptions say what a feed carries and where it begins.
type FeedOptions struct {
	// Symbols are the instruments whose books and prints are wanted; "*" for all.
	Symbols []string
	// Presence asks for who signs in and out.
	Presence bool
	// AllAccounts asks for every account's reports; needs RISK or ADMIN.
	AllAccounts bool
	// StateInterval is how often a book is sent at most; the venue's default for 0.
	StateInterval time.Duration
	// ConnectionID is the connection to attach to; the session's own when empty.
	ConnectionID string
	// InstanceID names this feed, so that a reconnect is not taken for somebody
	// else; random when empty. No two feeds may have the same.
	InstanceID string
	// ResumeAfter is the last cursor whose update was processed; empty to begin
	// with a snapshot.
	ResumeAfter string
	// OnStatus is told whenever State changes or a stream has ended, and OnEnd of
	// each stream that ended, before that; both by the goroutine that runs the loop.
	OnStatus func(Status)
	OnEnd    func(End)
}

// Update is one message of the stream.
type Update struct {
	Message *todokuv1.Message
	// Cursor is set where a program may resume: it has everything up to here. Empty
	// within an event, and within a snapshot, which begins anew after a cut.
	Cursor string
}

// Feed is the stream of notifications across the streams that carry it. Its methods
// may be called from anywhere; one loop at a time runs over its updates.
type Feed struct {
	client  *Client
	options FeedOptions

	// Of the goroutine that runs the loop.
	cursor  string
	backoff backoff
	proof   proof

	mu         sync.Mutex // protects what follows
	connection string     // Changed by the loop only, which may read it without mu.
	wish       wish
	looping    bool
	finished   error // What the last loop ended with, nil while one runs and when it was left.
	standing   standing
	receipts   *receipts              // of the latest stream that began
	waiting    map[*waiter]struct{}   // for a cursor
	asked      map[*question]struct{} // what became of a request
	account    string                 // the user's default
}

// ErrLooping is what a second loop over the same feed ends with.
var ErrLooping = errors.New("client: another loop runs over the feed")

// NewFeed returns a feed. It opens nothing until its updates are asked for.
func (c *Client) NewFeed(options FeedOptions) *Feed {
	f := &Feed{
		client: c, options: options, cursor: options.ResumeAfter, connection: options.ConnectionID,
		waiting: make(map[*waiter]struct{}), asked: make(map[*question]struct{}),
	}
	if f.options.InstanceID == "" {
		f.options.InstanceID = NewRequestID()
	}
	if f.options.OnStatus == nil {
		f.options.OnStatus = func(Status) {}
	}
	if f.options.OnEnd == nil {
		f.options.OnEnd = func(End) {}
	}
	f.standing.state, f.standing.since, f.standing.cursor = StateIdle, time.Now(), f.cursor
	return f
}

// Feed follows the stream of notifications, as [Feed.Updates] of a new feed does.
func (c *Client) Feed(ctx context.Context, options FeedOptions) iter.Seq2[Update, error] {
	return c.NewFeed(options).Updates(ctx)
}

// Updates follows the stream of notifications until ctx ends or the venue says that
// it is over, and comes back by itself after everything else: where it left off,
// with nothing lost and nothing twice. An update counts as processed when the loop
// asks for the next one; that is what is acknowledged to the venue and resumed
// after. The messages of one event come together: a cut in the middle of them
// hands on none. Where the venue asks for it, the next stream is opened before the
// last one ends.
//
// What UpdateSubscription changed while the loop runs, by this client, holds for the
// streams to come as well; where a stream ends before what was added can have come, what
// happened since is followed by a Reset and a snapshot. Two feeds at once need a connection
// each (OpenConnection): the second to attach to one ends the first. A loop that is
// left goes on, when it is run again, where it was.
//
// The error, if any, comes last: ctx's cause, [ErrClosed], [ErrLooping] or an
// [*EndError].
func (f *Feed) Updates(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		if !f.begin() {
			yield(Update{}, ErrLooping)
			return
		}
		defer f.rest()
		if f.connection == "" {
			f.attachTo(f.client.Session().ConnectionID)
		}
		ctx, done := f.client.follow(ctx, f)
		defer done()
		if err := f.run(ctx, yield); err != nil {
			f.over(err)
			yield(Update{}, err)
		}
	}
}

// begin says that a loop runs, unless one does.
func (f *Feed) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looping {
		return false
	}
	f.looping, f.finished = true, nil
	return true
}

// rest says that no loop runs.
func (f *Feed) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looping = false
	f.standing.state, f.standing.since = StateIdle, time.Now()
}

// errStopped says that the loop over the feed was left.
var errStopped = errors.New("client: loop left")

// run follows one stream after the other. It returns nil when the loop was left.
func (f *Feed) run(ctx context.Context, yield func(Update, error) bool) error {
	f.stand(StateConnecting)
	var next *attachment // Has taken over from the one before.
	for ctx.Err() == nil {
		a := next
		if a == nil {
			a = f.open(ctx, false)
		}
		var err error
		next, err = a.follow(ctx, yield)
		end := a.close(ctx, err, next != nil)
		f.ended(end)
		switch {
		case next != nil:
			continue
		case errors.Is(err, errStopped):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if err := f.answer(ctx, a.token, end.Reason, err); err != nil {
			return err
		}
		f.stand(StateResuming)
		if end.Age > healthy {
			f.backoff.reset()
		}
		f.wait(ctx, a.watch.greeted, end.Reason, RetryAfter(err))
	}
	return context.Cause(ctx)
}

// answer does what an end asks for before the next attempt. An error means that
// there is none. The stream was opened with the given access token, or a newer one.
func (f *Feed) answer(ctx context.Context, token, reason string, err error) error {
	end := &EndError{Reason: reason, Err: err}
	switch reason {
	case ReasonSuperseded, ReasonSessionRevoked, ReasonUserSuspended, ReasonNotYourConnection, ReasonBadCursor, ReasonBadSubscription,
		ReasonTooLarge, ReasonSettings:
		return end
	case ReasonDiverged:
		f.resync("What the client held was not what the venue holds.")
		return nil
	case ReasonUnknownConnection:
		return f.unlessPassing(ctx, f.reopen(ctx), end)
	}
	switch status.Code(err) { //nolint:exhaustive // The other codes are of the moment.
	case codes.Unauthenticated:
		return f.unlessPassing(ctx, f.client.refresh(ctx, token), end)
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unimplemented:
		// From a proxy it may be of the moment; the venue means it.
		if Reason(err) != "" {
			return end
		}
	}
	return nil
}

// reopen replaces a connection that the venue does not know any more.
func (f *Feed) reopen(ctx context.Context) error {
	reply, err := f.client.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
	if err != nil {
		return err
	}
	lost := f.connection
	f.attachTo(reply.GetConnectionId())
	f.client.change(func(s *Session) bool {
		if s.ConnectionID != lost {
			return false
		}
		s.ConnectionID = f.connection
		return true
	})
	return nil
}

// unlessPassing makes an end final when the venue has refused what would have
// mended it. Whatever else went wrong with that is of the moment.
func (f *Feed) unlessPassing(ctx context.Context, err error, end *EndError) error {
	refusals := []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented}
	if ctx.Err() == nil && slices.Contains(refusals, status.Code(err)) {
		return end
	}
	return nil
}

// wait waits before the next attempt, shortly after a stream that the venue ended
// in good order, and for no less than the venue asked for.
func (f *Feed) wait(ctx context.Context, greeted bool, reason string, least time.Duration) {
	switch reason {
	case ReasonReconnect, ReasonDiverged:
		return
	case ReasonShutdown, ReasonStreamAge:
		if greeted { // Otherwise it turns everybody away: that calls for patience.
			f.backoff.reset()
		}
	}
	pause(ctx, least+f.backoff.next())
}
