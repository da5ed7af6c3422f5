package grpcpush

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/push"
)

// The status that a client gets at a stream's end: a code for generic gRPC clients,
// and the reason in a google.rpc.ErrorInfo for clients of the service.

// Code returns the status code of a stream that ends for a reason; an unknown reason
// gives INTERNAL. What a client does about it depends on the reason, not on the code.
func Code(reason push.Reason) codes.Code {
	switch reason {
	case push.ReasonSlowConsumer:
		return codes.ResourceExhausted
	case push.ReasonNotAcknowledging:
		return codes.DeadlineExceeded
	case push.ReasonShutdown, push.ReasonStreamAge:
		return codes.Unavailable
	case push.ReasonReplaced, push.ReasonSuperseded:
		return codes.Aborted
	case push.ReasonSessionExpired, push.ReasonSessionRevoked, push.ReasonUserSuspended:
		return codes.Unauthenticated
	case push.ReasonUnknownConnection:
		return codes.NotFound
	case push.ReasonNotYourConnection:
		return codes.PermissionDenied
	case push.ReasonBadCursor, push.ReasonBadSubscription:
		return codes.InvalidArgument
	case push.ReasonDisconnected: // No client is left.
		return codes.Canceled
	case push.ReasonInternal:
	}
	return codes.Internal
}

// Status returns the status for an error of Serve or Attach: the code of the end's
// reason, its message, and the reason in an ErrorInfo with the domain, which is the
// name of the service. push.ErrDraining becomes SHUTDOWN. The text of any other error,
// and of an INTERNAL end, is withheld from the client; the caller may log it. Nil for
// nil.
func Status(err error, domain string) error {
	if err == nil {
		return nil
	}
	end := &push.End{Reason: push.ReasonInternal}
	if !errors.As(err, &end) && errors.Is(err, push.ErrDraining) {
		end = &push.End{Reason: push.ReasonShutdown, Message: "the server is stopping"}
	}
	text := end.Message
	if end.Reason == push.ReasonInternal {
		text = "something went wrong on the server"
	}
	s := status.New(Code(end.Reason), text)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: string(end.Reason), Domain: domain}); err == nil {
		s = detailed // It fails for OK only, which no reason gives.
	}
	return s.Err()
}
