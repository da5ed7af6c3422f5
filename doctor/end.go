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

// The ways in which a stream can end. The code of an [End] is that of the protocol in
// parentheses.
const (
	ByStatus     How = "STATUS"      // trailers with a status arrived (gRPC)
	ByHTTPStatus How = "HTTP_STATUS" // an answer that is not gRPC's (HTTP)
	ByReset      How = "RST_STREAM"  // for this stream alone (HTTP/2)
	ByNoTrailers How = "NO_TRAILERS" // END_STREAM where a gRPC server sends trailers
	ByGoAway     How = "GOAWAY"      // and the connection is over (HTTP/2)
	ByClose      How = "CLOSED"      // the TCP or TLS connection was closed in order
	ByTCPReset   How = "TCP_RESET"   // the TCP connection was reset
	ByNoAnswer   How = "NO_ANSWER"   // no sign of an end, but no answer comes
	ByFailure    How = "FAILURE"     // it could not be opened, or this side failed
)

// End is why a stream ended.
type End struct {
	How How `json:"how"`
	// Code is gRPC's, HTTP's or HTTP/2's, by How; empty if there is none.
	Code string `json:"code,omitempty"`
	// Debug is GOAWAY's debug data, a status's message, or the error's text.
	Debug string `json:"debug,omitempty"`
}

// String returns the end in a few words.
func (e *End) String() string {
	if e == nil {
		return "lived"
	}
	text := string(e.How)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Debug != "" {
		quoted := strconv.QuoteToGraphic(e.Debug)
		text += " (" + quoted[1:len(quoted)-1] + ")"
	}
	return text
}

// ok says whether a call ended with the status OK.
func (e *End) ok() bool { return e != nil && e.How == ByStatus && e.Code == codes.OK.String() }

// tooManyPings says whether a connection was ended for too many PINGs.
func (e *End) tooManyPings() bool {
	return e != nil && e.How == ByGoAway && e.Code == http2.ErrCodeEnhanceYourCalm.String()
}

// ofStream says whether only the stream ended, and not its connection.
func (e *End) ofStream() bool {
	return e != nil && (e.How == ByReset || e.How == ByNoTrailers || e.How == ByStatus || e.How == ByHTTPStatus)
}

// cut bounds what is kept of a peer's text.
func cut(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// ofConnection returns the end of a connection from the error of reading it.
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

// statusName returns the name of a gRPC status from its number in trailers.
func statusName(number string) string {
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return cut(number)
	}
	return codes.Code(n).String()
}
