package rpc

import (
	"context"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// AdminService, what concerns users. What the venue knows of a user goes through
// the engine; passwords and sessions are package account's. The engine comes
// first: a user without a password cannot sign in, a password without a user
// would be a sign-in to nothing.

// CreateUser creates a user with a password. Sent again, it gives the password
// if the first time did not come so far, and never changes one that is there.
func (s *adminService) CreateUser(ctx context.Context, req *todokuv1.CreateUserRequest) (*todokuv1.CreateUserResponse, error) {
	command, err := DecodeUser(req)
	if err != nil {
		return nil, err
	}
	var d decoder
	password := d.password("password", req.GetPassword())
	if d.err != nil {
		return nil, d.err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	if _, err := s.accounts.CreateCredentialIfAbsent(ctx, string(command.NewUser.ID), password); err != nil {
		return nil, err
	}
	user, err := s.userAt(ctx, command.NewUser.ID, answer.Sequence)
	if err != nil {
		return nil, err
	}
	return &todokuv1.CreateUserResponse{User: user, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// DecodeUser returns the command of a request, with the defaults of what it leaves out.
// The error is a *[trade.Refusal].
func DecodeUser(req *todokuv1.CreateUserRequest) (*trade.UpsertUser, error) {
	var d decoder
	command := &trade.UpsertUser{
		Actor:  trade.Actor{Request: d.request("request_id", req.GetRequestId())},
		Create: true,
		NewUser: trade.User{
			ID:          d.user("user", req.GetUser()),
			DisplayName: d.text("display_name", req.GetDisplayName(), trade.MaxText),
			Roles:       d.roles("roles", req.GetRoles()),
			Accounts:    d.accounts("accounts", req.GetAccounts()),
		},
	}
	user := &command.NewUser
	if user.DisplayName == "" {
		user.DisplayName = string(user.ID)
	}
	if user.Roles == 0 {
		user.Roles = trade.RoleTrader
	}
	if len(user.Accounts) == 0 {
		user.Accounts = []trade.AccountID{trade.AccountID(user.ID)}
	}
	return command, d.err
}

// UpdateUser changes what is given of a user. A new password ends the user's
// sessions.
func (s *adminService) UpdateUser(ctx context.Context, req *todokuv1.UpdateUserRequest) (*todokuv1.UpdateUserResponse, error) {
	var d decoder
	request := d.request("request_id", req.GetRequestId())
	subject := d.user("user", req.GetUser())
	name := d.text("display_name", req.GetDisplayName(), trade.MaxText)
	roles := d.roles("roles", req.GetRoles())
	accounts := d.accounts("accounts", req.GetAccounts())
	if req.GetPassword() != "" {
		d.password("password", req.GetPassword())
	}
	if d.err != nil {
		return nil, d.err
	}
	answer, err := s.changeUser(ctx, request, subject, func(user *trade.User) {
		if name != "" {
			user.DisplayName = name
		}
		if roles != 0 {
			user.Roles = roles
		}
		if len(accounts) > 0 {
			user.Accounts = accounts
		}
	})
	if err != nil {
		return nil, err
	}
	if req.GetPassword() != "" {
		if err := s.accounts.SetPassword(ctx, string(subject), req.GetPassword()); err != nil {
			return nil, err
		}
	}
	user, err := s.userAt(ctx, subject, answer.Sequence)
	if err != nil {
		return nil, err
	}
	return &todokuv1.UpdateUserResponse{User: user, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// ListAllUsers lists users by name.
func (s *adminService) ListAllUsers(ctx context.Context, _ *todokuv1.ListAllUsersRequest) (*todokuv1.ListAllUsersResponse, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	res := &todokuv1.ListAllUsersResponse{}
	for _, user := range s.feed.Users() {
		res.Users = append(res.Users, userMessage(&user))
	}
	return res, nil
}

// SuspendUser ends the user's sessions and streams, cancels their orders, and
// refuses sign-in.
func (s *adminService) SuspendUser(ctx context.Context, req *todokuv1.SuspendUserRequest) (*todokuv1.SuspendUserResponse, error) {
	answer, subject, err := s.setSuspended(ctx, req.GetRequestId(), req.GetUser(), true)
	if err != nil {
		return nil, err
	}
	// Once the feed shows it, nobody of that name gets in any more; then those who
	// are in go. The same request again may find the user let in since.
	if err := s.feed.WaitFor(ctx, answer.Sequence); err != nil {
		return nil, err
	}
	if user, ok := s.feed.User(subject); ok && user.Suspended {
		s.hub.End(push.Selector{User: string(subject)}, push.ReasonUserSuspended, "the user was suspended")
		if _, err := s.accounts.RevokeUser(ctx, string(subject), account.EndRevoked); err != nil {
			return nil, err
		}
	}
	return &todokuv1.SuspendUserResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// ResumeUser lets a suspended user in again.
func (s *adminService) ResumeUser(ctx context.Context, req *todokuv1.ResumeUserRequest) (*todokuv1.ResumeUserResponse, error) {
	answer, _, err := s.setSuspended(ctx, req.GetRequestId(), req.GetUser(), false)
	if err != nil {
		return nil, err
	}
	if err := s.feed.WaitFor(ctx, answer.Sequence); err != nil {
		return nil, err
	}
	return &todokuv1.ResumeUserResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

func (s *Server) setSuspended(ctx context.Context, requestID, name string, suspended bool) (trade.Answer, trade.UserID, error) {
	var d decoder
	request := d.request("request_id", requestID)
	subject := d.user("user", name)
	if d.err != nil {
		return trade.Answer{}, "", d.err
	}
	answer, err := s.changeUser(ctx, request, subject, func(user *trade.User) { user.Suspended = suspended })
	return answer, subject, err
}

// changeUser submits a user as it is now with a change. Changes wait for each
// other, because each is made of what the one before has left; the command
// carries the whole user. A retry gets its first answer as long as nothing else
// about the user has changed since, and REQUEST_REUSED otherwise.
func (s *Server) changeUser(ctx context.Context, request trade.RequestID, subject trade.UserID, change func(*trade.User)) (trade.Answer, error) {
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return trade.Answer{}, context.Cause(ctx)
	}
	user, err := s.userNow(ctx, subject)
	if err != nil {
		return trade.Answer{}, err
	}
	change(&user)
	// Presence is the engine's to keep, and no part of the request.
	user.Online, user.Since = false, 0
	return s.administer(ctx, &trade.UpsertUser{Actor: trade.Actor{Request: request}, NewUser: user})
}

// userAt is a user once the feed reflects a sequence.
func (s *Server) userAt(ctx context.Context, id trade.UserID, sequence uint64) (*todokuv1.User, error) {
	if err := s.feed.WaitFor(ctx, sequence); err != nil {
		return nil, err
	}
	user, ok := s.feed.User(id)
	if !ok {
		return nil, trade.Refuse(trade.ReasonUnknownUser, "user", "")
	}
	return userMessage(&user), nil
}
