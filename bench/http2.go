package bench

import (
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

	"todoku/internal/h2"
)

// Unary calls on one connection: frames are read in one loop, and requests are written when
// everything that arrived has been handled. A call needs no switch between goroutines.

const (
	bufferSize = 256 << 10
	// Windows that a peer never fills: replies are small and are used at once.
	streamWindow     = 4 << 20
	connectionWindow = 1 << 30
)

// errGoAway says that the server wants no more requests on a connection.
var errGoAway = errors.New("the server ended the connection")

// exchange is one call on its way.
type exchange struct {
	request request
	message []byte
	reply   []byte // prefix and message
	status  string // gRPC's, from the trailers
	detail  string
}

// reset makes an exchange ready for another call and keeps its buffers.
func (x *exchange) reset() {
	*x = exchange{message: x.message[:0], reply: x.reply[:0]}
}

// result returns the reply's message, or the error.
func (x *exchange) result() ([]byte, error) {
	switch {
	case x.status != "0":
		return nil, fmt.Errorf("grpc status %s: %s", x.status, x.detail)
	case len(x.reply) < h2.PrefixSize || x.reply[0] != 0:
		return nil, errors.New("the reply is compressed or has no message")
	case int(binary.BigEndian.Uint32(x.reply[1:])) != len(x.reply)-h2.PrefixSize:
		return nil, errors.New("the reply is incomplete")
	}
	return x.reply[h2.PrefixSize:], nil
}

// http2Conn is a client's connection. start and flush may be called from any
// goroutine; run belongs to one.
type http2Conn struct {
	conn net.Conn
	// done is called from run with every call that has ended. It may start others.
	done func(*exchange) error

	mu      sync.Mutex // protects what follows
	h2      *h2.Conn
	open    map[uint32]*exchange
	ended   []*exchange // not yet given to done
	closing bool
}

// newHTTP2Conn sends the client's preface.
func newHTTP2Conn(conn net.Conn, done func(*exchange) error) (*http2Conn, error) {
	c := &http2Conn{conn: conn, done: done, open: map[uint32]*exchange{}}
	c.h2 = h2.NewConn(c, nil, connectionWindow, streamWindow)
	return c, c.flush()
}

// start starts a call, whose message is not needed afterwards. headers is called under
// the lock: the meaning of a block depends on the order of blocks.
func (c *http2Conn) start(x *exchange, headers func() []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return errGoAway
	}
	stream, err := c.h2.Request(headers(), x.message)
	if err == nil {
		c.open[stream] = x
	}
	return err
}

// flush sends the requests that were started.
func (c *http2Conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.h2.Out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.h2.Out)
	c.h2.Out = c.h2.Out[:0]
	return err
}

// finish makes run return when the last call has ended. It may be called again.
func (c *http2Conn) finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if len(c.open) > 0 {
		return nil
	}
	// No reply will arrive: end the reader's wait.
	return c.conn.SetReadDeadline(time.Now())
}

// run reads until the last call has ended after finish, or with an error.
func (c *http2Conn) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() }) // The error is ctx's.
	defer stop()
	for buffer := make([]byte, bufferSize); ; {
		n, err := c.conn.Read(buffer)
		if err == nil {
			err = c.receive(buffer[:n])
		}
		if err == nil {
			err = c.flush()
		}
		if err != nil {
			return c.failed(ctx, err)
		}
	}
}

// receive handles the bytes that arrived. io.EOF says that the last call has ended after
// finish.
func (c *http2Conn) receive(b []byte) error {
	c.mu.Lock()
	err := c.h2.Receive(b)
	ended := c.ended // Only this goroutine appends.
	c.mu.Unlock()
	for _, x := range ended {
		if err := c.done(x); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = ended[:0]
	if err == nil && c.closing && len(c.open) == 0 {
		return io.EOF
	}
	return err
}

// failed returns nil for the end that finish caused, else the error.
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

// Data implements [h2.Handler].
func (c *http2Conn) Data(stream uint32, data []byte, end bool) error {
	if x := c.open[stream]; x != nil {
		x.reply = append(x.reply, data...)
	}
	if end {
		c.end(stream)
	}
	return nil
}

// Headers implements [h2.Handler].
func (c *http2Conn) Headers(stream uint32, fields []hpack.HeaderField, end bool) error {
	if x := c.open[stream]; x != nil && end {
		x.status, x.detail = h2.Status(fields)
	}
	if end {
		c.end(stream)
	}
	return nil
}

// Frame implements [h2.Handler].
func (c *http2Conn) Frame(f h2.Frame) error {
	switch f.Type { //nolint:exhaustive // The others end no call.
	case http2.FrameRSTStream:
		if x := c.open[f.Stream]; x != nil {
			x.status, x.detail = "reset", f.Code().String()
			c.end(f.Stream)
		}
	case http2.FrameGoAway:
		return fmt.Errorf("%w: %s", errGoAway, f.Code())
	}
	return nil
}

// end gives a call to done.
func (c *http2Conn) end(stream uint32) {
	if x := c.open[stream]; x != nil {
		delete(c.open, stream)
		c.ended = append(c.ended, x)
	}
}
