package client

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// Session has the credentials of a session. They are secret: store them where only the
// user can read them.
type Session struct {
	User          string    `json:"user"`
	SessionID     string    `json:"session_id"`
	ConnectionID  string    `json:"connection_id"`
	AccessToken   string    `json:"access_token"`
	AccessExpire  time.Time `json:"access_expire"`
	RefreshToken  string    `json:"refresh_token"`
	RefreshExpire time.Time `json:"refresh_expire"`
}

// Login opens a session. The error is a gRPC status; [Reason] tells BAD_CREDENTIALS
// from LOCKED_OUT.
func (c *Client) Login(ctx context.Context, user, password string) error {
	request := &todokuv1.LoginRequest{User: user, Password: password, ClientName: c.config.ClientName}
	if d := c.config.CancelOnDisconnect; d > 0 {
		request.CancelOnDisconnect = durationpb.New(d)
	}
	reply, err := c.Sessions().Login(ctx, request)
	if err != nil {
		return fmt.Errorf("client: login: %w", err)
	}
	c.change(func(s *Session) bool {
		*s = Session{User: user, SessionID: reply.GetSessionId(), ConnectionID: reply.GetConnectionId()}
		s.take(reply.GetTokens())
		return true
	})
	return nil
}

// Restore continues a session that [Config.OnSession] received earlier.
func (c *Client) Restore(s Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	c.planLocked(lifetime(s) * 3 / 4)
}

// Session returns the present session; zero before Login.
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

func (s *Session) take(tokens *todokuv1.SessionTokens) {
	s.AccessToken, s.AccessExpire = tokens.GetAccessToken(), tokens.GetAccessExpireTime().AsTime()
	s.RefreshToken, s.RefreshExpire = tokens.GetRefreshToken(), tokens.GetRefreshExpireTime().AsTime()
}

// change applies set to the session unless set returns false, because it is another
// session by then. It plans the next exchange of tokens and calls OnSession.
func (c *Client) change(set func(*Session) bool) {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.mu.Lock()
	s := c.session
	if !set(&s) {
		c.mu.Unlock()
		return
	}
	c.session = s
	c.planLocked(lifetime(s) * 3 / 4)
	c.mu.Unlock()
	if c.config.OnSession != nil {
		c.config.OnSession(s)
	}
}
