package account

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Config is the settings of a [Service]. The zero value of a field means the
// default named beside it.
type Config struct {
	// Clock returns the time; time.Now. Only the wall clock counts, since the
	// times it gives outlive the process.
	Clock func() time.Time

	// AccessTTL is how long an access token is good for; 15 min.
	AccessTTL time.Duration
	// RefreshTTL is how long a session lives after its last refresh; 12 h. It
	// must be longer than AccessTTL and Grace together.
	RefreshTTL time.Duration
	// MaxSessionLife is how long a session lives at most, however often it is refreshed;
	// 30 days (NIST SP 800-63B-4, section 2.1.3). Negative is no bound.
	MaxSessionLife time.Duration
	// Grace is how long after its token has expired a live stream may stay; 30 s.
	Grace time.Duration
	// RetryWindow is how long a used refresh token gets the same successor again, also
	// after the use of the successor: two programs may share a session; 30 s.
	RetryWindow time.Duration

	// MaxSessionsPerUser bounds a user's sessions; 256. At the bound a sign-in
	// ends the session that has been idle longest (its access token expired), or
	// is refused with [ErrTooManySessions] when all are in use.
	MaxSessionsPerUser int
	// MaxConnectionsPerSession bounds the connections of a session, 64, and
	// MaxConnectionsPerUser those of all sessions of a user, 1024. At the bound a
	// new connection replaces the one that was detached longest ago, or is
	// refused with [ErrTooManyConnections] when all are attached. The first
	// connection of a session counts but is never refused.
	MaxConnectionsPerSession int
	MaxConnectionsPerUser    int

	// MinPassword is how many characters a new password has at least, 15; see
	// [CheckNewPassword]. Stored passwords stay good.
	MinPassword int
	// Lockout slows down guessing.
	Lockout Lockout
	// Hash is the cost of one password hash.
	Hash HashCost
	// HashConcurrency is how many passwords are hashed at once; the number of
	// processors, at most 8. Each takes Hash.MemoryKiB.
	HashConcurrency int
	// HashQueue is how many calls may wait for that, 256, and HashWait how long,
	// 5 s; beyond either a call fails with [ErrBusy]. Of one user 8 sign-ins from
	// one network wait, and one change of password. A quarter of the places is kept for users who are signed
	// in, or sign in from a network from which they did before. HashShare is how many
	// of the places calls from one network may take ([Network]), half of them, at
	// least one; negative is all, for a server that sees only its proxy's address.
	HashQueue int
	HashShare int
	HashWait  time.Duration

	// KeyLife is after how long [Service.Run] replaces the signing key; 30 days.
	KeyLife time.Duration
	// AccessLog bounds the access log.
	AccessLog AccessLog

	// Admit is asked, with the password already verified, whether the user may
	// have a session; its error refuses the sign-in and is returned wrapped. It
	// is asked again once the session exists, so a suspension that first makes
	// Admit refuse and then calls [Service.RevokeUser] misses none. Nil admits all.
	Admit func(user string) error
	// Attached returns the connections of a user that have a stream. They are not
	// replaced at a bound. Nil: none is ever replaced.
	Attached func(ctx context.Context, user string) (map[string]bool, error)
	// OnEnd is called for every session that ended, after the end is durable and
	// [Service.Verify] refuses its tokens. OnExtend is called for every refresh, with
	// the new expiry of the session's access token. OnFault is called for background
	// work that failed and will be tried again. They are called without locks
	// from the goroutine whose call caused it, should return soon, and must not
	// check passwords: a sign-in of the same user may be waiting for them. Each
	// may be nil.
	OnEnd    func(Ended)
	OnExtend func(session string, expires time.Time)
	OnFault  func(error)
}

// Lockout limits failed password checks: during a lock, passwords are refused unchecked.
// Failures are counted per user name, existing or not, and network ([Network]).
type Lockout struct {
	// UserAfter consecutive failures of a user name from one network lock the name for
	// that network; 5.
	UserAfter int
	// NameAfter failures of a user name, from any networks, lock it for all networks
	// where the user did not sign in before, for up to NameMaxDelay; 100 and 30 s.
	NameAfter    int
	NameMaxDelay time.Duration
	// AddressAfter failures from a network lock it for all users who did not sign in
	// there before; 100. A success does not reset them: an attacker could sign in to an
	// own account between guesses. Negative turns it off, for a server that sees only
	// its proxy's address.
	AddressAfter int
	// Delay is the first lock's length, 1 s. Each further failure doubles it, up
	// to MaxDelay, 15 min.
	Delay    time.Duration
	MaxDelay time.Duration
	// Window is how long after the last failure or lock the count is forgotten; 15 min.
	Window time.Duration
}

// HashCost is the cost of argon2id (RFC 9106). The default is the recommendation of
// OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
type HashCost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// AccessLog bounds the access log's buffer and its life.
type AccessLog struct {
	// Queue is how many entries may wait to be written; 4096.
	Queue int
	// Wait is how long an entry that matters for security waits for room in a
	// full queue before it is dropped and counted; 250 ms. Others do not wait.
	Wait time.Duration
	// Batch is how many entries go into one write, 512, and Interval how long the
	// first of them may wait for it, 500 ms.
	Batch    int
	Interval time.Duration
	// Retention is how long entries are kept, 400 days, and ActivityRetention how long
	// refreshes, opened connections and streams are, 30 days: a signed-in user can cause
	// any number of them. Negative keeps all of them.
	Retention         time.Duration
	ActivityRetention time.Duration
}

// setDefault sets a field that is zero to its default.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate checks the settings, with defaults filled in, as [NewService] does. The error is
// [ErrInvalid].
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults sets zero fields to their defaults and refuses invalid settings.
func (c Config) withDefaults() (Config, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	setDefault(&c.AccessTTL, 15*time.Minute)
	setDefault(&c.RefreshTTL, 12*time.Hour)
	setDefault(&c.MaxSessionLife, 30*24*time.Hour)
	setDefault(&c.MinPassword, 15)
	setDefault(&c.Grace, 30*time.Second)
	setDefault(&c.RetryWindow, 30*time.Second)
	setDefault(&c.MaxSessionsPerUser, 256)
	setDefault(&c.MaxConnectionsPerSession, 64)
	setDefault(&c.MaxConnectionsPerUser, 1024)
	setDefault(&c.Lockout.UserAfter, 5)
	setDefault(&c.Lockout.NameAfter, 100)
	setDefault(&c.Lockout.NameMaxDelay, 30*time.Second)
	setDefault(&c.Lockout.AddressAfter, 100)
	setDefault(&c.Lockout.Delay, time.Second)
	setDefault(&c.Lockout.MaxDelay, 15*time.Minute)
	setDefault(&c.Lockout.Window, 15*time.Minute)
	setDefault(&c.Hash, HashCost{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1})
	setDefault(&c.HashConcurrency, min(runtime.GOMAXPROCS(0), 8))
	setDefault(&c.HashQueue, 256)
	setDefault(&c.HashShare, max(c.HashQueue/2, 1))
	setDefault(&c.HashWait, 5*time.Second)
	setDefault(&c.KeyLife, 30*24*time.Hour)
	setDefault(&c.AccessLog.Queue, 4096)
	setDefault(&c.AccessLog.Wait, 250*time.Millisecond)
	setDefault(&c.AccessLog.Batch, 512)
	setDefault(&c.AccessLog.Interval, 500*time.Millisecond)
	setDefault(&c.AccessLog.Retention, 400*24*time.Hour)
	setDefault(&c.AccessLog.ActivityRetention, 30*24*time.Hour)

	if c.AccessTTL < 0 || c.Grace < 0 || c.RetryWindow < 0 || c.HashWait < 0 || c.KeyLife < 0 ||
		c.Lockout.Delay < 0 || c.Lockout.MaxDelay < 0 || c.Lockout.NameMaxDelay < 0 || c.Lockout.Window < 0 ||
		c.AccessLog.Wait < 0 || c.AccessLog.Interval < 0 {
		return c, fmt.Errorf("%w: a duration is negative", ErrInvalid)
	}
	if c.RefreshTTL <= c.AccessTTL+c.Grace {
		return c, fmt.Errorf("%w: RefreshTTL %v must be longer than AccessTTL %v and Grace %v together",
			ErrInvalid, c.RefreshTTL, c.AccessTTL, c.Grace)
	}
	if c.MaxSessionLife >= 0 && c.MaxSessionLife < c.RefreshTTL {
		return c, fmt.Errorf("%w: MaxSessionLife %v must not be shorter than RefreshTTL %v", ErrInvalid, c.MaxSessionLife, c.RefreshTTL)
	}
	if min(c.MinPassword, c.MaxSessionsPerUser, c.MaxConnectionsPerSession, c.MaxConnectionsPerUser, c.Lockout.UserAfter, c.Lockout.NameAfter,
		c.HashConcurrency, c.HashQueue, c.AccessLog.Queue, c.AccessLog.Batch) < 1 {
		return c, fmt.Errorf("%w: a bound is less than 1", ErrInvalid)
	}
	if err := c.Hash.validate(); err != nil {
		return c, errors.Join(ErrInvalid, err)
	}
	return c, nil
}
