package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/status"
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

// maxBytes returns how large a request may be, of a public method or of another.
func (s *Server) maxBytes(public bool) int {
	if public {
		return min(maxPublicBytes, s.options.MaxRequestBytes)
	}
	return s.options.MaxRequestBytes
}

var (
	errNotArrived = fmt.Errorf("rpc: the request did not arrive in time: %w", context.DeadlineExceeded)
	errArriving   = errors.New("rpc: too many requests arrive at once")
	errMakeRoom   = fmt.Errorf("rpc: the request arrived too slowly while many others did: %w", errArriving)
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
	timer *time.Timer // Ends the requests that take too long; it runs if armed.
	armed bool
	cost  map[string]int // What requests that have arrived take, beyond the small ones.
	costs int            // In all.
}

// arrival is one request that arrives.
type arrival struct {
	who  string
	from interface{ cut(err error) }
	by   time.Time // When it must have arrived.
	err  error     // Why it was cut; protected by the mutex of all.
}

// enter counts a request that begins to arrive, and calls from.cut if its reading is to fail,
// on any goroutine but not after leave. The caller must call leave when it has arrived. When too many
// arrive in all, the oldest of the caller with the most makes room.
func (a *arrivals) enter(c *caller, from interface{ cut(err error) }) (*arrival, error) {
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
	one := &arrival{who: who, from: from, by: time.Now().Add(requestTimeout)}
	a.of[who] = append(a.of[who], one)
	a.total++
	a.arm(requestTimeout)
	return one, nil
}

// arm starts the timer unless it runs: one is enough for all requests, and most arrive long
// before it fires.
func (a *arrivals) arm(wait time.Duration) {
	switch {
	case a.armed:
		return
	case a.timer == nil:
		a.timer = time.AfterFunc(wait, a.late)
	default:
		a.timer.Reset(wait)
	}
	a.armed = true
}

// late ends the requests that did not arrive in time.
func (a *arrivals) late() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = false
	now, next := time.Now(), time.Time{}
	for _, all := range a.of {
		for _, one := range slices.Clone(all) { // In the order in which they must have arrived.
			if one.by.After(now) {
				if next.IsZero() || one.by.Before(next) {
					next = one.by
				}
				break
			}
			a.cut(one, errNotArrived)
		}
	}
	if !next.IsZero() {
		a.arm(next.Sub(now))
	}
}

// cut ends the reading of a request.
func (a *arrivals) cut(one *arrival, err error) {
	one.err = err
	one.from.cut(err) // Under the lock, so that the call is not over: leave waits.
	a.remove(one)
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
	a.cut(most[0], errMakeRoom)
}

// leave is to be called when a request has arrived, or will not. Its error says why the
// request was cut.
func (a *arrivals) leave(one *arrival) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(one)
	return one.err
}

func (a *arrivals) remove(one *arrival) {
	all := a.of[one.who]
	i := slices.Index(all, one)
	if i < 0 {
		return // It was cut.
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

// tap refuses calls without the token that their method needs, before anything is made for
// them: grpc-go asks its tap first, which knows the headers alone. It slows down the reading
// of connections from which too many calls are refused: a connection that always has
// something to read would take the processor from the others.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	m, known := s.methods[info.FullMethodName]
	token := info.Header.Get("authorization")
	var err error
	switch {
	case !known:
		err = errUndecided
	case !m.public && (len(token) != 1 || bearer(token[0]) == ""):
		err = errNoToken
	case s.options.WasAdmitted(ctx):
		return ctx, nil
	}
	network := account.Network(callOf(ctx, info.FullMethodName, false).remote)
	if err == nil {
		s.slow(ctx, s.limits.refusalNetwork.ahead(network))
		return ctx, nil
	}
	s.slow(ctx, s.limits.refusalNetwork.reserve(network))
	return ctx, s.status(info.FullMethodName, err)
}

// longestSlow bounds how long a connection is not read.
const longestSlow = time.Second

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

// cutStream ends a call of grpc-go whose request is being read, with a status. The reading
// fails then, because the call is over.
type cutStream struct {
	*Server
	method string
	stream transportStream
}

func (c *cutStream) cut(err error) {
	_ = c.stream.WriteStatus(status.Convert(c.status(c.method, err))) // It fails if the caller has disconnected.
}
