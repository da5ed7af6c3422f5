package client

import (
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Why a stream ended, in the venue's words. See the protocol's table of endings.
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

// Reason returns the venue's word for an error (google.rpc.ErrorInfo.reason), or
// "" where there is none.
func Reason(err error) string {
	if s, ok := statusOf(err); ok {
		for _, detail := range s.Details() {
			if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
				return info.GetReason()
			}
		}
	}
	return ""
}

// Describe returns what a person should read of an error: the venue's sentence
// and the fields that are wrong.
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
	for _, detail := range s.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				field := v.GetField()
				if v.GetDescription() != text { // Said once is enough.
					field += ": " + v.GetDescription()
				}
				fields = append(fields, field)
			}
		}
	}
	if len(fields) > 0 {
		return text + " (" + strings.Join(fields, "; ") + ")"
	}
	return text
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
