package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Why streams end. Who asks "why was I cut off?" gets an answer here, for every
// stream, also those that nobody noticed: what this side did comes first, then the
// venue's word, then what was seen of the connection, then the code. No text is
// looked at.

// Reasons of this side.
const (
	ReasonWatchdog  = "WATCHDOG"   // nothing came for the watchdog interval
	ReasonNoHello   = "NO_HELLO"   // the stream did not begin in time
	ReasonGap       = "GAP"        // a response does not follow the one before
	ReasonClockJump = "CLOCK_JUMP" // the machine slept
	ReasonReconnect = "RECONNECT"  // the next stream had taken over, as the venue asked
	ReasonAbandoned = "ABANDONED"  // it was to take over, and the stream before broke first
	ReasonDiverged  = "DIVERGED"   // what was handed on is not what the venue holds: a snapshot follows
	ReasonTooLarge  = "TOO_LARGE"  // one event is larger than what is kept of it
	ReasonSettings  = "SETTINGS"   // the client's intervals contradict the venue's
	ReasonLeft      = "LEFT"       // the loop was left, its context ended or the client closed
)

// Reasons of the connection, where neither side gave one. An end that has none of
// these either has the name of its gRPC code.
const (
	ReasonUnreachable = "UNREACHABLE"  // no connection could be made
	ReasonConnectLost = "CONNECT_LOST" // the connection was closed or reset: the process has gone, or something between
	ReasonKeepalive   = "KEEPALIVE"    // nothing came, not even the answer to a PING
	ReasonGoAway      = "GOAWAY"       // the connection was ended by a GOAWAY frame
	ReasonReset       = "RESET"        // the stream was ended by an RST_STREAM frame; proxies do that
	ReasonNoTrailers  = "NO_TRAILERS"  // the stream ended without a status; proxies do that
	ReasonCleanEnd    = "CLEAN_END"    // the stream ended with the status OK, which says nothing
)

// Ender is who ended a stream.
type Ender string

// Who ends streams.
const (
	EnderUser       Ender = "USER"       // the program that followed it
	EnderClient     Ender = "CLIENT"     // this package
	EnderVenue      Ender = "VENUE"      // the venue, by a reason
	EnderConnection Ender = "CONNECTION" // whatever lies between, or a process that has gone
)

// End is how one stream of a [Feed] ended.
type End struct {
	By Ender
	// Reason is one of the venue's words or of this package's, or the name of a
	// gRPC code such as "PERMISSION_DENIED" where there was nothing else.
	Reason string
	// Detail is for people: what was seen of the connection.
	Detail string
	// Err is what the stream ended with; its code is status.Code(Err).
	Err error
	// GoAway is what the other end said to the whole connection, if it did; also
	// where the end has another reason.
	GoAway *GoAway
	// Succeeded says that the next stream had taken over: nothing was interrupted.
	Succeeded bool

	// Began is when the stream was asked for, by this machine's clock.
	Began time.Time
	// Age is how long it lasted, Idle how long nothing had come when it ended.
	Age, Idle time.Duration
	// Bytes and Responses are what it carried; bytes with gRPC's framing, without
	// HTTP/2's.
	Bytes, Responses uint64
	// Cursor is where the feed stood.
	Cursor string
	// Attach is the venue's number of the stream, 0 for one that did not begin.
	Attach uint64
	// Acknowledged is the number of the last response for which the venue took the
	// receipt, at AcknowledgedAt; 0 for none.
	Acknowledged   uint64
	AcknowledgedAt time.Time
	// Peer is the address of the other end, empty if there was no connection.
	Peer string
}

// EndError says that the feed is over and will not come back by itself.
type EndError struct {
	// Reason is one of the venue's words, ReasonTooLarge or ReasonSettings.
	Reason string
	// Err is the gRPC status, if it was the venue's.
	Err error
}

func (e *EndError) Error() string { return fmt.Sprintf("client: feed ended: %s: %v", e.Reason, e.Err) }

// Unwrap returns Err.
func (e *EndError) Unwrap() error { return e.Err }

// ownEnd is why this side ended a stream.
type ownEnd struct {
	reason string
	err    error // What is wrong, if that is more than the reason says.
}

func (e *ownEnd) Error() string {
	if e.err != nil {
		return e.err.Error()
	}
	return "client: " + e.reason
}

func (e *ownEnd) Unwrap() error { return e.err }

// classify names who ended a stream, and why. The context is the feed's.
func classify(ctx context.Context, err error, seen *scene, keepalive time.Duration) (by Ender, reason, detail string) {
	var own *ownEnd
	switch {
	case errors.As(err, &own):
		return EnderClient, own.reason, ""
	case errors.Is(err, errStopped), ctx.Err() != nil:
		return EnderUser, ReasonLeft, ""
	case Reason(err) != "":
		return EnderVenue, Reason(err), ""
	case errors.Is(err, io.EOF):
		return EnderConnection, ReasonCleanEnd, ""
	case seen.trailers: // Somebody's status: not the venue's, which has reasons.
		return EnderConnection, codeName(status.Code(err)), ""
	case seen.reset != "":
		return EnderConnection, ReasonReset, "RST_STREAM " + seen.reset
	case seen.bare:
		return EnderConnection, ReasonNoTrailers, ""
	}
	if reason, detail := seen.lostBy(keepalive); reason != "" {
		return EnderConnection, reason, detail
	}
	switch {
	case seen.goAway != nil:
		return EnderConnection, ReasonGoAway, seen.goAway.String()
	case seen.refused != nil:
		return EnderConnection, ReasonUnreachable, seen.refused.Error()
	case seen.since.IsZero() && status.Code(err) == codes.Unavailable:
		return EnderConnection, ReasonUnreachable, ""
	default:
		return EnderConnection, codeName(status.Code(err)), ""
	}
}

// codeName is a code as the protocol writes it, "PERMISSION_DENIED".
func codeName(c codes.Code) string {
	names := [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return c.String()
}
