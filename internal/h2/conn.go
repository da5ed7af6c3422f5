// Package h2 is the client's side of an HTTP/2 connection for gRPC calls, without I/O:
// received bytes go into [Conn.Receive], bytes to send gather in [Conn.Out]. Load
// generators use it because a call needs no switch between goroutines, and one loop can
// serve ten thousand connections. The doctor uses it because it shows every
// frame and sends only what the caller wants. grpc-go offers neither.
//
// See RFC 9113 for the frames and
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md for what gRPC puts
// into them.
package h2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// InitialWindow is the flow-control window that a side has unless the other side
	// sets another (RFC 9113, 6.9.2).
	InitialWindow = 65535
	// PrefixSize is the length of gRPC's header of a message: a flag and a length.
	PrefixSize = 5

	frameHeader = 9
	// maxFrame is the longest payload that a peer may send, unless it was allowed more
	// (RFC 9113, 6.5.2).
	maxFrame = 16 << 10
	// initialTable is the size of a header table that neither side changed (RFC 7541).
	initialTable = 4096
	// maxBlock bounds the encoded headers of one call.
	maxBlock = 64 << 10
)

// ErrFrames is a violation of HTTP/2 by the peer, or a feature that gRPC servers do not
// use. The connection is unusable afterwards.
var ErrFrames = errors.New("h2: invalid frames")

// Handler takes what a connection receives. An error ends [Conn.Receive]. Slices are
// valid only during the call.
type Handler interface {
	// Data takes a piece of a stream's data; end says that nothing follows.
	Data(stream uint32, data []byte, end bool) error
	// Headers takes the headers or trailers of a stream.
	Headers(stream uint32, fields []hpack.HeaderField, end bool) error
	// Frame takes every other frame, after the connection has acted on it.
	Frame(f Frame) error
}

// Frame is a frame with its payload.
type Frame struct {
	Type    http2.FrameType
	Flags   http2.Flags
	Stream  uint32
	Payload []byte
}

// Ack says whether a SETTINGS or PING frame is an answer.
func (f Frame) Ack() bool { return f.Flags&http2.FlagPingAck != 0 }

// Code returns the error code of RST_STREAM or GOAWAY.
func (f Frame) Code() http2.ErrCode {
	at := 0
	if f.Type == http2.FrameGoAway {
		at = 4
	}
	return http2.ErrCode(binary.BigEndian.Uint32(f.Payload[at:]))
}

// Settings are those of the server that concern a client.
type Settings struct {
	MaxConcurrentStreams uint32
	InitialWindow        uint32
	MaxFrameSize         uint32
	MaxHeaderListSize    uint32 // 0: not set
}

// Conn is a connection. Not safe for concurrent use.
type Conn struct {
	// Out is to be sent; the caller empties it.
	Out []byte
	// Server has the settings of the server, the defaults until they arrive.
	Server Settings

	handler Handler
	window  int    // of the connection, for what is received; 0: never updated
	taken   int    // received since the last update of the window
	partial []byte // of a frame that has not arrived whole

	decoder *hpack.Decoder
	fields  []hpack.HeaderField
	block   struct { // headers that continue in the next frame
		stream uint32 // 0: none
		size   int
		end    bool
	}

	next       uint32 // stream, odd
	sendWindow int    // what the server takes now on the connection
	waiting    []body
}

// body is the part of a request's message that waits for the send window.
type body struct {
	stream uint32
	data   []byte
}

// NewConn begins a connection: its first bytes are in Out, which may reuse a buffer.
// Window is the receive window of the connection, which is renewed automatically,
// streamWindow that of each stream, which [Conn.Grow] renews. 0 keeps the default.
func NewConn(handler Handler, out []byte, window, streamWindow int) *Conn {
	c := &Conn{
		handler: handler, window: window, next: 1, sendWindow: InitialWindow,
		Out:    append(out[:0], http2.ClientPreface...),
		Server: Settings{MaxConcurrentStreams: math.MaxUint32, InitialWindow: InitialWindow, MaxFrameSize: maxFrame},
	}
	c.decoder = hpack.NewDecoder(initialTable, func(f hpack.HeaderField) { c.fields = append(c.fields, f) })
	settings := []http2.Setting{{ID: http2.SettingEnablePush, Val: 0}}
	if streamWindow > 0 {
		settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(streamWindow)})
	}
	c.frame(http2.FrameSettings, 0, 0, 6*len(settings))
	for _, s := range settings {
		c.Out = binary.BigEndian.AppendUint16(c.Out, uint16(s.ID))
		c.Out = binary.BigEndian.AppendUint32(c.Out, s.Val)
	}
	if window > InitialWindow {
		c.Grow(0, window-InitialWindow)
	}
	return c
}

// frame appends the header of a frame whose payload follows.
func (c *Conn) frame(kind http2.FrameType, flags http2.Flags, stream uint32, length int) {
	c.Out = append(c.Out, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	c.Out = binary.BigEndian.AppendUint32(c.Out, stream)
}

// Grow lets the server send that many more bytes on a stream; 0 is the connection.
func (c *Conn) Grow(stream uint32, by int) {
	c.frame(http2.FrameWindowUpdate, 0, stream, 4)
	c.Out = binary.BigEndian.AppendUint32(c.Out, uint32(by))
}

// Ping sends a PING.
func (c *Conn) Ping(data [8]byte) {
	c.frame(http2.FramePing, 0, 0, len(data))
	c.Out = append(c.Out, data[:]...)
}

// Request starts a call with one message and returns its stream: 1, 3, 5 and so on.
// What does not fit into the connection's send window is sent later.
func (c *Conn) Request(headers, message []byte) (stream uint32, err error) {
	size := PrefixSize + len(message)
	if size > int(c.Server.InitialWindow) {
		return 0, fmt.Errorf("h2: a message of %d bytes does not fit into the server's window of %d; send smaller ones", size, c.Server.InitialWindow)
	}
	stream = c.next
	c.next += 2
	c.frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, stream, len(headers))
	c.Out = append(c.Out, headers...)
	if len(c.waiting) == 0 && size <= min(c.sendWindow, int(c.Server.MaxFrameSize)) {
		c.sendWindow -= size
		c.frame(http2.FrameData, http2.FlagDataEndStream, stream, size)
		c.Out = appendMessage(c.Out, message)
		return stream, nil
	}
	c.waiting = append(c.waiting, body{stream, appendMessage(make([]byte, 0, size), message)})
	c.send()
	return stream, nil
}

func appendMessage(b, message []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, 0), uint32(len(message)))
	return append(b, message...)
}

// send writes waiting messages, the oldest first, until the window is full. A message
// always fits into its stream's first window.
func (c *Conn) send() {
	for len(c.waiting) > 0 && c.sendWindow > 0 {
		b := &c.waiting[0]
		n := min(len(b.data), c.sendWindow, int(c.Server.MaxFrameSize))
		flags := http2.Flags(0)
		if n == len(b.data) {
			flags = http2.FlagDataEndStream
		}
		c.frame(http2.FrameData, flags, b.stream, n)
		c.Out = append(c.Out, b.data[:n]...)
		c.sendWindow -= n
		if b.data = b.data[n:]; len(b.data) == 0 {
			c.waiting = c.waiting[1:]
		}
	}
}
