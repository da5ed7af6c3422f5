package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Every stream's end gets a reason. What this side did comes first, then the venue's
// reason, then what was observed on the connection, then the gRPC code. No error text is
// parsed.

// Reasons of this side.
const (
	ReasonWatchdog  = "WATCHDOG"   // nothing came for the watchdog interval
	ReasonNoHello   = "NO_HELLO"   // the stream did not begin in time
	ReasonGap       = "GAP"        // a response does not follow the one before
	ReasonClockJump = "CLOCK_JUMP" // the machine slept
	ReasonReconnect = "RECONNECT"  // the next stream had taken over, as the venue asked
	ReasonAbandoned = "ABANDONED"  // it was to take over, but the stream before broke first
	ReasonDiverged  = "DIVERGED"   // the client's digest differs from the venue's: a snapshot follows
	ReasonTooLarge  = "TOO_LARGE"  // one event is larger than the client keeps
	ReasonSettings  = "SETTINGS"   // the client's intervals contradict the venue's
	ReasonLeft      = "LEFT"       // the loop was left, its context ended or the client closed
)

// Reasons of the connection, where neither side gave one. Otherwise the reason is the
// name of the gRPC code.
const (
	ReasonUnreachable = "UNREACHABLE"  // no connection could be made
	ReasonConnectLost = "CONNECT_LOST" // the connection was closed or reset, by the venue's process or a proxy
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
	EnderConnection Ender = "CONNECTION" // the network, a proxy, or a process that died
)

// End is how one stream of a [Feed] ended.
type End struct {
	By Ender
	// Reason is one of the venue's or of this package's, or the name of a gRPC code such
	// as "PERMISSION_DENIED".
	Reason string
	// Detail is for people: what was observed on the connection.
	Detail string
	// Err is what the stream ended with; its code is status.Code(Err).
	Err error
	// GoAway is the connection's GOAWAY frame, if one arrived, also where the end has
	// another reason.
	GoAway *GoAway
	// Succeeded says that the next stream had taken over: nothing was interrupted.
	Succeeded bool

	// Began is when the stream was asked for, by this machine's clock.
	Began time.Time
	// Age is how long it lasted, Idle how long before its end the last response arrived.
	Age, Idle time.Duration
	// Bytes and Responses are what it carried; bytes with gRPC's framing, without
	// HTTP/2's.
	Bytes, Responses uint64
	// Cursor is where the feed stood.
	Cursor string
	// Attach is the venue's number of the stream, 0 for one that did not begin.
	Attach uint64
	// Acknowledged is the number of the last response whose acknowledgement the venue
	// accepted, at AcknowledgedAt; 0 for none.
	Acknowledged   uint64
	AcknowledgedAt time.Time
	// Peer is the address of the other end, empty if there was no connection.
	Peer string
}

// EndError says that the feed has ended and does not reconnect.
type EndError struct {
	// Reason is one of the venue's, ReasonTooLarge or ReasonSettings.
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
func classify(ctx context.Context, err error, seen *observation, keepalive time.Duration) (by Ender, reason, detail string) {
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
	case seen.trailers: // A proxy's status: the venue's have reasons.
		return EnderConnection, code.Code(status.Code(err)).String(), ""
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
		return EnderConnection, code.Code(status.Code(err)).String(), ""
	}
}
