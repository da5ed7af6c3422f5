package account

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// Failures are counted in the store, so that a restart forgives nothing, and
// counted before the answer leaves. The counts of a name that does not exist are
// kept like any other's: a lock-out must not tell who exists.

// fail returns what f becomes with one more failure at now. The lock begins at
// the after'th failure and doubles with each further one.
func (l Lockout) fail(f Failures, after int, now time.Time) Failures {
	if now.After(later(f.Last, f.LockedUntil).Add(l.Window)) {
		f = Failures{Subject: f.Subject}
	}
	f.Count++
	f.Last = now
	if f.Count >= after {
		delay := l.Delay
		for i := after; i < f.Count && delay < l.MaxDelay; i++ {
			delay *= 2
		}
		f.LockedUntil = now.Add(min(delay, l.MaxDelay))
	}
	return f
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func userSubject(user string) string { return "user:" + user }

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

// subjects names what a failure of user from remote counts against.
func (s *Service) subjects(user, remote string) []string {
	subjects := []string{userSubject(user)}
	if network := Network(remote); network != "" && s.cfg.Lockout.AddressAfter > 0 {
		subjects = append(subjects, "address:"+network)
	}
	return subjects
}

// checkLocks returns a LockedOutError if the user name or the address is locked,
// and otherwise how many failures the user has.
func (s *Service) checkLocks(ctx context.Context, user, remote string) (failures int, err error) {
	var until time.Time
	for i, subject := range s.subjects(user, remote) {
		f, err := s.store.Attempts(ctx, subject)
		if err != nil {
			return 0, failed("read attempts", err)
		}
		if i == 0 {
			failures = f.Count
		}
		until = later(until, f.LockedUntil)
	}
	if s.now().Before(until) {
		return 0, &LockedOutError{Until: until}
	}
	return failures, nil
}

// countFailure adds one failure to the user name and to the address and returns
// until when either is locked now; zero for not locked. It counts even if the
// caller has gone away: hanging up early must not make a guess free.
func (s *Service) countFailure(ctx context.Context, user, remote string) (time.Time, error) {
	now, name := s.now(), userSubject(user)
	count := func(f Failures) Failures {
		if f.Subject == name {
			return s.cfg.Lockout.fail(f, s.cfg.Lockout.UserAfter, now)
		}
		return s.cfg.Lockout.fail(f, s.cfg.Lockout.AddressAfter, now)
	}
	var counted []Failures
	err := s.write(context.WithoutCancel(ctx), "count a failed attempt", func(ctx context.Context) (err error) {
		counted, err = s.store.ChangeAttempts(ctx, s.subjects(user, remote), count)
		return err
	})
	var until time.Time
	for _, f := range counted {
		until = later(until, f.LockedUntil)
	}
	return until, err
}

// clearFailures forgets the user's failures after a success. The address keeps its own.
func (s *Service) clearFailures(ctx context.Context, user string) error {
	forget := func(f Failures) Failures { return Failures{Subject: f.Subject} }
	return s.write(ctx, "clear failed attempts", func(ctx context.Context) error {
		_, err := s.store.ChangeAttempts(ctx, []string{userSubject(user)}, forget)
		return err
	})
}
