package rpc

import (
	"cmp"
	"context"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// AdminService: users. What the venue knows of a user goes through the engine; package
// account has passwords and sessions. The engine comes first: a user without a password
// cannot sign in, but a password without a user would belong to nobody.

// CreateUser creates a user with a password. Sent again, it adds the password if that
// is missing, and never changes an existing one.
func (s *services) CreateUser(ctx context.Context, req *todokuv1.CreateUserRequest) (*todokuv1.CreateUserResponse, error) {
	command, err := DecodeUser(req)
	if err != nil {
		return nil, err
	}
	var d decoder
	password := d.password("password", req.GetPassword())
	if d.err == nil {
		d.err = newPassword("password", s.accounts.CheckNewPassword(req.GetUser(), password))
	}
	if d.err != nil {
		return nil, d.err
	}
	command.User = callerOf(ctx).user.ID
	answer, err := s.engine.Submit(ctx, command)
	if err != nil {
		return nil, err
	}
	if _, err := s.accounts.CreateCredentialIfAbsent(ctx, string(command.NewUser.ID), password); err != nil {
		return nil, err
	}
	user, err := s.userAt(ctx, command.NewUser.ID, answer.Sequence)
	return reply(&todokuv1.CreateUserResponse{User: user, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
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
			DisplayName: d.name("display_name", req.GetDisplayName(), trade.MaxText),
			Roles:       d.roles("roles", req.GetRoles()),
			Accounts:    list(&d, "accounts", req.GetAccounts(), d.account),
		},
	}
	user := &command.NewUser
	user.DisplayName = cmp.Or(user.DisplayName, string(user.ID))
	user.Roles = cmp.Or(user.Roles, trade.RoleTrader)
	if len(user.Accounts) == 0 {
		user.Accounts = []trade.AccountID{trade.AccountID(user.ID)}
	}
	return command, d.err
}

// UpdateUser changes what is given of a user. A new password ends the user's
// sessions.
func (s *services) UpdateUser(ctx context.Context, req *todokuv1.UpdateUserRequest) (*todokuv1.UpdateUserResponse, error) {
	var d decoder
	request := d.request("request_id", req.GetRequestId())
	subject := d.user("user", req.GetUser())
	name := d.name("display_name", req.GetDisplayName(), trade.MaxText)
	roles := d.roles("roles", req.GetRoles())
	accounts := list(&d, "accounts", req.GetAccounts(), d.account)
	password := optional("password", req.GetPassword(), d.password)
	if password != "" && d.err == nil {
		d.err = newPassword("password", s.accounts.CheckNewPassword(string(subject), password))
	}
	answer, err := s.changeUser(ctx, &d, request, subject, func(user *trade.User) {
		user.DisplayName = cmp.Or(name, user.DisplayName)
		user.Roles = cmp.Or(roles, user.Roles)
		if len(accounts) > 0 {
			user.Accounts = accounts
		}
	})
	if err == nil && password != "" {
		err = s.accounts.SetPassword(ctx, string(subject), password)
	}
	if err != nil {
		return nil, err
	}
	user, err := s.userAt(ctx, subject, answer.Sequence)
	return reply(&todokuv1.UpdateUserResponse{User: user, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
}

// ListAllUsers lists users by name.
func (s *services) ListAllUsers(ctx context.Context, _ *todokuv1.ListAllUsersRequest) (*todokuv1.ListAllUsersResponse, error) {
	if err := s.catchUp(ctx, &decoder{}); err != nil {
		return nil, err
	}
	return &todokuv1.ListAllUsersResponse{Users: messages(s.feed.Users(), userMessage)}, nil
}

// SuspendUser ends the user's sessions and streams, cancels their orders, and
// refuses sign-in.
func (s *services) SuspendUser(ctx context.Context, req *todokuv1.SuspendUserRequest) (*todokuv1.SuspendUserResponse, error) {
	// From here on the user is refused at sign-in, so that no session begins while the
	// existing ones end. A request that is sent again may find the user resumed.
	sequence, user, err := s.setSuspended(ctx, req, true)
	if err == nil && user.Suspended {
		s.hub.End(push.Selector{User: string(user.ID)}, push.ReasonUserSuspended, "the user was suspended")
		_, err = s.accounts.RevokeUser(ctx, string(user.ID), account.EndRevoked)
	}
	return reply(&todokuv1.SuspendUserResponse{Sequence: sequence, Cursor: s.cursor(sequence)}, err)
}

// ResumeUser lets a suspended user in again.
func (s *services) ResumeUser(ctx context.Context, req *todokuv1.ResumeUserRequest) (*todokuv1.ResumeUserResponse, error) {
	sequence, _, err := s.setSuspended(ctx, req, false)
	return reply(&todokuv1.ResumeUserResponse{Sequence: sequence, Cursor: s.cursor(sequence)}, err)
}

// suspension is a request to suspend or resume a user.
type suspension interface {
	GetRequestId() string
	GetUser() string
}

// setSuspended suspends or resumes a user, and returns the sequence and the user once
// the feed reflects it.
func (s *Server) setSuspended(ctx context.Context, req suspension, suspended bool) (sequence uint64, user trade.User, err error) {
	var d decoder
	request := d.request("request_id", req.GetRequestId())
	subject := d.user("user", req.GetUser())
	answer, err := s.changeUser(ctx, &d, request, subject, func(user *trade.User) { user.Suspended = suspended })
	if err == nil {
		err = s.feed.WaitFor(ctx, answer.Sequence)
	}
	user, _ = s.feed.User(subject)
	return answer.Sequence, user, err
}

// changeUser submits a user as it is now with a change, or returns d's error. The
// command has the whole user, so changes wait for each other. A request that is sent
// again gets its first answer as long as nothing else about the user has changed since,
// and REQUEST_REUSED otherwise.
func (s *Server) changeUser(ctx context.Context, d *decoder, request trade.RequestID, subject trade.UserID, change func(*trade.User)) (trade.Answer, error) {
	if d.err != nil {
		return trade.Answer{}, d.err
	}
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return trade.Answer{}, context.Cause(ctx)
	}
	user, err := s.userNow(ctx, d, subject)
	if err != nil {
		return trade.Answer{}, err
	}
	change(&user)
	// The engine keeps presence; it is no part of the request.
	user.Online, user.Since = false, 0
	return s.engine.Submit(ctx, &trade.UpsertUser{Actor: trade.Actor{User: callerOf(ctx).user.ID, Request: request}, NewUser: user})
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
