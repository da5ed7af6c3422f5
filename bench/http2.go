package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Just enough of an HTTP/2 client for unary gRPC: frames are read in one loop and
// written into one buffer, which is flushed when there is nothing more to read. No
// goroutine wakes another on the way of a call. See RFC 9113 for the frames and
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md for what gRPC
// puts into them.

const (
	bufferSize = 256 << 10
	// Windows that a peer never fills: what is received is small and used at once.
	streamWindow     = 4 << 20
	connectionWindow = 1 << 30
	// initialWindow is what either side has before it hears otherwise (RFC 9113, 6.9.2).
	initialWindow = 65535
	// prefixSize is gRPC's header of a message: a flag and the length.
	prefixSize = 5
)

// errGoAway says that the server wants no more requests on a connection.
var errGoAway = errors.New("the server ended the connection")

// exchange is one call on its way.
type exchange struct {
	request request
	stream  uint32
	body    []byte // prefix and message
	sent    int    // how much of it
	reply   []byte // prefix and message
	status  string // gRPC's, from the trailers
	detail  string
}

// reset makes an exchange ready for another call and keeps its buffers.
func (x *exchange) reset() {
	*x = exchange{body: x.body[:0], reply: x.reply[:0]}
}

// result returns the reply's message, or the error that came instead.
func (x *exchange) result() ([]byte, error) {
	switch {
	case x.status != "0":
		return nil, fmt.Errorf("grpc status %s: %s", x.status, x.detail)
	case len(x.reply) < prefixSize || x.reply[0] != 0:
		return nil, errors.New("a reply that is no plain message")
	case int(binary.BigEndian.Uint32(x.reply[1:])) != len(x.reply)-prefixSize:
		return nil, errors.New("a reply that is cut off")
	}
	return x.reply[prefixSize:], nil
}

// http2Conn is a client's connection. start and flush may be called from any
// goroutine; run belongs to one.
type http2Conn struct {
	conn   net.Conn
	reader *bufio.Reader
	framer *http2.Framer // reading is run's alone, writing needs mu
	// done is called from run with every call that has ended. It may start others.
	done func(*exchange) error

	headers  *hpack.Decoder // run's
	current  *exchange      // whose headers are being read
	received uint32         // since the last update of the connection's window

	mu         sync.Mutex // protects what follows
	writer     *bufio.Writer
	open       map[uint32]*exchange
	nextStream uint32 // odd
	window     int64  // how much the server takes on the connection
	perStream  int64  // and on a new stream
	frameSize  int
	waiting    []*exchange // with bytes unsent for want of window
	closing    bool
}

// newHTTP2Conn says hello.
func newHTTP2Conn(conn net.Conn, done func(*exchange) error) (*http2Conn, error) {
	c := &http2Conn{
		conn: conn, done: done,
		reader: bufio.NewReaderSize(conn, bufferSize), writer: bufio.NewWriterSize(conn, bufferSize),
		open: map[uint32]*exchange{}, window: initialWindow, perStream: initialWindow, frameSize: 16 << 10,
		nextStream: 1,
	}
	c.framer = http2.NewFramer(c.writer, c.reader)
	c.framer.SetReuseFrames()
	c.headers = hpack.NewDecoder(4096, c.header)
	_, err := c.writer.WriteString(http2.ClientPreface)
	return c, errors.Join(err,
		c.framer.WriteSettings(
			http2.Setting{ID: http2.SettingEnablePush, Val: 0},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow}),
		c.framer.WriteWindowUpdate(0, connectionWindow-initialWindow),
		c.writer.Flush())
}

// start writes a call's headers, and of its message what the server takes now.
func (c *http2Conn) start(x *exchange, headers func() []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return errGoAway
	}
	if int64(len(x.body)) > c.perStream {
		return fmt.Errorf("a message of %d bytes; the server takes %d at once: smaller batches", len(x.body), c.perStream)
	}
	x.stream = c.nextStream
	c.nextStream += 2
	c.open[x.stream] = x
	// The block is made under the lock: its meaning depends on the order of blocks.
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: x.stream, BlockFragment: headers(), EndHeaders: true})
	if err != nil {
		return err
	}
	c.waiting = append(c.waiting, x)
	return c.writeLocked()
}

// writeLocked writes messages, the oldest first, as far as the window goes. The
// caller holds mu.
func (c *http2Conn) writeLocked() error {
	for len(c.waiting) > 0 && c.window > 0 {
		x := c.waiting[0]
		n := min(len(x.body)-x.sent, int(c.window), c.frameSize)
		last := x.sent+n == len(x.body)
		if err := c.framer.WriteData(x.stream, last, x.body[x.sent:x.sent+n]); err != nil {
			return err
		}
		c.window -= int64(n)
		x.sent += n
		if last {
			c.waiting = c.waiting[1:]
		}
	}
	return nil
}

// flush sends what was written.
func (c *http2Conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writer.Flush()
}

// finish makes run return when the last call has ended.
func (c *http2Conn) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if len(c.open) > 0 {
		return nil
	}
	// Nothing will come any more: wake the reader.
	return c.conn.SetReadDeadline(time.Now())
}

// run reads frames until the last call has ended after finish, or with an error.
func (c *http2Conn) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() }) // The error is ctx's.
	defer stop()
	for {
		if c.reader.Buffered() == 0 {
			if err := c.flush(); err != nil {
				return c.failed(ctx, err)
			}
		}
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return c.failed(ctx, err)
		}
		if err := c.handle(frame); err != nil {
			return c.failed(ctx, err)
		}
	}
}

// failed tells the end that was asked for from one that was not.
func (c *http2Conn) failed(ctx context.Context, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case c.closing && len(c.open) == 0 && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF)):
		return nil
	}
	return err
}

func (c *http2Conn) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.DataFrame:
		return c.data(f)
	case *http2.HeadersFrame:
		c.current = c.exchange(f.StreamID)
		return c.block(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded(), f.StreamEnded())
	case *http2.ContinuationFrame:
		// gRPC's trailers fit into one frame; headers that do not end no stream.
		return c.block(f.StreamID, f.HeaderBlockFragment(), f.HeadersEnded(), false)
	case *http2.RSTStreamFrame:
		return c.reset(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.PingFrame:
		if f.IsAck() {
			return nil
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.framer.WritePing(true, f.Data)
	case *http2.WindowUpdateFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		if f.StreamID == 0 { // A message always fits into its stream's first window.
			c.window += int64(f.Increment)
		}
		return c.writeLocked()
	case *http2.GoAwayFrame:
		return fmt.Errorf("%w: %s", errGoAway, f.ErrCode)
	}
	return nil
}

func (c *http2Conn) exchange(stream uint32) *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[stream]
}

func (c *http2Conn) data(f *http2.DataFrame) error {
	if x := c.exchange(f.StreamID); x != nil {
		x.reply = append(x.reply, f.Data()...)
	}
	if c.received += f.Length; c.received > connectionWindow/2 {
		c.mu.Lock()
		err := c.framer.WriteWindowUpdate(0, c.received)
		c.mu.Unlock()
		if c.received = 0; err != nil {
			return err
		}
	}
	if f.StreamEnded() {
		return c.end(f.StreamID)
	}
	return nil
}

// block reads a piece of headers. All must be read, in order, for the tables of
// both sides to agree.
func (c *http2Conn) block(stream uint32, fragment []byte, complete, end bool) error {
	if _, err := c.headers.Write(fragment); err != nil {
		return err
	}
	if complete {
		if err := c.headers.Close(); err != nil {
			return err
		}
	}
	if end {
		return c.end(stream)
	}
	return nil
}

func (c *http2Conn) header(f hpack.HeaderField) {
	switch {
	case c.current == nil:
	case f.Name == "grpc-status":
		c.current.status = f.Value
	case f.Name == "grpc-message":
		c.current.detail = f.Value
	}
}

func (c *http2Conn) reset(f *http2.RSTStreamFrame) error {
	x := c.exchange(f.StreamID)
	if x == nil {
		return nil
	}
	if x.status == "" {
		x.status, x.detail = "reset", f.ErrCode.String()
	}
	return c.end(f.StreamID)
}

// end hands a call back.
func (c *http2Conn) end(stream uint32) error {
	c.mu.Lock()
	x := c.open[stream]
	delete(c.open, stream)
	c.mu.Unlock()
	if x != nil {
		if err := c.done(x); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing && len(c.open) == 0 {
		return io.EOF
	}
	return nil
}

func (c *http2Conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		c.perStream = int64(v)
	}
	if v, ok := f.Value(http2.SettingMaxFrameSize); ok {
		c.frameSize = int(v)
	}
	return c.framer.WriteSettingsAck()
}
