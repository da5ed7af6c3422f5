package client

import (
	"errors"
	"iter"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Why the venue ended a stream. See the protocol's table of endings.
const (
	ReasonSlowConsumer      = "SLOW_CONSUMER"
	ReasonNotAcknowledging  = "NOT_ACKNOWLEDGING"
	ReasonShutdown          = "SHUTDOWN"
	ReasonStreamAge         = "STREAM_AGE"
	ReasonReplaced          = "REPLACED"
	ReasonSuperseded        = "SUPERSEDED"
	ReasonSessionExpired    = "SESSION_EXPIRED"
	ReasonSessionRevoked    = "SESSION_REVOKED"
	ReasonUserSuspended     = "USER_SUSPENDED"
	ReasonUnknownConnection = "UNKNOWN_CONNECTION"
	ReasonNotYourConnection = "NOT_YOUR_CONNECTION"
	ReasonBadCursor         = "BAD_CURSOR"
	ReasonBadSubscription   = "BAD_SUBSCRIPTION"
)

// domain is that of the venue's errors; a proxy's may have another.
const domain = "todoku"

// Reason returns the name of the venue's refusal (google.rpc.ErrorInfo.reason), or ""
// for any other error.
func Reason(err error) string {
	for info := range details[*errdetails.ErrorInfo](err) {
		if info.GetDomain() == domain {
			return info.GetReason()
		}
	}
	return ""
}

// RetryAfter returns how long the venue asks to wait before a retry
// (google.rpc.RetryInfo); 0 if it does not say. Feeds wait by themselves, and add some
// jitter.
func RetryAfter(err error) time.Duration {
	for info := range details[*errdetails.RetryInfo](err) {
		return max(0, info.GetRetryDelay().AsDuration())
	}
	return 0
}

// Describe returns an error's text for people: the venue's sentence and the invalid
// fields.
func Describe(err error) string {
	s, ok := statusOf(err)
	if !ok {
		return err.Error()
	}
	text := s.Message()
	if text == "" {
		text = s.Code().String()
	}
	var fields []string
	for bad := range details[*errdetails.BadRequest](err) {
		for _, v := range bad.GetFieldViolations() {
			field := v.GetField()
			if v.GetDescription() != text { // Not the same text twice.
				field += ": " + v.GetDescription()
			}
			fields = append(fields, field)
		}
	}
	if len(fields) > 0 {
		return text + " (" + strings.Join(fields, "; ") + ")"
	}
	return text
}

// details returns the details of one type in an error's gRPC status.
func details[T any](err error) iter.Seq[T] {
	return func(yield func(T) bool) {
		s, _ := statusOf(err)
		for _, detail := range s.Details() {
			if d, ok := detail.(T); ok && !yield(d) {
				return
			}
		}
	}
}

// statusOf finds the gRPC status inside an error.
func statusOf(err error) (*status.Status, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return nil, false
	}
	return carrier.GRPCStatus(), true
}

// Unreachable says whether an error means that the venue could not be reached.
func Unreachable(err error) bool {
	s, ok := statusOf(err)
	return ok && s.Code() == codes.Unavailable && Reason(err) == ""
}
