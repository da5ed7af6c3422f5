package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/credentials"
)

// grpc-go reports a broken stream as a sentence: the codes of GOAWAY and RST_STREAM and
// the error of the socket are not in its status, and its sentences change. So the frames
// are read between TLS and HTTP/2: the headers, and the payloads of these two types
// (RFC 9113, sections 4.1, 6.1, 6.2, 6.4 and 6.8). Each connection carries one stream.

// GoAway is the GOAWAY frame that the server sent (RFC 9113, 6.8).
type GoAway struct {
	// Code is HTTP/2's name of the error code, "NO_ERROR" for an orderly shutdown.
	Code string
	// Debug is the frame's debug data, for example "too_many_pings"; at most 256 bytes.
	Debug string
}

type frameObserver struct {
	mu sync.Mutex // protects what follows
	observation
	frames frames
}

// observation is what happened on a connection.
type observation struct {
	since    time.Time // When it was established; zero for never.
	peer     string    // The server's address.
	refused  error     // Why the TLS handshake failed.
	payload  uint64    // Bytes of DATA frames.
	heard    time.Time // When the last bytes arrived.
	trailers bool      // The stream ended with a status, as gRPC's streams do.
	bare     bool      // The stream ended without a status.
	reset    string    // The code of the RST_STREAM that ended the stream.
	goAway   *GoAway   // The latest.
	lost     error     // The first error of reading or writing.
	closed   time.Time // When that was.
}

func (o *frameObserver) observed() observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.observation
}

// connected records the result of a handshake. An earlier connection, which failed
// before it had a stream, is forgotten.
func (o *frameObserver) connected(conn net.Conn, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refused = err; err == nil {
		now := time.Now()
		o.observation, o.frames = observation{since: now, peer: conn.RemoteAddr().String(), heard: now}, frames{}
	}
}

// read records bytes that arrived, and the first error of the connection.
func (o *frameObserver) read(p []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(p) > 0 {
		o.heard = time.Now()
		o.frames.read(p, o.frame)
	}
	if err != nil && o.lost == nil {
		o.lost, o.closed = err, time.Now()
	}
}

// frame records a frame. The caller holds mu.
func (o *frameObserver) frame(h http2.FrameHeader, payload []byte) {
	switch h.Type { //nolint:exhaustive // The others say nothing about ends.
	case http2.FrameData:
		o.payload += uint64(h.Length)
		o.bare = o.bare || h.Flags.Has(http2.FlagDataEndStream)
	case http2.FrameHeaders:
		o.trailers = o.trailers || h.Flags.Has(http2.FlagHeadersEndStream)
	case http2.FrameRSTStream:
		if len(payload) >= 4 {
			o.reset = http2.ErrCode(binary.BigEndian.Uint32(payload)).String()
		}
	case http2.FrameGoAway:
		if len(payload) >= 8 {
			o.goAway = &GoAway{Code: http2.ErrCode(binary.BigEndian.Uint32(payload[4:])).String(), Debug: string(payload[8:])}
		}
	}
}

// lostBy returns how the connection was lost: by the keepalive's timeout, by the other
// end, or by this one.
func (s *observation) lostBy(timeout time.Duration) (reason, detail string) {
	silent := s.closed.Sub(s.heard)
	// grpc-go gives a connection a second to end when it closes it.
	var expired net.Error
	own := errors.As(s.lost, &expired) && expired.Timeout() || errors.Is(s.lost, net.ErrClosed) || errors.Is(s.lost, io.ErrClosedPipe)
	switch {
	case s.lost == nil:
		return "", ""
	case errors.Is(s.lost, syscall.ETIMEDOUT), own && silent >= timeout:
		// TCP's own timeout is the same (gRPC proposal A18); either may expire first.
		return ReasonKeepalive, fmt.Sprintf("nothing came for %s, not even the answer to a PING", silent.Round(time.Millisecond))
	case s.goAway != nil:
		return ReasonGoAway, s.goAway.String()
	case errors.Is(s.lost, io.EOF), errors.Is(s.lost, io.ErrUnexpectedEOF):
		return ReasonConnectLost, "closed by the other end"
	case errors.Is(s.lost, syscall.ECONNRESET), errors.Is(s.lost, syscall.EPIPE):
		return ReasonConnectLost, "reset by the other end"
	case own:
		return ReasonConnectLost, "closed by this end: invalid HTTP/2 arrived"
	default:
		return ReasonConnectLost, s.lost.Error()
	}
}

// String returns the frame's name, code and debug data.
func (g *GoAway) String() string {
	if g.Debug == "" {
		return "GOAWAY " + g.Code
	}
	return fmt.Sprintf("GOAWAY %s %q", g.Code, g.Debug)
}

// mostPayload bounds what is kept of a payload: a GOAWAY's two numbers and 256 bytes.
const mostPayload = 8 + 256

// frames splits the bytes of a connection into frames without validating them.
type frames struct {
	header  [9]byte
	have    int // Bytes of the header.
	current http2.FrameHeader
	left    uint32 // Bytes of the payload that have not arrived.
	payload []byte // What is kept of it.
}

// read takes the next bytes and calls seen for each complete frame. The payload is given
// for GOAWAY and RST_STREAM only, cut at mostPayload, and valid during the call.
func (f *frames) read(p []byte, seen func(http2.FrameHeader, []byte)) {
	for len(p) > 0 {
		if f.have < len(f.header) {
			n := copy(f.header[f.have:], p)
			f.have += n
			if p = p[n:]; f.have < len(f.header) {
				return
			}
			length := uint32(f.header[0])<<16 | uint32(f.header[1])<<8 | uint32(f.header[2])
			f.current = http2.FrameHeader{Type: http2.FrameType(f.header[3]), Flags: http2.Flags(f.header[4]), Length: length}
			f.left, f.payload = length, f.payload[:0]
		}
		n := min(len(p), int(f.left))
		if f.current.Type == http2.FrameGoAway || f.current.Type == http2.FrameRSTStream {
			f.payload = append(f.payload, p[:min(n, mostPayload-len(f.payload))]...)
		}
		f.left -= uint32(n)
		p = p[n:]
		if f.left == 0 {
			f.have = 0
			seen(f.current, f.payload)
		}
	}
}

// observedCredentials are [credentials.TransportCredentials] that record what happens on
// their connections.
type observedCredentials struct {
	credentials.TransportCredentials
	observer *frameObserver
}

func (c *observedCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	c.observer.connected(conn, err)
	if err != nil {
		return conn, info, err //nolint:wrapcheck // grpc-go looks at it.
	}
	return &observedConn{conn, c.observer}, info, nil
}

func (c *observedCredentials) Clone() credentials.TransportCredentials {
	return &observedCredentials{c.TransportCredentials.Clone(), c.observer}
}

// observedConn records what is read from a connection, and how it fails.
type observedConn struct {
	net.Conn
	observer *frameObserver
}

func (c *observedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.observer.read(p[:n], err)
	return n, err //nolint:wrapcheck // HTTP/2 looks at it.
}

func (c *observedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.observer.read(nil, err)
	return n, err //nolint:wrapcheck // HTTP/2 looks at it.
}

func (c *observedConn) Close() error {
	c.observer.read(nil, net.ErrClosed)
	return c.Conn.Close() //nolint:wrapcheck // HTTP/2 looks at it.
}
