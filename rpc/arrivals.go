package rpc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/tap"

	"todoku/account"
)

// Requests arrive over networks that may be slow, and from clients that may send all but
// the end. Each that arrives holds its bytes, so there is a bound on how many do at once,
// for each user, for each network and in all, and on how long each may take.

const (
	// requestTimeout is how long a request may take to arrive after its headers.
	requestTimeout = 10 * time.Second
	// maxPublicBytes bounds requests of methods that need no token, such as sign-ins.
	maxPublicBytes = 16 << 10
	// maxCost bounds what a request takes in memory once it is decoded, in bytes.
	maxCost = 4 << 20
	// smallCost is what a request may take without being counted: the bound on calls
	// suffices.
	smallCost = 16 << 10
	// maxUserCost and maxTotalCost bound what the requests of one caller, and of all,
	// take while their calls are under way.
	maxUserCost  = 32 << 20
	maxTotalCost = 256 << 20

	maxArriving        = 256 // Of all callers.
	maxUserArriving    = 64
	maxNetworkArriving = 64 // Without a user.
)

var (
	errNotArrived = errors.New("rpc: the request did not arrive in time")
	errMakeRoom   = errors.New("rpc: the request arrived too slowly while many others did")
	errArriving   = errors.New("rpc: too many requests arrive at once")
	errDecoding   = errors.New("rpc: requests take too much memory at once")
)

// who names the caller in limits: the user, or the network without one.
func (c *caller) who() string {
	if c.User == "" {
		return "network " + account.Network(c.remote)
	}
	return "user " + c.User
}

// arrivals are the requests that arrive now. The zero value has none. Safe for concurrent
// use.
type arrivals struct {
	mu    sync.Mutex // Protects what follows.
	of    map[string][]*arrival
	total int
	cost  map[string]int // What requests that have arrived take, beyond the small ones.
	costs int            // In all.
}

// arrival is one request that arrives.
type arrival struct {
	who    string
	cancel func(error) // Ends the reading of the request.
}

// enter counts a request that begins to arrive. The caller must call leave when it has.
// When too many arrive in all, the oldest of the caller with the most makes room.
func (a *arrivals) enter(c *caller, cancel func(error)) (*arrival, error) {
	who, most := c.who(), maxUserArriving
	if c.User == "" {
		most = maxNetworkArriving
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.of[who]) >= most {
		return nil, &limitError{err: errArriving, limit: strconv.Itoa(most) + " at once", after: retryCalls}
	}
	if a.total >= maxArriving {
		a.makeRoom()
	}
	if a.of == nil {
		a.of = map[string][]*arrival{}
	}
	one := &arrival{who, cancel}
	a.of[who] = append(a.of[who], one)
	a.total++
	return one, nil
}

// makeRoom ends the oldest request of the caller with the most. There are at most
// maxArriving callers.
func (a *arrivals) makeRoom() {
	var most []*arrival
	for _, all := range a.of {
		if len(all) > len(most) {
			most = all
		}
	}
	most[0].cancel(errMakeRoom)
	a.remove(most[0])
}

// leave is to be called when a request has arrived, or will not.
func (a *arrivals) leave(one *arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(one)
}

func (a *arrivals) remove(one *arrival) {
	all := a.of[one.who]
	i := slices.Index(all, one)
	if i < 0 {
		return // It had to make room.
	}
	a.total--
	if len(all) == 1 {
		delete(a.of, one.who)
		return
	}
	a.of[one.who] = slices.Delete(all, i, i+1)
}

// hold counts what a request takes in memory until release is called, which is nil for a
// small one.
func (a *arrivals) hold(c *caller, cost int) (release func(), err error) {
	if cost <= smallCost {
		return nil, nil
	}
	who := c.who()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cost[who]+cost > maxUserCost || a.costs+cost > maxTotalCost {
		return nil, &limitError{err: errDecoding, limit: strconv.Itoa(maxUserCost>>20) + " MiB at once", after: retryCalls}
	}
	if a.cost == nil {
		a.cost = map[string]int{}
	}
	a.cost[who] += cost
	a.costs += cost
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.costs -= cost
		if a.cost[who] -= cost; a.cost[who] == 0 {
			delete(a.cost, who)
		}
	}, nil
}

// grpc-go decides about a call first in its tap, which knows the headers alone and may
// replace the context of the call.

// cancelKey is the key of a call's cancel function in its context.
type cancelKey struct{}

// tap refuses calls without the token that their method needs, before anything is made for
// them, and gives the others a context that can be cancelled: reading a request can be ended
// only through the context of the call. It slows down the reading of connections from which
// too many calls are refused: a connection that always has something to read would take the
// processor from the others.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	of := callOf(ctx, info.FullMethodName, false)
	if len(info.Header.Get("authorization")) == 1 {
		of.authorization = info.Header.Get("authorization")[0]
	}
	m, ok := s.methods[of.method]
	switch {
	case !ok:
		return ctx, s.status(of.method, s.refused(ctx, of, errUndecided))
	case !m.public && bearer(of.authorization) == "":
		return ctx, s.status(of.method, s.refused(ctx, of, errNoToken))
	}
	s.slow(ctx, s.limits.refusalNetwork.ahead(account.Network(of.remote)))
	// grpc-go cancels the parent when the call ends.
	ctx, cancel := context.WithCancelCause(ctx)
	return context.WithValue(ctx, cancelKey{}, cancel), nil
}

// longestSlow bounds how long a connection is not read.
const longestSlow = time.Second

// refused counts a call that is refused by its headers, and returns its error.
func (s *Server) refused(ctx context.Context, of call, err error) error {
	s.slow(ctx, s.limits.refusalNetwork.reserve(account.Network(of.remote)))
	return err
}

// slow waits before the connection of a call is read again, if no call of it was admitted.
func (s *Server) slow(ctx context.Context, wait time.Duration) {
	if wait <= 0 || s.options.WasAdmitted(ctx) {
		return
	}
	timer := time.NewTimer(min(wait, longestSlow))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// arrive counts the request of an admitted call as arriving until arrived is called. The
// reading of a request that does not arrive in time fails.
func (s *Server) arrive(ctx context.Context) (arrived func(), err error) {
	cancel, ok := ctx.Value(cancelKey{}).(context.CancelCauseFunc)
	if !ok {
		cancel = func(error) {}
	}
	c := callerOf(ctx)
	one, err := s.arrivals.enter(&c, cancel)
	if err != nil {
		return nil, err
	}
	timer := time.AfterFunc(requestTimeout, func() { cancel(errNotArrived) })
	return func() {
		timer.Stop()
		s.arrivals.leave(one)
	}, nil
}
