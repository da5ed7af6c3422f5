package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
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
	// InstanceID names this program, so that a reconnect is not taken for another
	// one; random when empty.
	InstanceID string
	// ResumeAfter is the cursor of the last update that was processed; empty to
	// begin with a snapshot.
	ResumeAfter string
	// OnStatus is told how the stream stands. It must not block.
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
	// Cursor is set on the last message of a response: who has processed all up to
	// here may resume after it. Empty on the others.
	Cursor string
}

// Feed follows the stream of notifications until ctx ends or the venue says that
// it is over, and comes back by itself after everything else: where it left off,
// with nothing lost and nothing twice. An update counts as processed when the loop
// asks for the next one; that is what is acknowledged to the venue and resumed
// after.
//
// The error, if any, comes last: ctx's, or an [*EndError].
func (c *Client) Feed(ctx context.Context, options FeedOptions) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		if options.InstanceID == "" {
			options.InstanceID = NewRequestID()
		}
		if options.OnStatus == nil {
			options.OnStatus = func(Status) {}
		}
		f := &feed{client: c, options: options, cursor: options.ResumeAfter, connection: options.ConnectionID}
		if f.connection == "" {
			f.connection = c.Session().ConnectionID
		}
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
	for {
		began := time.Now()
		err := f.attach(ctx, yield)
		age := time.Since(began)
		switch {
		case errors.Is(err, errStopped):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		reason := classify(err)
		if err := f.answer(ctx, reason, err); err != nil {
			return err
		}
		f.status(StateResuming, reason, err, age)
		if age > healthy {
			f.backoff.reset()
		}
		if !f.wait(ctx, reason) {
			return context.Cause(ctx)
		}
	}
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
// there is none.
func (f *feed) answer(ctx context.Context, reason string, err error) error {
	end := &EndError{Reason: reason, Err: err}
	switch reason {
	case ReasonSuperseded, ReasonSessionRevoked, ReasonUserSuspended, ReasonNotYourConnection, ReasonBadCursor, ReasonBadSubscription:
		return end
	case ReasonUnknownConnection:
		reply, openErr := f.client.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
		if openErr != nil {
			return f.unlessUnreachable(openErr, end)
		}
		f.connection = reply.GetConnectionId()
		return nil
	}
	if reason == ReasonSessionExpired || status.Code(err) == codes.Unauthenticated {
		return f.unlessUnreachable(f.client.Refresh(ctx), end)
	}
	return nil
}

// unlessUnreachable makes an end final when the venue has refused what would have
// mended it.
func (f *feed) unlessUnreachable(err error, end *EndError) error {
	passing := []codes.Code{codes.OK, codes.Unavailable, codes.DeadlineExceeded, codes.Canceled}
	if slices.Contains(passing, status.Code(err)) {
		return nil
	}
	return end
}

// wait waits before the next attempt: not at all where the venue asked for it,
// apart from a little jitter.
func (f *feed) wait(ctx context.Context, reason string) bool {
	switch reason {
	case ReasonReconnect:
		return ctx.Err() == nil
	case ReasonShutdown, ReasonStreamAge, ReasonSlowConsumer, ReasonNotAcknowledging:
		f.backoff.reset()
	}
	return f.backoff.wait(ctx)
}

func (f *feed) status(state State, reason string, err error, age time.Duration) {
	f.options.OnStatus(Status{State: state, Reason: reason, Err: err, Cursor: f.cursor, Age: age})
}

// subscription returns the options as the API has them.
func (f *feed) subscription() *todokuv1.Subscription {
	s := &todokuv1.Subscription{Symbols: f.options.Symbols, Presence: f.options.Presence, AllAccounts: f.options.AllAccounts}
	if f.options.StateInterval > 0 {
		s.StateInterval = durationpb.New(f.options.StateInterval)
	}
	return s
}
