package client

import (
	"errors"
	"fmt"
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

// Why this side ended a stream.
const (
	ReasonWatchdog    = "WATCHDOG"     // nothing came for the watchdog interval
	ReasonNoHello     = "NO_HELLO"     // the stream did not begin in time
	ReasonGap         = "GAP"          // a response does not follow the one before
	ReasonClockJump   = "CLOCK_JUMP"   // the machine slept
	ReasonReconnect   = "RECONNECT"    // the venue asked for it
	ReasonCleanEnd    = "CLEAN_END"    // the stream ended without a reason
	ReasonConnectLost = "CONNECT_LOST" // the connection broke, or could not be made
	ReasonTooLarge    = "TOO_LARGE"    // one event is larger than what is kept of it
)

// EndError says that the feed is over and will not come back by itself.
type EndError struct {
	// Reason is one of the venue's words, or ReasonTooLarge.
	Reason string
	// Err is the gRPC status, if it was the venue's.
	Err error
}

func (e *EndError) Error() string { return fmt.Sprintf("client: feed ended: %s: %v", e.Reason, e.Err) }

// Unwrap returns Err.
func (e *EndError) Unwrap() error { return e.Err }

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
