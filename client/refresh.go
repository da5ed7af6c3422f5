package client

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// An access token is valid for minutes. A timer exchanges it in time, and a refused call
// exchanges it too.

// Refresh exchanges the tokens now. The client does so by itself when three
// quarters of the access token's life are over, and when the venue refuses it.
func (c *Client) Refresh(ctx context.Context) error {
	return c.refresh(ctx, c.Session().AccessToken)
}

// refresh exchanges the tokens unless that has been done since the caller saw this
// access token. The error is a gRPC status or ErrClosed. All callers share one exchange,
// and none can cancel it: a refresh token that is used again after the use of its
// successor would end the session.
func (c *Client) refresh(ctx context.Context, seen string) error {
	s := c.Session()
	if s.AccessToken != seen {
		return nil
	}
	select {
	case result := <-c.exchanges.DoChan(s.RefreshToken, func() (any, error) { return nil, c.exchange(s.RefreshToken) }):
		return result.Err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// exchange exchanges the tokens of a refresh token that is still the session's.
func (c *Client) exchange(token string) error {
	c.mu.Lock()
	closed, present := c.closed, c.session.RefreshToken
	begin := !closed && present == token && token != ""
	if begin {
		c.running.Add(1)
	}
	c.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case token == "":
		return status.Error(codes.Unauthenticated, "client: not signed in")
	case !begin:
		return nil // Another sign-in or exchange happened.
	}
	defer c.running.Done()
	reply, err := c.Sessions().RefreshSession(context.Background(), &todokuv1.RefreshSessionRequest{RefreshToken: token})
	if err == nil {
		c.change(func(s *Session) bool {
			if s.RefreshToken != token {
				return false // Another sign-in or sign-out happened.
			}
			s.take(reply.GetTokens())
			return true
		})
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// An unreachable venue is asked again soon; after a refusal the next call fails.
	if status.Code(err) != codes.Unauthenticated && c.session.RefreshToken == token {
		const again = 5 * time.Second
		c.planLocked(max(again, RetryAfter(err)))
	}
	return fmt.Errorf("client: refresh: %w", err)
}

// lifetime is how long the access token is valid by this machine's clock. If even a new
// token has expired by it, the clock is wrong, and a fixed interval is used.
func lifetime(s Session) time.Duration {
	const unknown = 5 * time.Minute
	if left := time.Until(s.AccessExpire); left > 0 {
		return left
	}
	return unknown
}

// planLocked plans the next exchange. The caller holds mu.
func (c *Client) planLocked(wait time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.closed || c.session.RefreshToken == "" {
		return
	}
	const soonest = time.Second
	// After a failure another exchange is planned, or the next call fails.
	c.timer = time.AfterFunc(max(soonest, wait), func() { _ = c.Refresh(context.Background()) })
}

// authorise adds the access token to a call, except to those that return one. If the venue
// refuses it, authorise refreshes it and calls once more: an unauthorised call did nothing.
func (c *Client) authorise(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if method == todokuv1.SessionService_Login_FullMethodName || method == todokuv1.SessionService_RefreshSession_FullMethodName {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	token := c.Session().AccessToken
	err := invoke(withToken(ctx, token), method, request, reply, conn, options...)
	if status.Code(err) != codes.Unauthenticated || c.refresh(ctx, token) != nil {
		return err // It says more than the failure of the refresh.
	}
	return invoke(withToken(ctx, c.Session().AccessToken), method, request, reply, conn, options...)
}

func (c *Client) authoriseStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(withToken(ctx, c.Session().AccessToken), desc, conn, method, options...)
}

func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}
