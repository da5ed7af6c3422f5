package rpc

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"todoku/account"
)

// How much one user and one network may ask for. What streams and sessions cost
// while they live is bounded where they live, in push and account; here is what
// asking itself costs: every call takes a goroutine and its request, every attach a
// snapshot, every change of a subscription the feed's lock, every sign-in a hash.

// What is refused because of too much of it.
var (
	errAttachRate    = errors.New("rpc: streams are opened too fast")
	errSubscribeRate = errors.New("rpc: subscriptions change too fast")
	errSignInRate    = errors.New("rpc: sign-ins come too fast")
	errTooManyCalls  = errors.New("rpc: too many calls at once")
)

// Rate bounds how often something may happen: Burst times at once, and PerSecond
// times a second from then on. The zero Rate stands for a default; a negative
// PerSecond for no bound.
type Rate struct {
	PerSecond int
	Burst     int
}

// Limits say what one user and one network ([account.Network]) may ask for. The
// defaults leave room for an office of thousands behind one address. A server that
// sees only its proxy's address switches the limits on networks off.
type Limits struct {
	// CallsPerUser bounds unary calls under way; 1,000, negative for no bound.
	// Before there is a user, at a sign-in, it bounds those of the network.
	CallsPerUser int
	// AttachesPerUser bounds how fast streams are opened; 20 a second after 200. It
	// must leave room for all streams of a user to come back at once.
	AttachesPerUser Rate
	// AttachesPerNetwork does so for a network; 1,000 a second after 10,000.
	AttachesPerNetwork Rate
	// SubscriptionsPerUser bounds changes of subscriptions; 50 a second after 200.
	SubscriptionsPerUser Rate
	// SignInsPerNetwork bounds sign-ins that may get as far as their password; 50 a
	// second after 2,000.
	SignInsPerNetwork Rate
}

// ErrLimits says that limits cannot be meant; the text says which.
var ErrLimits = errors.New("rpc: limits")

// Validate refuses limits that would admit no caller, after defaults are filled in.
func (l Limits) Validate() error {
	l = l.withDefaults()
	var errs []error
	for _, r := range []struct {
		what string
		rate Rate
	}{
		{"attaches of a user", l.AttachesPerUser},
		{"attaches of a network", l.AttachesPerNetwork},
		{"changes of subscriptions", l.SubscriptionsPerUser},
		{"sign-ins of a network", l.SignInsPerNetwork},
	} {
		if r.rate.PerSecond >= 0 && (r.rate.PerSecond < 1 || r.rate.Burst < 1 || r.rate.PerSecond > maxRate || r.rate.Burst > maxRate) {
			errs = append(errs, fmt.Errorf("%w: %s: 1 to %d a second and at once, or no bound", ErrLimits, r.what, maxRate))
		}
	}
	return errors.Join(errs...)
}

// maxRate keeps the arithmetic of an allowance within nanoseconds.
const maxRate = 1_000_000

func (l Limits) withDefaults() Limits {
	if l.CallsPerUser == 0 {
		l.CallsPerUser = 1000
	}
	for _, r := range []struct {
		rate     *Rate
		standard Rate
	}{
		{&l.AttachesPerUser, Rate{20, 200}},
		{&l.AttachesPerNetwork, Rate{1000, 10_000}},
		{&l.SubscriptionsPerUser, Rate{50, 200}},
		{&l.SignInsPerNetwork, Rate{50, 2000}},
	} {
		if *r.rate == (Rate{}) {
			*r.rate = r.standard
		}
	}
	return l
}

// limitError refuses what exceeds a limit. It matches err.
type limitError struct {
	err   error
	limit string        // The limit in words.
	after time.Duration // Until there is room again; 0: unknown.
}

// Error returns the limit that was met.
func (e *limitError) Error() string { return e.err.Error() + ": " + e.limit }

// Unwrap returns the sentinel.
func (e *limitError) Unwrap() error { return e.err }

// limiter keeps count of what Limits bound.
type limiter struct {
	calls            *callCounter
	attachUser       *allowance
	attachNetwork    *allowance
	subscribeUser    *allowance
	signInPerNetwork *allowance
}

func newLimiter(l Limits) *limiter {
	l = l.withDefaults()
	return &limiter{
		calls:            &callCounter{limit: l.CallsPerUser, counts: map[string]int{}},
		attachUser:       newAllowance(l.AttachesPerUser),
		attachNetwork:    newAllowance(l.AttachesPerNetwork),
		subscribeUser:    newAllowance(l.SubscriptionsPerUser),
		signInPerNetwork: newAllowance(l.SignInsPerNetwork),
	}
}

// call admits a unary call; leave must be called at its end.
func (l *limiter) call(c *caller) (leave func(), err error) {
	who := "user " + c.User
	if c.User == "" {
		who = "network " + account.Network(c.remote)
	}
	if !l.calls.enter(who) {
		return nil, &limitError{err: errTooManyCalls, limit: strconv.Itoa(l.calls.limit) + " at once", after: retryCalls}
	}
	return func() { l.calls.leave(who) }, nil
}

// retryCalls is how long a caller with too many calls must wait: most calls end
// within it.
const retryCalls = 100 * time.Millisecond

// attach admits an attempt to open a stream.
func (l *limiter) attach(c *caller) error {
	if err := l.attachUser.admit(errAttachRate, "user", c.User); err != nil {
		return err
	}
	return l.attachNetwork.admit(errAttachRate, "network", account.Network(c.remote))
}

// subscribe admits a change of a subscription.
func (l *limiter) subscribe(c *caller) error {
	return l.subscribeUser.admit(errSubscribeRate, "user", c.User)
}

// signIn admits a password to be looked at.
func (l *limiter) signIn(c *caller) error {
	return l.signInPerNetwork.admit(errSignInRate, "network", account.Network(c.remote))
}

// callCounter counts what is under way for each key. Its keys are bounded by the calls
// under way, which the transports bound.
type callCounter struct {
	limit int // Negative: none.

	mu     sync.Mutex // Protects counts.
	counts map[string]int
}

func (c *callCounter) enter(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit >= 0 && c.counts[key] >= c.limit {
		return false
	}
	c.counts[key]++
	return true
}

func (c *callCounter) leave(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[key]--; c.counts[key] == 0 {
		delete(c.counts, key)
	}
}
