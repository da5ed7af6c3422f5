package push

import (
	"context"
	"errors"
	"fmt"
)

// Every end of a stream has a named reason, the same in the client's status, in logs,
// in metrics and on screens.

// Reason is why a stream ended or was refused.
type Reason string

// The reasons, and what a client does about each.
const (
	// ReasonSlowConsumer: the event queue reached its bound or a send was blocked
	// too long. Resumes at its cursor.
	ReasonSlowConsumer Reason = "SLOW_CONSUMER"
	// ReasonNotAcknowledging: no advancing acknowledgement in time. Resumes.
	ReasonNotAcknowledging Reason = "NOT_ACKNOWLEDGING"
	// ReasonShutdown: the server stops. Resumes elsewhere or later, jittered.
	ReasonShutdown Reason = "SHUTDOWN"
	// ReasonStreamAge: the stream was asked to reconnect and did not. Resumes.
	ReasonStreamAge Reason = "STREAM_AGE"
	// ReasonReplaced: the same client instance attached again. It is already on
	// its new stream.
	ReasonReplaced Reason = "REPLACED"
	// ReasonSuperseded: another client instance attached to the connection.
	// Stops and informs its user.
	ReasonSuperseded Reason = "SUPERSEDED"
	// ReasonSessionExpired: the session's expiry and its grace have passed.
	// Signs in.
	ReasonSessionExpired Reason = "SESSION_EXPIRED"
	// ReasonSessionRevoked: signed out, password changed, or reuse of a refresh
	// token detected. Signs in.
	ReasonSessionRevoked Reason = "SESSION_REVOKED"
	// ReasonUserSuspended: the user may not use the service now. Signs in later.
	ReasonUserSuspended Reason = "USER_SUSPENDED"
	// ReasonUnknownConnection: no such connection. Signs in.
	ReasonUnknownConnection Reason = "UNKNOWN_CONNECTION"
	// ReasonNotYourConnection: the connection belongs to another user. Signs in.
	ReasonNotYourConnection Reason = "NOT_YOUR_CONNECTION"
	// ReasonBadCursor: the cursor is not valid. Does not retry.
	ReasonBadCursor Reason = "BAD_CURSOR"
	// ReasonBadSubscription: the subscription is not valid. Does not retry.
	ReasonBadSubscription Reason = "BAD_SUBSCRIPTION"
	// ReasonDisconnected: the client went away, or its transport failed. It is for
	// records only, because no client is left to read it.
	ReasonDisconnected Reason = "DISCONNECTED"
	// ReasonInternal: the opening failed in the server. Resumes with backoff.
	ReasonInternal Reason = "INTERNAL"
)

// End is the error with which a stream ends.
type End struct {
	Reason  Reason
	Message string // For people; contains no secrets.
	Err     error  // The cause, when there is one.
	Cause   string // With ReasonDisconnected: the result of Config.Gone.
}

// Error returns the reason and the message.
func (e *End) Error() string {
	if e.Message == "" {
		return "push: stream ended: " + string(e.Reason)
	}
	return fmt.Sprintf("push: stream ended: %s: %s", e.Reason, e.Message)
}

// Unwrap returns the cause.
func (e *End) Unwrap() error { return e.Err }

// Gone returns the end of a stream whose client went away. A send function that fails
// returns it, with the context of its call.
func (s *Stream) Gone(ctx context.Context, message string, err error) *End {
	return s.hub.Gone(ctx, message, err)
}

// Gone is Stream.Gone without a stream: a Source returns it when it cannot read
// because the context of the stream's call has ended.
func (h *Hub) Gone(ctx context.Context, message string, err error) *End {
	e := &End{Reason: ReasonDisconnected, Message: message, Err: err}
	if gone := h.config.Gone; gone != nil {
		e.Cause = gone(ctx)
	}
	return e
}

// ReasonOf returns the reason of the *End in err's chain, or "".
func ReasonOf(err error) Reason {
	var end *End
	if errors.As(err, &end) {
		return end.Reason
	}
	return ""
}

// Refusals. All are matched with errors.Is.
var (
	// ErrOutOfOrder: a publication's sequence is not greater than the last.
	ErrOutOfOrder = errors.New("push: sequence does not rise")
	// ErrNotCurrent: AttachRequest.After is not the last published sequence; the
	// caller does not hold the lock that excludes Publish.
	ErrNotCurrent = errors.New("push: attach is not at the last published sequence")
	// ErrDraining: the hub takes no new streams because it is stopping.
	ErrDraining = errors.New("push: draining")
	// ErrTooManyStreams: the user or the address has as many streams as allowed.
	ErrTooManyStreams = errors.New("push: too many streams")
	// ErrTooManyTopics: the stream would have more topics than allowed.
	ErrTooManyTopics = errors.New("push: too many topics")
	// ErrBadInterval: the state interval is outside its range.
	ErrBadInterval = errors.New("push: bad state interval")
	// ErrNotAttached: no stream is attached to the connection here.
	ErrNotAttached = errors.New("push: no stream attached")
	// ErrNotYours: the connection's stream belongs to another user.
	ErrNotYours = errors.New("push: stream of another user")
	// ErrOtherAttach: the acknowledgement names another attach of the
	// connection than the one that is live.
	ErrOtherAttach = errors.New("push: acknowledgement for another attach")
	// ErrFuture: the acknowledgement names a response that was not sent yet.
	ErrFuture = errors.New("push: acknowledged more than was sent")
	// ErrConsumed: the stream's Serve or Start was called before.
	ErrConsumed = errors.New("push: Serve was already called for this stream")
)
