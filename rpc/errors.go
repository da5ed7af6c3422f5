package rpc

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/account"
	"todoku/engine"
	"todoku/feed"
	"todoku/history"
	"todoku/journal"
	"todoku/push"
	"todoku/push/grpcpush"
	"todoku/trade"
)

// Refusals of the doors themselves.
var (
	errNoToken      = errors.New("rpc: no access token")
	errTokenExpired = errors.New("rpc: access token expired")
	errForbidden    = errors.New("rpc: role does not allow the method")
	errUndecided    = errors.New("rpc: method is not in the table")
	errMalformed    = errors.New("rpc: request cannot be decoded")
	errTooLarge     = errors.New("rpc: request is too large")
	errNoSession    = errors.New("rpc: no such session of the caller")
)

// row is how an error is reported to a client.
type row struct {
	err    error
	code   codes.Code
	reason string
	text   string
}

// table is the one place where errors of the packages below become codes and
// reasons. The first row whose error matches by errors.Is counts. Refusals of
// the venue and ends of streams have their own reasons and texts (below). An error
// without a row is INTERNAL, and its text is withheld.
func table() []row {
	return []row{
		{errNoToken, codes.Unauthenticated, "NO_TOKEN", "Sign in, and send the access token as \"authorization: Bearer ...\" metadata."},
		{errTokenExpired, codes.Unauthenticated, "TOKEN_EXPIRED", "The access token has expired; refresh the session."},
		{errForbidden, codes.PermissionDenied, "NOT_PERMITTED", "Your role does not allow this; ask an administrator."},
		{errUndecided, codes.Unimplemented, "UNKNOWN_METHOD", "There is no such method."},
		{errMalformed, codes.InvalidArgument, "MALFORMED_REQUEST", "The request is not the message that this method takes, or a text in it is not UTF-8."},
		{errTooLarge, codes.ResourceExhausted, "REQUEST_TOO_LARGE", "The request is larger than the server accepts; send less at once."},
		{errNoSession, codes.NotFound, "UNKNOWN_SESSION", "There is no such session of yours; list your sessions."},
		{errAttachRate, codes.ResourceExhausted, "ATTACH_RATE", "Streams are opened faster than allowed; wait."},
		{errSubscribeRate, codes.ResourceExhausted, "SUBSCRIPTION_RATE", "The subscription changes faster than allowed; wait."},
		{errSignInRate, codes.ResourceExhausted, "SIGN_IN_RATE", "Sign-ins come from your network faster than allowed; wait."},
		{errSessionRate, codes.ResourceExhausted, "SESSION_RATE", "You change your password or sessions faster than allowed; wait."},
		{errTooManyCalls, codes.ResourceExhausted, "TOO_MANY_CALLS", "More calls are under way than allowed; wait for answers."},
		{errArriving, codes.ResourceExhausted, "TOO_MANY_CALLS", "More requests are on their way than allowed; send them whole, and wait for answers."},
		{errDecoding, codes.ResourceExhausted, "TOO_MANY_CALLS", "The requests under way are larger than allowed together; wait for answers."},

		{account.ErrInvalid, codes.InvalidArgument, "BAD_TEXT", "A name or password is empty, too long or not UTF-8."},
		{account.ErrBadCredentials, codes.Unauthenticated, "BAD_CREDENTIALS", "The user name or the password is wrong."},
		{account.ErrWrongPassword, codes.PermissionDenied, "WRONG_PASSWORD", "The old password is wrong."},
		{account.ErrLockedOut, codes.ResourceExhausted, "LOCKED_OUT", "Too many attempts failed; wait and try again."},
		{account.ErrBusy, codes.Unavailable, "BUSY", "Too many sign-ins at once; try again in a moment."},
		{account.ErrBadToken, codes.Unauthenticated, "BAD_TOKEN", "The token was not issued by this server for this use; sign in."},
		{account.ErrReused, codes.Unauthenticated, "TOKEN_REUSED", "The refresh token was used before, so somebody else may have it; the session was ended. Sign in."},
		{account.ErrExpired, codes.Unauthenticated, string(push.ReasonSessionExpired), "The session has expired; sign in."},
		{account.ErrRevoked, codes.Unauthenticated, string(push.ReasonSessionRevoked), "The session has ended; sign in."},
		{account.ErrUnavailable, codes.Unavailable, "ACCOUNTS_UNAVAILABLE", "The server cannot read or write its accounts now; live streams go on. Try again later."},
		{account.ErrTooManySessions, codes.ResourceExhausted, "TOO_MANY_SESSIONS", "The user has as many sessions as allowed; sign out somewhere."},
		{account.ErrTooManyConnections, codes.ResourceExhausted, "TOO_MANY_CONNECTIONS", "The user has as many attached connections as allowed; close one."},
		{account.ErrUnknownConnection, codes.NotFound, string(push.ReasonUnknownConnection), "There is no such connection; open one or sign in."},
		{account.ErrNotYourConnection, codes.PermissionDenied, string(push.ReasonNotYourConnection), "The connection belongs to another session; open one or sign in."},
		{account.ErrConflict, codes.Aborted, trade.ReasonChangedMeanwhile.String(), trade.ReasonChangedMeanwhile.Sentence()},

		{engine.ErrStopped, codes.Unavailable, string(push.ReasonShutdown), "The server is stopping; try again."},
		{engine.ErrNotLeader, codes.Unavailable, "NOT_LEADER", "Another node takes commands now; this one was not carried out. Try again."},
		{engine.ErrNotDurable, codes.Unavailable, "NOT_DURABLE", "The server cannot write to its disk, so it accepts no commands; queries still work. Try again later."},
		{engine.ErrOutcomeUnknown, codes.DeadlineExceeded, "OUTCOME_UNKNOWN", "The answer did not come in time and the request may have been carried out; send the same request again to get its outcome."},

		{feed.ErrStopped, codes.Unavailable, string(push.ReasonShutdown), "The server is stopping; try again."},
		{history.ErrStopped, codes.Unavailable, string(push.ReasonShutdown), "The server is stopping; try again."},
		{history.ErrAhead, codes.InvalidArgument, string(push.ReasonBadCursor), "That is not a cursor of this venue; take one from a response."},
		{feed.ErrUnknownUser, codes.NotFound, trade.ReasonUnknownUser.String(), trade.ReasonUnknownUser.Sentence()},
		{feed.ErrSuspended, codes.Unauthenticated, string(push.ReasonUserSuspended), trade.ReasonSuspended.Sentence()},
		{feed.ErrNotPermitted, codes.PermissionDenied, trade.ReasonNotPermitted.String(), trade.ReasonNotPermitted.Sentence()},
		{feed.ErrBadSubscription, codes.InvalidArgument, string(push.ReasonBadSubscription), "The subscription is not valid."},
		{feed.ErrUnknownEpoch, codes.InvalidArgument, string(push.ReasonBadCursor), "The cursor is of another history: the venue was set up anew."},
		{feed.ErrTooFarBehind, codes.OutOfRange, "TOO_FAR_BEHIND", "Too much happened since the cursor, or too long ago, to list it; begin without a cursor."},
		{feed.ErrCompacted, codes.OutOfRange, "COMPACTED", "The history of that time is no longer kept; begin at a later time."},
		{history.ErrBadPageToken, codes.InvalidArgument, "BAD_PAGE_TOKEN", "The page token is not one of this listing; begin without one."},
		{feed.ErrReattach, codes.FailedPrecondition, "REATTACH", "The change needs more state than a live stream can take; attach again without a cursor."},
		{journal.ErrCompacted, codes.OutOfRange, "COMPACTED", "The history of that time is no longer kept; begin at a later time."},

		{push.ErrBadCursor, codes.InvalidArgument, string(push.ReasonBadCursor), "That is not a cursor of this venue; take one from a response."},
		{push.ErrDraining, codes.Unavailable, string(push.ReasonShutdown), "The server is stopping; try again."},
		{push.ErrTooManyStreams, codes.ResourceExhausted, "TOO_MANY_STREAMS", "The user or the address has as many streams as allowed; close one."},
		{push.ErrTooManyTopics, codes.InvalidArgument, string(push.ReasonBadSubscription), "The subscription asks for more than a stream may carry."},
		{push.ErrBadInterval, codes.InvalidArgument, string(push.ReasonBadSubscription), "The state interval is outside its range."},
		{push.ErrNotAttached, codes.FailedPrecondition, "NOT_ATTACHED", "No stream is attached to the connection; attach one."},
		{push.ErrNotYours, codes.PermissionDenied, string(push.ReasonNotYourConnection), "The connection belongs to another session; open one or sign in."},
		{push.ErrOtherAttach, codes.FailedPrecondition, "OTHER_ATTACH", "Another stream is attached to the connection now; acknowledge on that one."},
		{push.ErrFuture, codes.InvalidArgument, "NOT_SENT", "That response was not sent yet; acknowledge only responses that have arrived."},

		{context.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE", "The answer did not come in time; try again."},
		{context.Canceled, codes.Canceled, string(push.ReasonDisconnected), "The caller disconnected."},
	}
}

// reasonByVenue is the reason of a stream that an administrator ended. The client
// resumes, as its session goes on.
const reasonByVenue push.Reason = "BY_VENUE"

// refusalCode returns the code of a refusal. The hundreds digit of the reason decides,
// with a few exceptions.
func refusalCode(reason trade.Reason) codes.Code {
	switch reason { //nolint:exhaustive // the hundreds below stand for the others
	case trade.ReasonRateLimit:
		return codes.ResourceExhausted
	case trade.ReasonRequestReused, trade.ReasonAlreadyExists:
		return codes.AlreadyExists
	case trade.ReasonChangedMeanwhile:
		return codes.Aborted
	}
	switch hundreds := int(reason) / 100; hundreds {
	case 1:
		return codes.InvalidArgument
	case 2:
		return codes.NotFound
	case 3:
		return codes.PermissionDenied
	case 4, 5, 6:
		return codes.FailedPrecondition
	}
	return codes.Internal
}

// retryRateLimit is how long a caller over its message rate must wait: rates
// are per second.
const retryRateLimit = time.Second

// explain returns what a client gets for an error.
func (s *Server) explain(err error) *problem {
	var refusal *trade.Refusal
	var end *push.End
	switch {
	case errors.As(err, &refusal):
		return explainRefusal(refusal)
	case errors.As(err, &end):
		return explainEnd(end)
	}
	for _, r := range s.table {
		if errors.Is(err, r.err) {
			return s.explainRow(r, err)
		}
	}
	if st, ok := status.FromError(err); ok && st.Code() == codes.Unimplemented {
		return s.explain(errUndecided)
	}
	return withheld()
}

func withheld() *problem {
	return &problem{
		code: codes.Internal, reason: string(push.ReasonInternal), withheld: true,
		text: "Something went wrong on the server; it has been reported. Try again.",
	}
}

func explainRefusal(r *trade.Refusal) *problem {
	p := &problem{
		code: refusalCode(r.Reason), reason: r.Reason.String(), text: r.Reason.Sentence(), field: r.Field,
		metadata: map[string]string{"code": strconv.Itoa(int(r.Reason))},
	}
	if r.Detail != "" {
		p.text += " (" + r.Detail + ")"
	}
	if r.Reason == trade.ReasonRateLimit {
		p.retryAfter = retryRateLimit
	}
	p.withheld = p.code == codes.Internal
	return p
}

func explainEnd(end *push.End) *problem {
	if end.Reason == push.ReasonInternal {
		return withheld()
	}
	code := grpcpush.Code(end.Reason)
	if end.Reason == reasonByVenue {
		code = codes.Unavailable
	}
	return &problem{code: code, reason: string(end.Reason), text: cmp.Or(end.Message, "The stream ended.")}
}

// explainRow adds the details of the error to its row.
func (s *Server) explainRow(r row, err error) *problem {
	p := &problem{code: r.code, reason: r.reason, text: r.text}
	var field *fieldError
	if errors.As(err, &field) {
		p.field = field.field
	}
	var locked *account.LockedOutError
	if errors.As(err, &locked) {
		p.metadata = map[string]string{"until": locked.Until.UTC().Format(time.RFC3339)}
		p.retryAfter = max(locked.Until.Sub(s.options.Clock()), time.Second)
	}
	var limit *limitError
	if errors.As(err, &limit) {
		p.metadata, p.retryAfter = map[string]string{"limit": limit.limit}, limit.after
	}
	var subscription *feed.SubscriptionError
	if errors.As(err, &subscription) {
		p.text, p.field = "The subscription is not valid: "+subscription.Problem+".", "subscription"
	}
	return p
}
