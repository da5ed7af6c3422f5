package grpcpush

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/push"
)

// What a client gets at a stream's end: a code for those who know no more of a
// service than gRPC, and the reason in a google.rpc.ErrorInfo for its own clients.

// Code returns the status code with which a stream ends for a reason; what to do
// about it follows from the reason. One that push does not know is INTERNAL.
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

// Status returns what a handler returns for the error of Serve or Attach: the code
// of the end's reason, its message, and the reason in an ErrorInfo of the domain,
// which names the service. A draining hub's refusal is a SHUTDOWN. The text of any
// other error, and of an INTERNAL end, is withheld: it is not the client's business,
// so a caller that needs it logs it. Nil for nil.
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
		s = detailed // It fails for OK only, which no reason is.
	}
	return s.Err()
}
