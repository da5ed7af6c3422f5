package client

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// Session is what a session is held by. It is secret: keep it where only its user
// can read.
type Session struct {
	User          string    `json:"user"`
	SessionID     string    `json:"session_id"`
	ConnectionID  string    `json:"connection_id"`
	AccessToken   string    `json:"access_token"`
	AccessExpire  time.Time `json:"access_expire"`
	RefreshToken  string    `json:"refresh_token"`
	RefreshExpire time.Time `json:"refresh_expire"`
}

// tokenCall marks the calls that carry no access token.
type tokenCall struct{}

// Login opens a session. The error is a gRPC status; [Reason] tells BAD_CREDENTIALS
// from LOCKED_OUT.
func (c *Client) Login(ctx context.Context, user, password string) error {
	request := &todokuv1.LoginRequest{User: user, Password: password, ClientName: c.config.ClientName}
	if d := c.config.CancelOnDisconnect; d > 0 {
		request.CancelOnDisconnect = durationpb.New(d)
	}
	reply, err := c.Sessions().Login(context.WithValue(ctx, tokenCall{}, true), request)
	if err != nil {
		return fmt.Errorf("client: login: %w", err)
	}
	c.take(reply.GetTokens(), func(s *Session) {
		s.User, s.SessionID, s.ConnectionID = user, reply.GetSessionId(), reply.GetConnectionId()
	})
	return nil
}

// Restore takes up a session that an earlier [Config.OnSession] was called with.
func (c *Client) Restore(s Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	c.scheduleLocked()
}

// Session returns the session as it is now; zero before Login.
func (c *Client) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Logout ends the session at the venue, and with it its streams.
func (c *Client) Logout(ctx context.Context) error {
	if _, err := c.Sessions().Logout(ctx, &todokuv1.LogoutRequest{}); err != nil {
		return fmt.Errorf("client: logout: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = Session{}
	if c.timer != nil {
		c.timer.Stop()
	}
	return nil
}

// Refresh exchanges the tokens now. The client does so by itself when three
// quarters of the access token's life are over, and when the venue refuses it.
func (c *Client) Refresh(ctx context.Context) error {
	return c.refresh(ctx, c.Session().AccessToken)
}

// refresh exchanges the tokens unless somebody else has since the caller saw them.
func (c *Client) refresh(ctx context.Context, seen string) error {
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	s := c.Session()
	if s.AccessToken != seen {
		return nil
	}
	if s.RefreshToken == "" {
		return status.Error(codes.Unauthenticated, "client: not signed in")
	}
	reply, err := c.Sessions().RefreshSession(context.WithValue(ctx, tokenCall{}, true), &todokuv1.RefreshSessionRequest{RefreshToken: s.RefreshToken})
	if err != nil {
		return fmt.Errorf("client: refresh: %w", err)
	}
	c.take(reply.GetTokens(), func(*Session) {})
	return nil
}

// take stores new tokens and plans their refresh.
func (c *Client) take(tokens *todokuv1.SessionTokens, also func(*Session)) {
	c.mu.Lock()
	s := &c.session
	s.AccessToken, s.AccessExpire = tokens.GetAccessToken(), tokens.GetAccessExpireTime().AsTime()
	s.RefreshToken, s.RefreshExpire = tokens.GetRefreshToken(), tokens.GetRefreshExpireTime().AsTime()
	also(s)
	now := c.session
	c.scheduleLocked()
	c.mu.Unlock()
	if c.config.OnSession != nil {
		c.config.OnSession(now)
	}
}

// scheduleLocked plans the next refresh. The caller holds mu.
func (c *Client) scheduleLocked() {
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.closed || c.session.RefreshToken == "" {
		return
	}
	const soonest = time.Second
	wait := max(soonest, time.Until(c.session.AccessExpire)*3/4)
	c.timer = time.AfterFunc(wait, c.refreshInTime)
}

// refreshInTime is what the timer runs. A venue that cannot be reached is asked
// again soon; one that refuses leaves it to the next call to say so.
func (c *Client) refreshInTime() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.inflight.Add(1)
	c.mu.Unlock()
	defer c.inflight.Done()
	ctx, cancel := context.WithTimeout(context.Background(), writeDeadline)
	defer cancel()
	if err := c.Refresh(ctx); err != nil && status.Code(err) != codes.Unauthenticated {
		const again = 5 * time.Second
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			c.timer = time.AfterFunc(again, c.refreshInTime)
		}
	}
}

// authorise adds the access token to a call and, where the venue no longer takes
// it, refreshes and calls once more.
func (c *Client) authorise(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if ctx.Value(tokenCall{}) != nil {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	token := c.Session().AccessToken
	err := invoke(withToken(ctx, token), method, request, reply, conn, options...)
	if status.Code(err) != codes.Unauthenticated || c.Session().RefreshToken == "" {
		return err
	}
	if c.refresh(ctx, token) != nil {
		return err // What the call was told says more than that refreshing failed too.
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
