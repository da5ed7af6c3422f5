package doctor

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// How says by what a stream ended.
type How string

// The ways in which a stream can end.
const (
	// ByStatus: trailers with a gRPC status came; the code is gRPC's.
	ByStatus How = "STATUS"
	// ByHTTPStatus: an answer that is not gRPC's; the code is HTTP's.
	ByHTTPStatus How = "HTTP_STATUS"
	// ByReset: RST_STREAM for this stream alone; the code is HTTP/2's.
	ByReset How = "RST_STREAM"
	// ByNoTrailers: END_STREAM where a gRPC server would have sent trailers.
	ByNoTrailers How = "NO_TRAILERS"
	// ByGoAway: GOAWAY, and the connection is over; the code is HTTP/2's.
	ByGoAway How = "GOAWAY"
	// ByClose: the TCP or TLS connection was closed in good order.
	ByClose How = "CLOSED"
	// ByTCPReset: the TCP connection was reset.
	ByTCPReset How = "TCP_RESET"
	// ByNoAnswer: nothing says that it has ended, but it answers no more.
	ByNoAnswer How = "NO_ANSWER"
	// ByFailure: it could not be opened, or something else failed on this side.
	ByFailure How = "FAILURE"
)

// End is why a stream ended.
type End struct {
	How How `json:"how"`
	// Code is gRPC's, HTTP's or HTTP/2's, by How; empty where there is none.
	Code string `json:"code,omitempty"`
	// Debug is GOAWAY's debug data, a status' message, or the error's text.
	Debug string `json:"debug,omitempty"`
}

// String returns the end in a few words for people.
func (e *End) String() string {
	if e == nil {
		return "lived"
	}
	text := string(e.How)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Debug != "" {
		text += " (" + strconv.QuoteToGraphic(e.Debug)[1:len(strconv.QuoteToGraphic(e.Debug))-1] + ")"
	}
	return text
}

// ok says whether a call ended well.
func (e *End) ok() bool { return e != nil && e.How == ByStatus && e.Code == codes.OK.String() }

// calm says whether a connection was ended for too many PINGs.
func (e *End) calm() bool {
	return e != nil && e.How == ByGoAway && e.Code == http2.ErrCodeEnhanceYourCalm.String()
}

// ofStream says whether only the stream ended, and its connection lives on.
func (e *End) ofStream() bool {
	return e != nil && (e.How == ByReset || e.How == ByNoTrailers || e.How == ByStatus || e.How == ByHTTPStatus)
}

// longestDebug bounds what is kept of a peer's words.
const longestDebug = 200

func cut(text string) string {
	if len(text) > longestDebug {
		text = strings.ToValidUTF8(text[:longestDebug], "") + "…"
	}
	return text
}

// ofConnection names the end of a connection that could be read no more.
func ofConnection(err error) *End {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &End{How: ByClose}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &End{How: ByTCPReset}
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return &End{How: ByNoAnswer}
	}
	return &End{How: ByFailure, Debug: cut(err.Error())}
}

// statusName returns the name of a gRPC status as it stands in trailers.
func statusName(number string) string {
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return cut(number)
	}
	return codes.Code(n).String()
}
