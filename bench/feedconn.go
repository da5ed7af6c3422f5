package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Half an HTTP/2 client, for feeds: bytes go in as they arrive, what is to be
// answered comes out. It owns no socket and no goroutine, so that one loop serves
// ten thousand connections, and reads a message where it lies. See RFC 9113.

const (
	frameHeader = 9
	// feedWindow is how much a feed takes before the server must wait. A reader
	// that keeps up never lets it fill.
	feedWindow = 1 << 20
	// slowWindow is what a client has that sets nothing: grpc-js, for one.
	slowWindow = initialWindow
	// maxFrame is the longest frame that a server may send to who has not allowed
	// more (RFC 9113, 6.5.2).
	maxFrame = 16 << 10
	// maxFeedMessage bounds one response. The venue splits beyond 1 MiB.
	maxFeedMessage = 4 << 20
)

// Ways in which a feed's connection can end.
var (
	errFrames    = errors.New("bench: frames that make no sense")
	errFeedEnded = errors.New("bench: the server ended a feed")
)

// feedConn is a connection and the feeds on it. Not safe for concurrent use.
type feedConn struct {
	feeds   []*feed
	headers []feedHeaders // of each
	window  int
	// shut keeps the window from opening again: a client that lives and takes
	// nothing. away keeps the client away when its connection has ended.
	shut, away bool
	// receiveBuffer is the size of the socket's; 0 for the system's.
	receiveBuffer int

	socket int
	rest   []byte // of a frame that has not arrived whole
	out    []byte // to be written
	taken  []int  // since the last update of each feed's window
	total  int    // and of the connection's
	next   uint32
	fields *hpack.Decoder
	status string
	detail string
}

// feedHeaders are the encoded headers of one session's requests.
type feedHeaders struct{ feed, acknowledge []byte }

// open forgets a connection that is gone and begins the next: out holds its first
// bytes, one request for each feed.
func (c *feedConn) open() {
	c.rest, c.out, c.total = c.rest[:0], c.out[:0], 0
	c.taken = make([]int, len(c.feeds))
	c.status, c.detail, c.shut = "", "", false
	c.fields = hpack.NewDecoder(initialTable, c.field)
	c.out = append(c.out, http2.ClientPreface...)
	c.frame(http2.FrameSettings, 0, 0, 2*6)
	c.setting(http2.SettingEnablePush, 0)
	c.setting(http2.SettingInitialWindowSize, uint32(c.window))
	c.grow(0, connectionWindow-initialWindow)
	for i, f := range c.feeds {
		f.begin()
		c.request(uint32(2*i+1), c.headers[i].feed, f.attachRequest())
	}
	c.next = uint32(2*len(c.feeds) + 1)
}

// initialTable is the size of a header table that nobody changed (RFC 7541, 6.5.2
// of RFC 9113).
const initialTable = 4096

// frame appends the header of a frame whose payload follows.
func (c *feedConn) frame(kind http2.FrameType, flags http2.Flags, stream uint32, length int) {
	c.out = append(c.out, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	c.out = binary.BigEndian.AppendUint32(c.out, stream)
}

func (c *feedConn) setting(id http2.SettingID, value uint32) {
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(id))
	c.out = binary.BigEndian.AppendUint32(c.out, value)
}

// grow lets the server send so much more.
func (c *feedConn) grow(stream uint32, by int) {
	c.frame(http2.FrameWindowUpdate, 0, stream, 4)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(by))
}

// request appends a call with one message and no more to come.
func (c *feedConn) request(stream uint32, headers, message []byte) {
	c.frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, stream, len(headers))
	c.out = append(c.out, headers...)
	c.frame(http2.FrameData, http2.FlagDataEndStream, stream, prefixSize+len(message))
	c.out = append(c.out, 0)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(message)))
	c.out = append(c.out, message...)
}

// receive takes what has arrived at now. The bytes are the caller's again
// afterwards. After an error the connection is of no use.
func (c *feedConn) receive(b []byte, now time.Duration) error {
	if len(c.rest) > 0 {
		c.rest = append(c.rest, b...)
		b = c.rest
	}
	for len(b) >= frameHeader {
		length := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		if length > maxFrame {
			return fmt.Errorf("%w: one of %d bytes", errFrames, length)
		}
		if len(b) < frameHeader+length {
			break
		}
		stream := binary.BigEndian.Uint32(b[5:]) &^ (1 << 31)
		err := c.handle(http2.FrameType(b[3]), http2.Flags(b[4]), stream, b[frameHeader:frameHeader+length], now)
		if err != nil {
			return err
		}
		b = b[frameHeader+length:]
	}
	c.rest = append(c.rest[:0], b...)
	return nil
}

func (c *feedConn) handle(kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte, now time.Duration) error {
	switch kind { //nolint:exhaustive // what is not named is passed over, as the RFC asks
	case http2.FrameData:
		if flags.Has(http2.FlagDataPadded) {
			return fmt.Errorf("%w: padding, which gRPC servers do not use", errFrames)
		}
		return c.data(stream, payload, now)
	case http2.FrameHeaders:
		return c.block(flags, stream, payload)
	case http2.FrameSettings:
		if !flags.Has(http2.FlagSettingsAck) {
			c.frame(http2.FrameSettings, http2.FlagSettingsAck, 0, 0)
		}
	case http2.FramePing:
		if !flags.Has(http2.FlagPingAck) {
			c.frame(http2.FramePing, http2.FlagPingAck, 0, len(payload))
			c.out = append(c.out, payload...)
		}
	case http2.FrameRSTStream:
		if c.feed(stream) != nil {
			return fmt.Errorf("%w: reset %x", errFeedEnded, payload)
		}
	case http2.FrameGoAway:
		// Every feed still has its own end, or the connection has.
		c.detail = "after GOAWAY " + string(payload[min(8, len(payload)):])
	}
	return nil
}

// feed returns the feed of a stream; nil for an acknowledgement's.
func (c *feedConn) feed(stream uint32) *feed {
	// Stream 2i+1 is feeds[i]; what comes after are acknowledgements.
	if i := int(stream / 2); stream%2 == 1 && i < len(c.feeds) {
		return c.feeds[i]
	}
	return nil
}

func (c *feedConn) data(stream uint32, payload []byte, now time.Duration) error {
	if c.total += len(payload); c.total > connectionWindow/2 && !c.shut {
		c.grow(0, c.total)
		c.total = 0
	}
	f := c.feed(stream)
	if f == nil {
		return nil // The answer to an acknowledgement says nothing.
	}
	taken := &c.taken[stream/2]
	if *taken += len(payload); *taken > c.window/2 && !c.shut {
		c.grow(stream, *taken)
		*taken = 0
	}
	if err := f.data(payload, now); err != nil {
		return err
	}
	if number := f.acknowledgement(now); number > 0 {
		c.request(c.next, c.headers[stream/2].acknowledge, f.acknowledgeRequest(number))
		c.next += 2
	}
	return nil
}

// block reads headers and trailers. All must be read, in order, for the tables of
// both sides to agree.
func (c *feedConn) block(flags http2.Flags, stream uint32, payload []byte) error {
	if flags.Has(http2.FlagHeadersPadded) || flags.Has(http2.FlagHeadersPriority) || !flags.Has(http2.FlagHeadersEndHeaders) {
		return fmt.Errorf("%w: headers that gRPC servers do not send", errFrames)
	}
	c.status, c.detail = "", ""
	if _, err := c.fields.Write(payload); err != nil {
		return fmt.Errorf("%w: %w", errFrames, err)
	}
	if err := c.fields.Close(); err != nil {
		return fmt.Errorf("%w: %w", errFrames, err)
	}
	if flags.Has(http2.FlagHeadersEndStream) && c.feed(stream) != nil {
		return fmt.Errorf("%w: grpc status %s: %s", errFeedEnded, c.status, c.detail)
	}
	return nil
}

func (c *feedConn) field(f hpack.HeaderField) {
	switch f.Name {
	case "grpc-status":
		c.status = f.Value
	case "grpc-message":
		c.detail = f.Value
	}
}

// encodeHeaders returns the headers of a call. A block that is sent once on a
// connection may enter the server's table, as those of ordinary clients do; one
// that is sent again and again must mean the same each time and stays out of it.
func encodeHeaders(scheme, authority, method, token string, again bool) []byte {
	var b bytes.Buffer
	encoder := hpack.NewEncoder(&b)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: scheme},
		{Name: ":path", Value: method},
		{Name: ":authority", Value: authority},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
		{Name: "authorization", Value: "Bearer " + token},
	} {
		f.Sensitive = again
		_ = encoder.WriteField(f) // The buffer takes all.
	}
	return b.Bytes()
}
