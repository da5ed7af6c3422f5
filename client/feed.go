package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

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
	// OnStatus is told how the stream stands, by the goroutine that runs the loop.
	OnStatus func(Status)
}

// State is how a stream stands.
type State string

// The states of a stream.
const (
	StateConnecting State = "CONNECTING"
	StateLive       State = "LIVE"
	StateStale      State = "STALE" // nothing has come for a while
	StateResuming   State = "RESUMING"
)

// Status says how a stream stands and, where it was cut, why.
type Status struct {
	State  State
	Reason string
	Err    error
	// Cursor is where it stands.
	Cursor string
	// Age is how long the stream that was cut had lived.
	Age time.Duration
}

// Update is one message of the stream.
type Update struct {
	Message *todokuv1.Message
	// Cursor is set where a program may resume: it has everything up to here. Empty
	// within an event, and within a snapshot, which begins anew after a cut.
	Cursor string
}

// Feed follows the stream of notifications until ctx ends or the venue says that
// it is over, and comes back by itself after everything else: where it left off,
// with nothing lost and nothing twice. An update counts as processed when the loop
// asks for the next one; that is what is acknowledged to the venue and resumed
// after. The messages of one event come together: a cut in the middle of them
// hands on none.
//
// A feed asks for what its options say whenever it comes back, whatever
// UpdateSubscription did to the stream before. Two feeds at once need a connection
// each (OpenConnection): the second to attach to one ends the first.
//
// The error, if any, comes last: ctx's cause, [ErrClosed] or an [*EndError].
func (c *Client) Feed(ctx context.Context, options FeedOptions) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		f := &feed{client: c, options: options, cursor: options.ResumeAfter, connection: options.ConnectionID}
		if f.options.InstanceID == "" {
			f.options.InstanceID = NewRequestID()
		}
		if f.options.OnStatus == nil {
			f.options.OnStatus = func(Status) {}
		}
		if f.connection == "" {
			f.connection = c.Session().ConnectionID
		}
		ctx, done := c.follow(ctx, f)
		defer done()
		if err := f.run(ctx, yield); err != nil {
			yield(Update{}, err)
		}
	}
}

// feed is a stream across its reconnects. One goroutine uses it.
type feed struct {
	client     *Client
	options    FeedOptions
	connection string
	cursor     string
	backoff    backoff
}

// errStopped says that the loop over the feed was left.
var errStopped = errors.New("client: loop left")

// run attaches again and again. It returns nil when the loop was left.
func (f *feed) run(ctx context.Context, yield func(Update, error) bool) error {
	f.status(StateConnecting, "", nil, 0)
	for ctx.Err() == nil {
		began, token := time.Now(), f.client.Session().AccessToken
		greeted, err := f.attach(ctx, yield)
		switch {
		case errors.Is(err, errStopped):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		age, reason := time.Since(began), classify(err)
		if err := f.answer(ctx, token, reason, err); err != nil {
			return err
		}
		f.status(StateResuming, reason, err, age)
		if age > healthy {
			f.backoff.reset()
		}
		f.wait(ctx, greeted, reason)
	}
	return context.Cause(ctx)
}

// classify names why a stream ended: this side's own reason first, then the
// venue's, then what the transport says. Never by text.
func classify(err error) string {
	var own *ownEnd
	if errors.As(err, &own) {
		return own.reason
	}
	if reason := Reason(err); reason != "" {
		return reason
	}
	if errors.Is(err, io.EOF) {
		return ReasonCleanEnd
	}
	return ReasonConnectLost
}

// answer does what an end asks for before the next attempt. An error means that
// there is none. The stream was opened with the given access token, or a newer one.
func (f *feed) answer(ctx context.Context, token, reason string, err error) error {
	end := &EndError{Reason: reason, Err: err}
	switch reason {
	case ReasonSuperseded, ReasonSessionRevoked, ReasonUserSuspended, ReasonNotYourConnection, ReasonBadCursor, ReasonBadSubscription, ReasonTooLarge:
		return end
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
func (f *feed) reopen(ctx context.Context) error {
	reply, err := f.client.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
	if err != nil {
		return err
	}
	lost := f.connection
	f.connection = reply.GetConnectionId()
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
func (f *feed) unlessPassing(ctx context.Context, err error, end *EndError) error {
	refusals := []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented}
	if ctx.Err() == nil && slices.Contains(refusals, status.Code(err)) {
		return end
	}
	return nil
}

// wait waits before the next attempt: not at all where the venue has asked for it
// and spread its clients itself, shortly after a stream that it ended in good order.
func (f *feed) wait(ctx context.Context, greeted bool, reason string) {
	switch reason {
	case ReasonReconnect:
		return
	case ReasonShutdown, ReasonStreamAge:
		if greeted { // Otherwise it turns everybody away: that calls for patience.
			f.backoff.reset()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.backoff.next())
	defer cancel()
	conn := f.client.feed
	if conn.GetState() != connectivity.TransientFailure {
		<-ctx.Done()
		return
	}
	// No connection could be made. grpc-go goes on trying, with waits of its own;
	// when it succeeds there is nothing left to wait for.
	for s := conn.GetState(); s != connectivity.Ready && conn.WaitForStateChange(ctx, s); s = conn.GetState() {
	}
}

func (f *feed) status(state State, reason string, err error, age time.Duration) {
	f.options.OnStatus(Status{State: state, Reason: reason, Err: err, Cursor: f.cursor, Age: age})
}

// request asks for a stream that begins where this one stands.
func (f *feed) request() *todokuv1.FeedNotificationRequest {
	s := &todokuv1.Subscription{Symbols: f.options.Symbols, Presence: f.options.Presence, AllAccounts: f.options.AllAccounts}
	if f.options.StateInterval > 0 {
		s.StateInterval = durationpb.New(f.options.StateInterval)
	}
	return &todokuv1.FeedNotificationRequest{
		ConnectionId: f.connection, ResumeAfter: f.cursor, Subscription: s, InstanceId: f.options.InstanceID,
	}
}
