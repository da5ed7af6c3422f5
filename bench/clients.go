package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// errHungUp says that a connection was closed.
var errHungUp = errors.New("bench: the connection was closed")

// errTooManyEnds says that clients cannot stay attached.
var errTooManyEnds = errors.New("bench: the server ended more than three streams for each connection")

// Waits of the clients.
const (
	// pollWait is how often the clients' reader checks whether it is done when nothing arrives.
	pollWait = 20 * time.Millisecond
	// liveDeadline is how long clients may take to attach.
	liveDeadline = 2 * time.Minute
	// openedAtOnce is how many connections are opened before the others are read.
	openedAtOnce = 64
)

// clients is all clients of a run, read by one goroutine, its owner. A client whose
// stream ends comes back at once and resumes, as real ones do.
type clients struct {
	poller *poller
	to     *net.TCPAddr
	tally  *tally
	conns  []*feedConn
	feeds  []*feed
	start  time.Time

	ends     uint64 // streams that the server ended or cut
	firstEnd error
}

// now is the time of the run.
func (c *clients) now() time.Duration { return time.Since(c.start) }

// close closes all connections.
func (c *clients) close() {
	c.cut()
	c.poller.close()
}

// cut closes all connections without ending their streams first.
func (c *clients) cut() {
	for _, conn := range c.conns {
		c.hangUp(conn)
	}
}

// noSocket means that a connection has no socket; 0 is a valid socket.
const noSocket = -1

func (c *clients) hangUp(conn *feedConn) {
	if conn.socket != noSocket {
		c.poller.hangUp(conn.socket)
		conn.socket = noSocket
	}
}

// open connects and asks for the connection's feeds, each from its last cursor.
func (c *clients) open(key int) error {
	conn := c.conns[key]
	socket, err := c.poller.dial(c.to, conn.receiveBuffer)
	if err != nil {
		return err
	}
	conn.socket = socket
	if err := errors.Join(conn.open(), c.flush(conn)); err != nil {
		return err
	}
	return c.poller.watch(socket, key)
}

// attach opens all connections and returns when every client is live.
func (c *clients) attach(ctx context.Context) error {
	for key := range c.conns {
		if err := c.open(key); err != nil {
			return err
		}
		if key%openedAtOnce == 0 {
			if err := c.poll(ctx, 0); err != nil {
				return err
			}
		}
	}
	live, err := c.until(ctx, c.now()+liveDeadline, func() bool {
		return !slices.ContainsFunc(c.feeds, func(f *feed) bool { return !f.live })
	})
	if err == nil && !live {
		err = fmt.Errorf("bench: not all clients are live after %s: %w", liveDeadline, errors.Join(c.firstEnd, context.DeadlineExceeded))
	}
	return err
}

// until reads until done returns true, or, returning false, until a time of the run.
func (c *clients) until(ctx context.Context, deadline time.Duration, done func() bool) (bool, error) {
	for !done() {
		if c.now() >= deadline {
			return false, nil
		}
		if err := c.poll(ctx, pollWait); err != nil {
			return false, err
		}
	}
	return true, nil
}

// poll reads what has arrived, and waits up to wait if nothing has.
func (c *clients) poll(ctx context.Context, wait time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.poller.poll(wait, func(key int) error {
		err := c.read(c.conns[key])
		if errors.Is(err, errHungUp) || errors.Is(err, errFeedEnded) {
			return c.again(key, err)
		}
		return err
	})
}

func (c *clients) read(conn *feedConn) error {
	b, err := c.poller.read(conn.socket)
	if err != nil {
		return err
	}
	if err := conn.receive(b, c.now()); err != nil {
		return err
	}
	return c.flush(conn)
}

func (c *clients) flush(conn *feedConn) error {
	if len(conn.Out) == 0 {
		return nil
	}
	err := c.poller.write(conn.socket, conn.Out)
	conn.Out = conn.Out[:0]
	return err
}

// again opens a connection that ended, unless its client is to stay away.
func (c *clients) again(key int, why error) error {
	if c.conns[key].away {
		c.hangUp(c.conns[key])
		return nil
	}
	if c.firstEnd == nil {
		c.firstEnd = why
	}
	if c.ends++; c.ends > uint64(len(c.conns))*3 {
		return fmt.Errorf("%w: %w", errTooManyEnds, c.firstEnd)
	}
	c.hangUp(c.conns[key])
	return c.open(key)
}
