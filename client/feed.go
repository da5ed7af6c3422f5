package client

import (
	"cmp"
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

// FeedOptions are what a feed carries and where it begins.
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
	// InstanceID names this feed, so that the venue knows a reconnect from a take-over by
	// another client; random when empty. It must be unique.
	InstanceID string
	// ResumeAfter is the cursor of the last processed update; empty to begin with a
	// snapshot.
	ResumeAfter string
	// OnStatus is called after State has changed and OnEnd when a stream has ended,
	// before that; both by the goroutine that runs the loop.
	OnStatus func(Status)
	OnEnd    func(End)
}

// Update is one message of the stream.
type Update struct {
	Message *todokuv1.Message
	// Cursor is set where a program may resume. It is empty within an event, and within a
	// snapshot, which begins again after a disconnect.
	Cursor string
}

// Feed delivers notifications across reconnects. Its methods are safe for concurrent use;
// one loop at a time runs over its updates.
type Feed struct {
	client  *Client
	options FeedOptions

	// Of the goroutine that runs the loop.
	cursor  string
	backoff backoff
	proof   proof

	mu         sync.Mutex // protects what follows
	connection string     // Changed by the loop only, which may read it without mu.
	wanted     wanted
	looping    bool
	finished   error // Of the last loop; nil while one runs and after one was left.
	standing   standing
	acks       *acknowledger          // of the latest stream that began
	moved      chan struct{}          // Closed when the cursor moves or the feed ends; nil if nobody waits.
	asked      map[*question]struct{} // for the outcome of a request
	account    string                 // the user's default
}

// ErrLooping ends a second loop over the same feed.
var ErrLooping = errors.New("client: another loop runs over the feed")

// NewFeed returns a feed. It opens no stream before Updates is called.
func (c *Client) NewFeed(options FeedOptions) *Feed {
	f := &Feed{
		client: c, options: options, cursor: options.ResumeAfter, connection: options.ConnectionID,
		wanted: wanted{subscription: options.subscription()}, asked: make(map[*question]struct{}),
	}
	f.options.InstanceID = cmp.Or(options.InstanceID, NewRequestID())
	f.standing.Status = Status{State: StateIdle, Since: time.Now(), Cursor: f.cursor}
	return f
}

// Feed follows the stream of notifications, as [Feed.Updates] of a new feed does.
func (c *Client) Feed(ctx context.Context, options FeedOptions) iter.Seq2[Update, error] {
	return c.NewFeed(options).Updates(ctx)
}

// Updates yields notifications until ctx ends or the venue ends the feed. After any other
// end of a stream it resumes, and loses and repeats nothing. An update is processed when
// the loop asks for the next one; the venue gets acknowledgements of processed updates
// only. The messages of one event arrive together or not at all. Where the venue asks for
// it, the next stream is opened before the present one ends.
//
// Changes by UpdateSubscription of this client hold for later streams too. If a stream
// ends before what was added has arrived, a Reset and a snapshot follow. Two feeds at once
// need a connection each (OpenConnection): the second to attach to one ends the first.
// Updates may be called again after a loop was left, and continues there.
//
// The error, if any, comes last: ctx's cause, [ErrClosed], [ErrLooping] or an
// [*EndError].
func (f *Feed) Updates(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		f.mu.Lock()
		looping := f.looping
		f.looping, f.finished = true, nil
		f.mu.Unlock()
		if looping {
			yield(Update{}, ErrLooping)
			return
		}
		var err error
		defer func() { f.endLoop(err) }()
		if f.connection == "" {
			f.attachTo(f.client.Session().ConnectionID)
		}
		ctx, done := f.client.follow(ctx, f)
		defer done()
		if err = f.run(ctx, yield); err != nil {
			yield(Update{}, err)
		}
	}
}

func (f *Feed) endLoop(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looping, f.finished = false, err
	f.notifyLocked()
	f.standing.State, f.standing.Since = StateIdle, time.Now()
}

// errStopped is the error of a loop that was left.
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
		if err := f.prepareRetry(ctx, a.token, end.Reason, err); err != nil {
			return err
		}
		f.stand(StateResuming)
		if end.Age > healthy {
			f.backoff.reset()
		}
		f.wait(ctx, a.watch.helloSeen, end.Reason, RetryAfter(err))
	}
	return context.Cause(ctx)
}

// prepareRetry prepares the next attempt after a stream's end. An error means that there is
// no next attempt. The stream was opened with the given access token, or a newer one.
func (f *Feed) prepareRetry(ctx context.Context, token, reason string, err error) error {
	end := &EndError{Reason: reason, Err: err}
	var failed error // The preparation.
	switch reason {
	case ReasonSuperseded, ReasonSessionRevoked, ReasonUserSuspended, ReasonNotYourConnection, ReasonBadCursor, ReasonBadSubscription,
		ReasonTooLarge, ReasonSettings:
		return end
	case ReasonDiverged:
		f.resync("The client's state differed from the venue's.")
	case ReasonUnknownConnection:
		failed = f.reopen(ctx)
	default:
		switch status.Code(err) { //nolint:exhaustive // The other codes are temporary.
		case codes.Unauthenticated:
			failed = f.client.refresh(ctx, token)
		case codes.InvalidArgument, codes.PermissionDenied, codes.Unimplemented:
			// From a proxy it may be temporary; from the venue it is not.
			if Reason(err) != "" {
				return end
			}
		}
	}
	refusals := []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented}
	if ctx.Err() == nil && slices.Contains(refusals, status.Code(failed)) {
		return end
	}
	return nil
}

// reopen replaces a connection that the venue no longer knows.
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

// wait waits before the next attempt: briefly after an orderly end, and at least as long
// as the venue asked for.
func (f *Feed) wait(ctx context.Context, helloSeen bool, reason string, least time.Duration) {
	switch reason {
	case ReasonReconnect, ReasonDiverged:
		return
	case ReasonShutdown, ReasonStreamAge:
		if helloSeen { // Otherwise it refuses all streams, and the backoff must grow.
			f.backoff.reset()
		}
	}
	pause(ctx, least+f.backoff.next(), nil)
}
