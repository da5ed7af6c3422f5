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

// A stream that breaks below gRPC ends with a text: grpc-go keeps the code and the
// debug data of a GOAWAY, the code of an RST_STREAM and the error of the socket to
// itself and puts sentences into the status. Sentences change. So the frames are
// looked at where they arrive, between TLS and HTTP/2, and what they said is kept:
// headers of nine bytes are read, the payloads of two kinds are kept, all others
// are counted (RFC 9113, sections 4.1, 6.1, 6.2, 6.4 and 6.8).
//
// A connection carries one stream only, so that what is seen on it is about that
// stream.

// GoAway is how the other end took leave of a whole connection (RFC 9113, 6.8).
type GoAway struct {
	// Code is HTTP/2's name for why, "NO_ERROR" for a leave in good order.
	Code string
	// Debug is what the other end said besides, "too_many_pings" for one; at most
	// 256 bytes.
	Debug string
}

// sight is what is known of a connection.
type sight struct {
	mu sync.Mutex // protects what follows
	scene
	frames frames
}

// scene is what was seen.
type scene struct {
	since    time.Time // When there was a connection; zero for never.
	peer     string    // Its other end.
	refused  error     // Why TLS did not begin.
	payload  uint64    // Bytes of DATA frames.
	heard    time.Time // When anything arrived last.
	trailers bool      // The stream ended with a status, as gRPC's streams do,
	bare     bool      // or without one,
	reset    string    // or by RST_STREAM with this code.
	goAway   *GoAway   // The latest.
	lost     error     // What reading or writing ended with first.
	closed   time.Time // When that was.
}

// seen returns what was seen so far.
func (s *sight) seen() scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scene
}

// begin says that there is a connection; what was seen of another one before,
// which gave out before it had a stream, does not count.
func (s *sight) begin(peer net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.scene, s.frames = scene{since: now, peer: peer.String(), heard: now}, frames{}
}

func (s *sight) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = err
}

func (s *sight) read(p []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) > 0 {
		s.heard = time.Now()
		s.frames.read(p, s.frame)
	}
	s.endLocked(err)
}

// end says that this end closed the connection or could not write to it.
func (s *sight) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(err)
}

func (s *sight) endLocked(err error) {
	if err != nil && s.lost == nil {
		s.lost, s.closed = err, time.Now()
	}
}

// frame takes note of a frame. The caller holds mu.
func (s *sight) frame(h frameHeader, payload []byte) {
	switch h.kind { //nolint:exhaustive // The others say nothing about ends.
	case http2.FrameData:
		s.payload += uint64(h.length)
		s.bare = s.bare || h.flags.Has(http2.FlagDataEndStream)
	case http2.FrameHeaders:
		s.trailers = s.trailers || h.flags.Has(http2.FlagHeadersEndStream)
	case http2.FrameRSTStream:
		if len(payload) >= 4 {
			s.reset = http2.ErrCode(binary.BigEndian.Uint32(payload)).String()
		}
	case http2.FrameGoAway:
		if len(payload) >= 8 {
			s.goAway = &GoAway{Code: http2.ErrCode(binary.BigEndian.Uint32(payload[4:])).String(), Debug: string(payload[8:])}
		}
	}
}

// lostBy tells how the connection was lost: to silence, when nothing answered for
// the keepalive's timeout; to the other end; or to this one.
func (s *scene) lostBy(timeout time.Duration) (reason, detail string) {
	silent := s.closed.Sub(s.heard)
	// grpc-go gives a connection a second to end when it closes it.
	var expired net.Error
	own := errors.As(s.lost, &expired) && expired.Timeout() || errors.Is(s.lost, net.ErrClosed) || errors.Is(s.lost, io.ErrClosedPipe)
	switch {
	case s.lost == nil:
		return "", ""
	case errors.Is(s.lost, syscall.ETIMEDOUT), own && silent >= timeout:
		// TCP gives up what is not acknowledged for the same timeout (gRPC proposal
		// A18); whichever notices first.
		return ReasonKeepalive, fmt.Sprintf("nothing came for %s, not even the answer to a PING", silent.Round(time.Millisecond))
	case s.goAway != nil:
		return ReasonGoAway, s.goAway.String()
	case errors.Is(s.lost, io.EOF), errors.Is(s.lost, io.ErrUnexpectedEOF):
		return ReasonConnectLost, "closed by the other end"
	case errors.Is(s.lost, syscall.ECONNRESET), errors.Is(s.lost, syscall.EPIPE):
		return ReasonConnectLost, "reset by the other end"
	case own:
		return ReasonConnectLost, "given up: what came was not HTTP/2 as agreed"
	default:
		return ReasonConnectLost, s.lost.Error()
	}
}

// String returns the code and what was said besides.
func (g *GoAway) String() string {
	if g.Debug == "" {
		return "GOAWAY " + g.Code
	}
	return fmt.Sprintf("GOAWAY %s %q", g.Code, g.Debug)
}

// frameHeader is the part of a frame's header that is looked at.
type frameHeader struct {
	kind   http2.FrameType
	flags  http2.Flags
	length uint32
}

// most of a payload that is kept: a GOAWAY's two numbers and 256 bytes of text.
const mostPayload = 8 + 256

// frames cuts what arrives on a connection into frames, in whatever pieces it
// comes. It does not judge them: that is for HTTP/2 to do.
type frames struct {
	header  [9]byte
	have    int // Bytes of the header.
	current frameHeader
	left    uint32 // Bytes of the payload that are still to come.
	payload []byte // What is kept of it.
}

// read takes the next bytes and calls seen with each frame that they complete. The
// payload is that of GOAWAY and RST_STREAM, cut short, valid during the call.
func (f *frames) read(p []byte, seen func(frameHeader, []byte)) {
	for len(p) > 0 {
		if f.have < len(f.header) {
			n := copy(f.header[f.have:], p)
			f.have += n
			if p = p[n:]; f.have < len(f.header) {
				return
			}
			length := uint32(f.header[0])<<16 | uint32(f.header[1])<<8 | uint32(f.header[2])
			f.current = frameHeader{http2.FrameType(f.header[3]), http2.Flags(f.header[4]), length}
			f.left, f.payload = length, f.payload[:0]
		}
		n := min(len(p), int(f.left))
		if f.current.kind == http2.FrameGoAway || f.current.kind == http2.FrameRSTStream {
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

// seeing is credentials whose connections are seen.
type seeing struct {
	credentials.TransportCredentials
	sight *sight
}

// ClientHandshake implements [credentials.TransportCredentials].
func (s *seeing) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := s.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		s.sight.refuse(err)
		return conn, info, err //nolint:wrapcheck // grpc-go looks at it.
	}
	s.sight.begin(conn.RemoteAddr())
	return &seenConn{conn, s.sight}, info, nil
}

// Clone implements [credentials.TransportCredentials].
func (s *seeing) Clone() credentials.TransportCredentials {
	return &seeing{s.TransportCredentials.Clone(), s.sight}
}

// seenConn is a connection whose bytes are looked at.
type seenConn struct {
	net.Conn
	sight *sight
}

// Read implements [net.Conn].
func (c *seenConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.sight.read(p[:n], err)
	return n, err //nolint:wrapcheck // HTTP/2 looks at it.
}

// Write implements [net.Conn].
func (c *seenConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.sight.end(err)
	}
	return n, err //nolint:wrapcheck // HTTP/2 looks at it.
}

// Close implements [net.Conn].
func (c *seenConn) Close() error {
	c.sight.end(net.ErrClosed)
	return c.Conn.Close() //nolint:wrapcheck // It is passed on as it is.
}
