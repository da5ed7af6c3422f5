package rpc

import (
	"context"
	"errors"
	"strings"

	"todoku/account"
	"todoku/feed"
	"todoku/trade"
)

// Who calls, and whether they may. Both doors, grpc-go's and the browser's, ask
// here with what they know of a call; the answer travels in the context.

// call is what a door knows of a call.
type call struct {
	// method is its full name, "/todoku.v1.OrderService/PlaceOrder".
	method string
	// authorization is that header, or empty.
	authorization string
	// remote is the address it came from, without the port.
	remote string
	// streaming says that it may go on for long; such calls have bounds of their own.
	streaming bool
}

// caller is who calls. In calls that need no token it has no user.
type caller struct {
	account.Identity
	// user is the caller as the venue knows it now.
	user   trade.User
	remote string
}

type callerKey struct{}

// callerOf returns who calls. A method that is not public always has a user.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// admit decides about a call: who it is, whether they may, and how long it may
// take. The caller of admit must call cancel when the call is over.
func (s *Server) admit(ctx context.Context, of call) (_ context.Context, cancel func(), _ error) {
	m, ok := s.methods[of.method]
	if !ok {
		return nil, nil, errUndecided
	}
	c := caller{remote: of.remote}
	if !m.public {
		var err error
		if c, err = s.identify(ctx, of); err != nil {
			return nil, nil, err
		}
		if m.roles != 0 && !c.user.Roles.Has(m.roles) {
			return nil, nil, errForbidden
		}
	}
	leave := func() {}
	if !of.streaming {
		var err error
		if leave, err = s.limits.call(&c); err != nil {
			return nil, nil, err
		}
	}
	ctx = context.WithValue(ctx, callerKey{}, c)
	if _, ok := ctx.Deadline(); !ok && m.limit > 0 {
		limited, stop := context.WithTimeout(ctx, m.limit)
		return limited, func() { stop(); leave() }, nil
	}
	return ctx, leave, nil
}

// bearer returns the token in an Authorization header, or "".
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

// identify verifies the token and looks its user up in the venue.
func (s *Server) identify(ctx context.Context, of call) (caller, error) {
	token := bearer(of.authorization)
	if token == "" {
		return caller{}, errNoToken
	}
	identity, err := s.accounts.Verify(ctx, token)
	switch {
	case errors.Is(err, account.ErrExpired):
		return caller{}, errTokenExpired
	case err != nil:
		return caller{}, err
	}
	user, err := activeUser(s.feed, identity.User)
	if err != nil {
		return caller{}, err
	}
	return caller{Identity: identity, user: user, remote: of.remote}, nil
}

// Users is what is asked about users: the feed.
type Users interface {
	// Ready must be closed once the other methods answer.
	Ready() <-chan struct{}
	// User must return a user as the venue knows it now.
	User(trade.UserID) (trade.User, bool)
}

// activeUser returns a user who may use the venue.
func activeUser(users Users, name string) (trade.User, error) {
	select {
	case <-users.Ready():
	default:
		return trade.User{}, feed.ErrNotReady
	}
	user, ok := users.User(trade.UserID(name))
	switch {
	case !ok:
		return trade.User{}, account.ErrBadCredentials
	case user.Suspended:
		return trade.User{}, feed.ErrSuspended
	}
	return user, nil
}

// Admit returns what account.Config.Admit needs: who is suspended, or not a user
// of the venue, gets no session.
func Admit(users Users) func(user string) error {
	return func(user string) error {
		_, err := activeUser(users, user)
		return err
	}
}

// purpose says what an account is named for.
type purpose int

const (
	// toTrade needs the caller's own account.
	toTrade purpose = iota
	// toSeeOrCancel is open to RISK and ADMIN for every account.
	toSeeOrCancel
)

// accountFor returns the account that a request names, or the caller's default.
// An account that is not the caller's to name is unknown: that it exists is not
// said.
func (c *caller) accountFor(why purpose, text string) (trade.AccountID, error) {
	if text == "" {
		if len(c.user.Accounts) == 0 {
			return "", trade.Refuse(trade.ReasonUnknownAccount, "account", "the user has none")
		}
		return c.user.Accounts[0], nil
	}
	var d decoder
	id := d.account("account", text)
	switch {
	case d.err != nil:
		return "", d.err
	case c.user.Owns(id):
		return id, nil
	case why == toSeeOrCancel && c.user.Roles.Has(trade.RoleRisk|trade.RoleAdmin):
		return id, nil
	}
	return "", trade.Refuse(trade.ReasonUnknownAccount, "account", "")
}
