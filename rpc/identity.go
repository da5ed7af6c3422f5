package rpc

import (
	"context"
	"errors"
	"net"
	"strings"

	"todoku/account"
	"todoku/feed"
	"todoku/trade"
)

// Authentication and authorization of calls. Both doors, grpc-go's and the browsers', ask
// admit with what they know of a call; the answer travels in the context.

// call is what a door knows of a call.
type call struct {
	// method is its full name, "/todoku.v1.OrderService/PlaceOrder".
	method string
	// authorization is that header, or empty.
	authorization string
	// remote is the address it came from, without the port.
	remote string
	// streaming says that it is a stream; streams have limits of their own.
	streaming bool
}

// newCall returns a call with the values of its Authorization header, of which there
// must be one, and with the address it came from.
func newCall(method string, authorization []string, remote string, streaming bool) call {
	c := call{method: method, remote: remote, streaming: streaming}
	if len(authorization) == 1 {
		c.authorization = authorization[0]
	}
	if host, _, err := net.SplitHostPort(remote); err == nil {
		c.remote = host
	}
	return c
}

// caller is who calls. In calls that need no token it has no user.
type caller struct {
	account.Identity
	// user is the caller as the venue knows it now.
	user   trade.User
	remote string
}

type callerKey struct{}

// callerOf returns the caller, which has a user unless the method is public.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// admit decides about a call by its headers: who calls, and whether they may. Its caller must
// call leave when the call is over.
func (s *Server) admit(ctx context.Context, of call) (_ context.Context, leave func(), _ error) {
	m, ok := s.methods[of.method]
	if !ok {
		return nil, nil, errUndecided
	}
	c := caller{remote: of.remote}
	if !m.public {
		var err error
		if c, err = s.identify(ctx, of); err != nil {
			s.limits.refusalNetwork.reserve(account.Network(of.remote))
			return nil, nil, err
		}
		s.options.Admitted(ctx)
		if m.roles != 0 && !c.user.Roles.Has(m.roles) {
			return nil, nil, errForbidden
		}
	}
	leave = func() {}
	if !of.streaming {
		var err error
		if leave, err = s.limits.call(&c); err != nil {
			return nil, nil, err
		}
	}
	return context.WithValue(ctx, callerKey{}, c), leave, nil
}

// bound gives a call that came without a deadline that of its method.
func (s *Server) bound(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	limit := s.methods[method].limit
	if _, ok := ctx.Deadline(); ok || limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
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

// activeUser returns a user who may use the venue.
func activeUser(f *feed.Feed, name string) (trade.User, error) {
	select {
	case <-f.Ready():
	default:
		return trade.User{}, feed.ErrNotReady
	}
	user, ok := f.User(trade.UserID(name))
	switch {
	case !ok:
		return trade.User{}, account.ErrBadCredentials
	case user.Suspended:
		return trade.User{}, feed.ErrSuspended
	}
	return user, nil
}

// Admit returns what account.Config.Admit needs: it refuses suspended users, and names
// that the venue does not know.
func Admit(f *feed.Feed) func(user string) error {
	return func(user string) error {
		_, err := activeUser(f, user)
		return err
	}
}

// purpose says why a request names an account.
type purpose int

const (
	// toTrade needs the caller's own account.
	toTrade purpose = iota
	// toSeeOrCancel is open to RISK and ADMIN for every account.
	toSeeOrCancel
)

// accountFor returns the account that a request names, or the caller's default. An
// account that the caller may not name is unknown, so that errors do not reveal which
// exist.
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
