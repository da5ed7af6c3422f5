package client

import (
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// line is a connection for one stream. Streams do not share one, and none inherits
// one: a stream that is opened because the last one fell silent would be opened on
// the path that died, and one that is opened because the venue wants its clients
// to move would stay where it is.
type line struct {
	conn  *grpc.ClientConn
	sight *sight
}

// spreading lets a new connection begin with any of the venue's addresses, not
// always the first (gRPC proposal A62).
const spreading = `{"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": true}}]}`

// line makes a connection for a stream. It connects when the stream is opened.
func (c *Client) line() (*line, error) {
	s := &sight{}
	conn, err := grpc.NewClient(c.config.Address, slices.Concat([]grpc.DialOption{
		grpc.WithTransportCredentials(&seeing{c.transport, s}),
		grpc.WithConnectParams(connectParams()),
		grpc.WithDefaultServiceConfig(spreading),
		grpc.WithChainStreamInterceptor(c.authoriseStream),
		// It has a stream for as long as it lives, but for the moment before.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: c.config.KeepaliveTime, Timeout: c.config.KeepaliveTimeout, PermitWithoutStream: true,
		}),
	}, c.config.DialOptions)...)
	if err != nil {
		return nil, err
	}
	return &line{conn, s}, nil
}

// hangUp closes a connection without waiting for it: grpc-go says goodbye first, and
// tries for seconds where the other end no longer reads. Close waits for it.
func (c *Client) hangUp(l *line) {
	closing := func() { _ = l.conn.Close() } // It fails only if it is closed already.
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.running.Go(closing)
	}
	c.mu.Unlock()
	if closed { // Nobody waits any more but the feed itself.
		closing()
	}
}
