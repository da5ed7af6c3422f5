package bench

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"todoku/client"
	"todoku/internal/h2"
)

const (
	// feedWindow is how many bytes a feed takes before the server must wait. It is never
	// full while the reader keeps up.
	feedWindow = 1 << 20
	// slowWindow is the window of a client that sets none, such as grpc-js.
	slowWindow = h2.InitialWindow
	// maxFeedMessage bounds one response. The venue splits beyond 1 MiB.
	maxFeedMessage = 4 << 20
)

// errFeedEnded says that the server ended a stream.
var errFeedEnded = errors.New("bench: the server ended a feed")

// feedConn is a connection and the feeds on it. It owns no socket and no goroutine, so
// that one loop serves ten thousand. Not safe for concurrent use.
type feedConn struct {
	*h2.Conn // of the present connection

	feeds  []*feed
	window int
	// shut keeps the windows of the streams closed: a client that lives and takes
	// nothing. away keeps the client from coming back when its connection has ended.
	shut, away bool
	// receiveBuffer is the size of the socket's; 0 for the system's.
	receiveBuffer int

	socket int
	taken  []int         // since the last update of each feed's window
	now    time.Duration // when what is being received arrived
}

// open forgets a connection that is gone and begins the next: Out holds its first
// bytes, one request for each feed.
func (c *feedConn) open() error {
	var out []byte
	if c.Conn != nil {
		out = c.Out
	}
	c.Conn = h2.NewConn(c, out, connectionWindow, c.window)
	c.taken, c.shut = make([]int, len(c.feeds)), false
	for _, f := range c.feeds {
		f.begin()
		if _, err := c.Request(f.attachHeaders, f.attachRequest()); err != nil {
			return err
		}
	}
	return nil
}

// receive takes what has arrived at now. The caller may reuse the bytes
// afterwards. After an error the connection is unusable.
func (c *feedConn) receive(b []byte, now time.Duration) error {
	c.now = now
	return c.Receive(b)
}

// feed returns the feed of a stream; nil for an acknowledgement's.
func (c *feedConn) feed(stream uint32) *feed {
	// Stream 2i+1 is feeds[i]; acknowledgements have the later ones.
	if i := int(stream / 2); stream%2 == 1 && i < len(c.feeds) {
		return c.feeds[i]
	}
	return nil
}

// Data implements [h2.Handler].
func (c *feedConn) Data(stream uint32, data []byte, end bool) error {
	f := c.feed(stream)
	if f == nil {
		return nil // The answer to an acknowledgement says nothing.
	}
	taken := &c.taken[stream/2]
	if *taken += len(data); *taken > c.window/2 && !c.shut {
		c.Grow(stream, *taken)
		*taken = 0
	}
	if err := f.data(data, c.now); err != nil {
		return err
	}
	if end {
		return fmt.Errorf("%w: without trailers", errFeedEnded)
	}
	if number := f.acknowledgement(c.now); number > 0 {
		_, err := c.Request(f.acknowledgeHeaders, f.acknowledgeRequest(number))
		return err
	}
	return nil
}

// Headers implements [h2.Handler].
func (c *feedConn) Headers(stream uint32, fields []hpack.HeaderField, end bool) error {
	if end && c.feed(stream) != nil {
		status, message := h2.Status(fields)
		return fmt.Errorf("%w: grpc status %s: %s", errFeedEnded, status, message)
	}
	return nil
}

// Frame implements [h2.Handler]. After a GOAWAY every feed still has its own end, or the
// connection has.
func (c *feedConn) Frame(f h2.Frame) error {
	if f.Type == http2.FrameRSTStream && c.feed(f.Stream) != nil {
		return fmt.Errorf("%w: reset %s", errFeedEnded, f.Code())
	}
	return nil
}

// encodeHeaders returns the headers of a call. A block that is sent once on a
// connection may enter the server's table, as those of ordinary clients do; one
// that is sent again and again must mean the same each time and stays out of it.
func encodeHeaders(venue client.Config, method, token string, again bool) []byte {
	fields := headerFields(venue, method, token)
	for i := range fields {
		fields[i].Sensitive = again
	}
	return h2.NewEncoder().Encode(fields)
}

func headerFields(venue client.Config, method, token string) []hpack.HeaderField {
	scheme := "https"
	if venue.Plaintext {
		scheme = "http"
	}
	return h2.Fields(scheme, venue.Address, method, h2.Bearer(token))
}
