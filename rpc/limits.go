package rpc

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"todoku/account"
)

// How much one user and one network may ask for. Packages push and account bound the
// streams and sessions that exist; the limits here bound the requests: every call takes a
// goroutine and its request, every attach a snapshot, every change of a subscription the
// feed's lock, every sign-in a hash.

var (
	errAttachRate    = errors.New("rpc: streams are opened too fast")
	errSubscribeRate = errors.New("rpc: subscriptions change too fast")
	errSignInRate    = errors.New("rpc: sign-ins come too fast")
	errSessionRate   = errors.New("rpc: sessions change too fast")
	errTooManyCalls  = errors.New("rpc: too many calls at once")
)

// Rate bounds how often something may happen: Burst times at once, and PerSecond
// times a second from then on. The zero Rate stands for a default; a negative
// PerSecond for no bound.
type Rate struct {
	PerSecond int
	Burst     int
}

// Limits are those of one user and of one network ([account.Network]). The defaults
// suffice for an office of thousands behind one address. A server that sees only its
// proxy's address needs the limits on networks switched off.
type Limits struct {
	// CallsPerUser bounds unary calls under way; 1,000, negative for no bound. Calls
	// without a user, such as sign-ins, are counted by network.
	CallsPerUser int
	// AttachesPerUser bounds how fast streams are opened; 20 a second after 200. It
	// must allow all streams of a user to reattach at once.
	AttachesPerUser Rate
	// AttachesPerNetwork does so for a network; 1,000 a second after 10,000.
	AttachesPerNetwork Rate
	// SubscriptionsPerUser bounds changes of subscriptions; 50 a second after 200.
	SubscriptionsPerUser Rate
	// RefusalsPerNetwork bounds how fast calls are read that are refused because of their
	// token: 200 a second after 2,000. Beyond it, connections that never had an admitted
	// call are read more slowly.
	RefusalsPerNetwork Rate
	// SignInsPerNetwork bounds sign-ins whose password is checked; 50 a second after
	// 2,000.
	SignInsPerNetwork Rate
	// SessionsPerUser bounds refreshes and connections that are opened; each is stored. 2
	// a second after 1,024, as many as a user's connections.
	SessionsPerUser Rate
	// PasswordsPerUser bounds how often users change their own password; 1 a second
	// after 10.
	PasswordsPerUser Rate
}

// ErrLimits says that a limit is invalid; the text says which.
var ErrLimits = errors.New("rpc: limits")

// maxRate keeps the arithmetic of an allowance within nanoseconds.
const maxRate = 1_000_000

// Validate refuses limits that would admit no caller, after defaults are filled in.
func (l Limits) Validate() error {
	l = l.withDefaults()
	var errs []error
	for _, r := range []struct {
		Rate
		what string
	}{
		{l.AttachesPerUser, "attaches of a user"},
		{l.AttachesPerNetwork, "attaches of a network"},
		{l.SubscriptionsPerUser, "changes of subscriptions"},
		{l.RefusalsPerNetwork, "refused calls of a network"},
		{l.SignInsPerNetwork, "sign-ins of a network"},
		{l.SessionsPerUser, "refreshes and connections of a user"},
		{l.PasswordsPerUser, "changes of a password"},
	} {
		if r.PerSecond >= 0 && (r.PerSecond < 1 || r.Burst < 1 || r.PerSecond > maxRate || r.Burst > maxRate) {
			errs = append(errs, fmt.Errorf("%w: %s: rate and burst must be 1 to %d each, or the rate negative for no bound", ErrLimits, r.what, maxRate))
		}
	}
	return errors.Join(errs...)
}

func (l Limits) withDefaults() Limits {
	l.CallsPerUser = cmp.Or(l.CallsPerUser, 1000)
	l.AttachesPerUser = cmp.Or(l.AttachesPerUser, Rate{20, 200})
	l.AttachesPerNetwork = cmp.Or(l.AttachesPerNetwork, Rate{1000, 10_000})
	l.SubscriptionsPerUser = cmp.Or(l.SubscriptionsPerUser, Rate{50, 200})
	l.RefusalsPerNetwork = cmp.Or(l.RefusalsPerNetwork, Rate{200, 2000})
	l.SignInsPerNetwork = cmp.Or(l.SignInsPerNetwork, Rate{50, 2000})
	l.SessionsPerUser = cmp.Or(l.SessionsPerUser, Rate{2, 1024})
	l.PasswordsPerUser = cmp.Or(l.PasswordsPerUser, Rate{1, 10})
	return l
}

// limitError refuses a request over a limit. It matches err.
type limitError struct {
	err   error
	limit string        // The limit in words.
	after time.Duration // Until there is room again; 0: unknown.
}

func (e *limitError) Error() string { return e.err.Error() + ": " + e.limit }

func (e *limitError) Unwrap() error { return e.err }

// limiter enforces Limits.
type limiter struct {
	calls            *callCounter
	attachUser       *allowance
	attachNetwork    *allowance
	subscribeUser    *allowance
	refusalNetwork   *allowance
	signInPerNetwork *allowance
	sessionUser      *allowance
	passwordUser     *allowance
}

func newLimiter(l Limits) *limiter {
	l = l.withDefaults()
	return &limiter{
		calls:            &callCounter{limit: l.CallsPerUser, counts: map[string]int{}},
		attachUser:       newAllowance(l.AttachesPerUser, "user", errAttachRate),
		attachNetwork:    newAllowance(l.AttachesPerNetwork, "network", errAttachRate),
		subscribeUser:    newAllowance(l.SubscriptionsPerUser, "user", errSubscribeRate),
		refusalNetwork:   newAllowance(l.RefusalsPerNetwork, "network", errNoToken),
		signInPerNetwork: newAllowance(l.SignInsPerNetwork, "network", errSignInRate),
		sessionUser:      newAllowance(l.SessionsPerUser, "user", errSessionRate),
		passwordUser:     newAllowance(l.PasswordsPerUser, "user", errSessionRate),
	}
}

// call admits a unary call; leave must be called at its end.
func (l *limiter) call(c *caller) (leave func(), err error) {
	who := c.who()
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
	if err := l.attachUser.admit(c.User); err != nil {
		return err
	}
	return l.attachNetwork.admit(account.Network(c.remote))
}

// callCounter counts the calls under way for each key, of which there are no more than
// calls.
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
