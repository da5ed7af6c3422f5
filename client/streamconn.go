package client

import "google.golang.org/grpc"

// streamConn is the connection of one stream. Each stream has its own: one that is opened
// because the last one fell silent must not use the same dead path, and one that is opened
// because the venue drains must be able to reach another server.
type streamConn struct {
	conn     *grpc.ClientConn
	observer *frameObserver
}

// shuffled lets a new connection begin with any of the venue's addresses, not always
// the first (gRPC proposal A62).
const shuffled = `{"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": true}}]}`

// newStreamConn makes a connection for a stream. It connects when the stream is opened.
func (c *Client) newStreamConn() (*streamConn, error) {
	observer := &frameObserver{}
	// It has a stream for as long as it lives, except for the moment before.
	conn, err := c.connect(&observedCredentials{c.transport, observer}, true, grpc.WithDefaultServiceConfig(shuffled))
	if err != nil {
		return nil, err
	}
	return &streamConn{conn, observer}, nil
}

// closeLater closes a connection without waiting for it: grpc-go first sends a GOAWAY, and
// tries for seconds if the server no longer reads. Client.Close waits for it.
func (c *Client) closeLater(conn *grpc.ClientConn) {
	closing := func() { _ = conn.Close() } // It fails only if it is closed already.
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.running.Go(closing)
	}
	c.mu.Unlock()
	if closed { // Nobody but the feed waits any more.
		closing()
	}
}
