package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/grpc"
	backoffparams "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"todoku/deadline"
	todokuv1 "todoku/gen/todoku/v1"
)

// Config is the address of the venue and how to connect to it.
type Config struct {
	// Address is host:port of the venue's gRPC port, or any gRPC target.
	Address string
	// TLS is used unless Plaintext is set; nil verifies the host by the system's
	// roots.
	TLS *tls.Config
	// Plaintext switches TLS off. Only for a venue on the same machine.
	Plaintext bool
	// ClientName appears in lists of sessions; "todoku-go" by default.
	ClientName string
	// CancelOnDisconnect asks the venue to cancel the session's own DAY orders when it has had
	// no stream for this long; 0 for never.
	CancelOnDisconnect time.Duration
	// KeepaliveTime and KeepaliveTimeout are for HTTP/2 PINGs, 20 s and 10 s by default;
	// KeepaliveTime is at least 10 s. PINGs find a dead path; only the venue's heartbeats
	// keep a stream alive through a proxy. The connection of requests sends PINGs only
	// while a request is in progress.
	KeepaliveTime, KeepaliveTimeout time.Duration
	// StaleAfter and WatchdogAfter are the silences after which a stream is stale and is
	// replaced; 0 for the values of the venue's Hello, 8 s and 15 s. They must be longer
	// than the venue's heartbeat interval.
	StaleAfter, WatchdogAfter time.Duration
	// OnSession is called with every new state of the session, in order and not
	// concurrently, so that a program can store it; not by Logout. It must not sign in or
	// refresh.
	OnSession func(Session)
	// DialOptions are added to every connection. Credentials among them hide how a
	// connection broke.
	DialOptions []grpc.DialOption
}

// Client holds a session of a user with a venue.
type Client struct {
	config    Config
	transport credentials.TransportCredentials
	// Requests have a connection of their own: the end of a stream's connection must not
	// end an order's call.
	requests *grpc.ClientConn

	// changing is held while the session changes and OnSession runs, which keeps the
	// order. Taken before mu.
	changing sync.Mutex
	running  sync.WaitGroup // exchanges of tokens and closing connections; begun under mu

	exchanges singleflight.Group // of tokens, by the refresh token

	mu      sync.Mutex // protects what follows
	session Session
	timer   *time.Timer // the next exchange
	feeds   map[*Feed]context.CancelCauseFunc
	closed  bool
}

// ErrClosed ends the feeds of a client that is closed.
var ErrClosed = errors.New("client: closed")

// Dial returns a client without connecting; requests connect. Invalid settings are
// refused with [ErrSettings].
func Dial(config Config) (*Client, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	c := &Client{
		config: config.withDefaults(), transport: credentials.NewTLS(config.TLS),
		feeds: make(map[*Feed]context.CancelCauseFunc),
	}
	if config.Plaintext {
		c.transport = insecure.NewCredentials()
	}
	var err error
	// Without PINGs every request on a dead path would run into its deadline until TCP
	// gives up.
	c.requests, err = c.connect(c.transport, false,
		grpc.WithDefaultServiceConfig(deadline.Retries()), grpc.WithChainUnaryInterceptor(limit, c.remember, c.authorise))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return c, nil
}

// connect returns a connection that connects when it is used. It sends PINGs while a
// request or a stream is in progress, or always if pings is set. Its waits are shorter
// than grpc-go's: a venue restarts within a second, and one that comes back after an hour
// must not be found two minutes late.
func (c *Client) connect(transport credentials.TransportCredentials, pings bool, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(c.config.Address, slices.Concat([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoffparams.Config{BaseDelay: firstBackoff, Multiplier: 1.6, Jitter: 0.2, MaxDelay: mostBackoff},
			MinConnectTimeout: helloDeadline,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: c.config.KeepaliveTime, Timeout: c.config.KeepaliveTimeout, PermitWithoutStream: pings,
		}),
		grpc.WithChainStreamInterceptor(c.authoriseStream),
	}, options, c.config.DialOptions)...)
}

// limit sets the deadline of the method, refreshing and retrying included, on a call whose
// context has none. A caller's own deadline is kept, also a longer one, which the timeout
// of a service config would shorten.
func limit(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		if policy, _ := deadline.Of(method); policy.Client > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, policy.Client)
			defer cancel()
		}
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

// Close ends the connections and waits for the client's goroutines; feeds end with
// [ErrClosed]. The venue keeps the session for [Client.Restore]; [Client.Logout] ends it.
// Later calls do nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, end := range c.feeds {
		end(ErrClosed)
	}
	c.mu.Unlock()
	err := c.requests.Close()
	c.running.Wait()
	return err
}

// closeLater closes a connection without waiting for it: grpc-go first sends a GOAWAY, and
// tries for seconds if the server no longer reads. Client.Close waits for it.
func (c *Client) closeLater(conn *grpc.ClientConn) {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.running.Go(func() { _ = conn.Close() })
	}
	c.mu.Unlock()
	if closed { // Only the feed still waits.
		_ = conn.Close()
	}
}

// follow registers a feed and returns a context for it that ends with ctx, or with
// ErrClosed. It never has a deadline: gRPC would send that to the venue and the proxies
// as the stream's own.
func (c *Client) follow(ctx context.Context, f *Feed) (_ context.Context, done func()) {
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		end(ErrClosed)
	}
	if ctx.Err() != nil {
		end(context.Cause(ctx))
	}
	c.feeds[f] = end
	unlink := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	return own, func() {
		unlink()
		end(nil)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.feeds, f)
	}
}

// Sessions returns the generated client of SessionService.
func (c *Client) Sessions() todokuv1.SessionServiceClient {
	return todokuv1.NewSessionServiceClient(c.requests)
}

// Notifications returns the generated client of NotificationService; for the
// stream itself use [Client.Feed].
func (c *Client) Notifications() todokuv1.NotificationServiceClient {
	return todokuv1.NewNotificationServiceClient(c.requests)
}

// Orders returns the generated client of OrderService.
func (c *Client) Orders() todokuv1.OrderServiceClient {
	return todokuv1.NewOrderServiceClient(c.requests)
}

// Market returns the generated client of MarketService.
func (c *Client) Market() todokuv1.MarketServiceClient {
	return todokuv1.NewMarketServiceClient(c.requests)
}

// Admin returns the generated client of AdminService.
func (c *Client) Admin() todokuv1.AdminServiceClient {
	return todokuv1.NewAdminServiceClient(c.requests)
}

// NewRequestID returns a unique id: 130 random bits as text.
func NewRequestID() string {
	var b [17]byte
	_, _ = rand.Read(b[:]) // crypto/rand does not fail; it ends the program instead.
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))[:26]
}
