package account

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Failures are counted in the store, so that a restart forgives nothing, and
// counted before the answer leaves. The counts of a name that does not exist are
// kept like any other's: a lock-out must not tell who exists.
//
// Strangers must not be able to keep a user out, or one guess in 15 min would do it. So
// a failure locks the user for the network it came from. The name elsewhere is locked
// only after many failures and for a short time, and never for a network where the user
// signed in before, as NIST SP 800-63B, section 3.2.2, permits. Nor does a network that
// guesses lock out those who signed in there before. What a signed-in user does is
// counted separately.

// fail returns what f becomes with one more failure at now. The lock begins at
// the after'th failure and doubles with each further one, up to longest.
func (l Lockout) fail(f Failures, after int, longest time.Duration, now time.Time) Failures {
	if now.After(later(f.Last, f.LockedUntil).Add(l.Window)) {
		f = Failures{Subject: f.Subject}
	}
	f.Count++
	f.Last = now
	if f.Count >= after {
		delay := l.Delay
		for i := after; i < f.Count && delay < longest; i++ {
			delay *= 2
		}
		f.LockedUntil = now.Add(min(delay, longest))
	}
	return f
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func nameSubject(user string) string { return "user:" + user }

// Network names what limits on an address count together: the address itself for
// IPv4, and for IPv6 its /64, which is what one customer gets (RFC 6177). remote is
// host or host:port; "" when it holds no address.
func Network(remote string) string {
	address, err := netip.ParseAddr(strings.Trim(remote, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(remote)
		if err != nil {
			return ""
		}
		address = withPort.Addr()
	}
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // Fails for more bits than the address has.
	return prefix.Addr().String()
}

// counter is one of the counts that a failure adds to.
type counter struct {
	subject string
	after   int           // Failures until the first lock.
	longest time.Duration // The longest lock.
	locks   bool          // Whether its lock holds for this caller.
	cleared bool          // Whether a success sets it to 0.
}

// counters returns what a failure of v counts against. The first one is of this password:
// a new one starts at 0. A success does not clear an address: an attacker could sign in
// to an own account between guesses.
func (s *Service) counters(v visit, credential uint64) []counter {
	l := s.cfg.Lockout
	password := strconv.FormatUint(credential, 10) + " "
	if v.kind >= inside {
		return []counter{{"change:" + password + v.user, l.UserAfter, l.MaxDelay, true, true}}
	}
	elsewhere := v.kind != known
	counters := []counter{
		{"sign-in:" + password + v.network + " " + v.user, l.UserAfter, l.MaxDelay, true, true},
		{nameSubject(v.user), l.NameAfter, min(l.NameMaxDelay, l.MaxDelay), elsewhere, true},
	}
	if v.network != "" && l.AddressAfter > 0 {
		counters = append(counters, counter{"address:" + v.network, l.AddressAfter, l.MaxDelay, elsewhere, false})
	}
	return counters
}

// checkLocks returns a LockedOutError if one of the counters is locked, and otherwise
// whether there are failures that a success clears.
func (s *Service) checkLocks(ctx context.Context, counters []counter) (failures bool, err error) {
	var until time.Time
	for _, c := range counters {
		f, err := s.store.Attempts(ctx, c.subject)
		if err != nil {
			return false, failed("read attempts", err)
		}
		failures = failures || c.cleared && f.Count > 0
		if c.locks {
			until = later(until, f.LockedUntil)
		}
	}
	if s.now().Before(until) {
		return false, &LockedOutError{Until: until}
	}
	return failures, nil
}

// countFailure adds one failure to the counters and returns until when one of them is
// locked now; zero for not locked. It counts even if the caller has gone away: hanging
// up early must not make a guess free.
func (s *Service) countFailure(ctx context.Context, counters []counter) (until time.Time, err error) {
	now := s.now()
	subjects := make([]string, 0, len(counters))
	of := map[string]counter{}
	for _, c := range counters {
		subjects, of[c.subject] = append(subjects, c.subject), c
	}
	count := func(f Failures) Failures {
		c := of[f.Subject]
		return s.cfg.Lockout.fail(f, c.after, c.longest, now)
	}
	var counted []Failures
	err = s.write(context.WithoutCancel(ctx), "count a failed attempt", func(ctx context.Context) (err error) {
		counted, err = s.store.ChangeAttempts(ctx, subjects, count)
		return err
	})
	for _, f := range counted {
		until = later(until, f.LockedUntil)
	}
	return until, err
}

// clearFailures forgets failures after a success.
func (s *Service) clearFailures(ctx context.Context, counters []counter) error {
	var subjects []string
	for _, c := range counters {
		if c.cleared {
			subjects = append(subjects, c.subject)
		}
	}
	forget := func(f Failures) Failures { return Failures{Subject: f.Subject} }
	return s.write(ctx, "clear failed attempts", func(ctx context.Context) error {
		_, err := s.store.ChangeAttempts(ctx, subjects, forget)
		return err
	})
}
