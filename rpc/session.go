package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// SessionService: sign-in, refresh and sign-out. Package account does the work; this file
// joins its sessions with their streams.

// EndStreams returns what account.Config.OnEnd needs: the streams of a session
// that has ended end with its reason.
func EndStreams(hub *push.Hub) func(account.Ended) {
	return func(ended account.Ended) {
		reason, message := push.ReasonSessionRevoked, "the session was ended"
		switch ended.Reason {
		case account.EndExpired:
			reason, message = push.ReasonSessionExpired, "the session was not refreshed in time, or has reached its longest life"
		case account.EndLogout:
			message = "the user signed out"
		case account.EndPasswordChanged:
			message = "the password was changed"
		case account.EndReused:
			message = "a refresh token was used twice"
		case account.EndRevoked:
		}
		hub.End(push.Selector{Session: ended.Session}, reason, message)
	}
}

// newPassword names the field and the rule of a new password that is refused.
func newPassword(field string, err error) error {
	if errors.Is(err, account.ErrInvalid) {
		_, rule, _ := strings.Cut(err.Error(), account.ErrInvalid.Error()+": ")
		return trade.Refuse(trade.ReasonBadText, field, rule)
	}
	return err
}

// password reads a password. Package account checks whether it is the right one.
func (d *decoder) password(field, text string) string {
	if text == "" || len(text) > account.MaxPassword {
		d.refuse(trade.ReasonBadText, field, fmt.Sprintf("a password must be 1 to %d bytes long", account.MaxPassword))
	}
	return text
}

// Login checks the credentials and opens a session with one connection.
func (s *services) Login(ctx context.Context, req *todokuv1.LoginRequest) (*todokuv1.LoginResponse, error) {
	c := callerOf(ctx)
	if err := s.limits.signInPerNetwork.admit(account.Network(c.remote)); err != nil {
		return nil, err
	}
	var d decoder
	// A malformed name is refused as malformed; only well-formed names are looked up,
	// so errors do not reveal who exists.
	name := d.user("user", req.GetUser())
	password := d.password("password", req.GetPassword())
	info := account.LoginInfo{
		ClientName: d.name("client_name", req.GetClientName(), maxClientName),
		RemoteAddr: c.remote,
		CancelOnDisconnect: d.duration("cancel_on_disconnect", req.GetCancelOnDisconnect(),
			minCancelOnDisconnect, maxCancelOnDisconnect),
	}
	if d.err != nil {
		return nil, d.err
	}
	grant, err := s.accounts.Login(ctx, string(name), password, info)
	if err != nil {
		return nil, err
	}
	user, _ := s.feed.User(name)
	return &todokuv1.LoginResponse{
		Tokens:       tokens(&grant),
		ConnectionId: grant.ConnectionID,
		SessionId:    grant.Session,
		User:         userMessage(&user),
	}, nil
}

// OpenConnection opens another connection of the caller's session, with the
// session's name and settings.
func (s *services) OpenConnection(ctx context.Context, _ *todokuv1.OpenConnectionRequest) (*todokuv1.OpenConnectionResponse, error) {
	c := callerOf(ctx)
	if err := s.limits.sessionUser.admit(c.User); err != nil {
		return nil, err
	}
	connection, err := s.accounts.OpenConnection(ctx, c.Session, c.remote)
	return reply(&todokuv1.OpenConnectionResponse{ConnectionId: connection.ID}, err)
}

// RefreshSession exchanges a refresh token for new tokens.
func (s *services) RefreshSession(ctx context.Context, req *todokuv1.RefreshSessionRequest) (*todokuv1.RefreshSessionResponse, error) {
	token := req.GetRefreshToken()
	if token == "" || len(token) > maxToken {
		return nil, &fieldError{"refresh_token", account.ErrBadToken}
	}
	user, err := s.accounts.RefreshedBy(ctx, token)
	if err == nil {
		err = s.limits.sessionUser.admit(user)
	}
	if err != nil {
		return nil, err
	}
	grant, err := s.accounts.Refresh(ctx, token, callerOf(ctx).remote)
	return reply(&todokuv1.RefreshSessionResponse{Tokens: tokens(&grant)}, err)
}

// Logout ends the caller's session and its streams.
func (s *services) Logout(ctx context.Context, _ *todokuv1.LogoutRequest) (*todokuv1.LogoutResponse, error) {
	return reply(&todokuv1.LogoutResponse{}, s.accounts.Logout(ctx, callerOf(ctx).Session))
}

// ChangePassword replaces the caller's password and ends the caller's other sessions.
func (s *services) ChangePassword(ctx context.Context, req *todokuv1.ChangePasswordRequest) (*todokuv1.ChangePasswordResponse, error) {
	c := callerOf(ctx)
	if err := s.limits.passwordUser.admit(c.User); err != nil {
		return nil, err
	}
	var d decoder
	old := d.password("old_password", req.GetOldPassword())
	next := d.password("new_password", req.GetNewPassword())
	if d.err != nil {
		return nil, d.err
	}
	err := s.accounts.ChangePassword(ctx, c.Identity, c.remote, old, next)
	if errors.Is(err, account.ErrWrongPassword) {
		err = &fieldError{"old_password", err}
	}
	err = newPassword("new_password", err)
	return reply(&todokuv1.ChangePasswordResponse{}, err)
}

// ListSessions lists the caller's sessions, newest first.
func (s *services) ListSessions(ctx context.Context, _ *todokuv1.ListSessionsRequest) (*todokuv1.ListSessionsResponse, error) {
	c := callerOf(ctx)
	res := &todokuv1.ListSessionsResponse{}
	for _, session := range slices.Backward(s.accounts.Sessions(c.User)) {
		res.Sessions = append(res.Sessions, &todokuv1.Session{
			SessionId:     session.ID,
			ClientName:    session.ClientName,
			RemoteAddress: session.RemoteAddr,
			CreateTime:    moment(session.Created),
			ExpireTime:    moment(session.Expires),
			Current:       session.ID == c.Session,
		})
	}
	return res, nil
}

// RevokeSession ends a session of the caller. A session of another user is unknown.
func (s *services) RevokeSession(ctx context.Context, req *todokuv1.RevokeSessionRequest) (*todokuv1.RevokeSessionResponse, error) {
	var d decoder
	id := d.opaque("session_id", req.GetSessionId())
	if d.err != nil {
		return nil, d.err
	}
	session, err := s.accounts.Session(id)
	if err != nil || session.User != callerOf(ctx).User {
		return nil, &fieldError{"session_id", errNoSession}
	}
	return reply(&todokuv1.RevokeSessionResponse{}, s.accounts.Revoke(ctx, id, account.EndRevoked))
}

func tokens(grant *account.Grant) *todokuv1.SessionTokens {
	return &todokuv1.SessionTokens{
		AccessToken:       grant.AccessToken.Reveal(),
		AccessExpireTime:  moment(grant.AccessExpires),
		RefreshToken:      grant.RefreshToken.Reveal(),
		RefreshExpireTime: moment(grant.RefreshExpires),
	}
}
