package account

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxUserName is the longest user name in bytes. The venue's own rule may be
	// narrower; this one keeps oversized texts out of tokens and logs.
	MaxUserName = 64
	// MaxPassword is the longest password in bytes.
	MaxPassword = 1024

	// writeTimeout bounds a write to the store after it has begun. A canceled call
	// does not end the write, because the outcome would be unknown.
	writeTimeout = 10 * time.Second
	// refreshTimeout is how long a refresh waits for the store before it goes on without,
	// so that the answer comes within the call's deadline.
	refreshTimeout = 3 * time.Second
)

// Service is the accounts of one server. Make it with [NewService] and let one
// goroutine run [Service.Run].
type Service struct {
	cfg     Config
	store   Store
	keys    keyring
	gate    *gate
	unknown passwordHash // passwords of unknown users are checked against it
	live    *registry
	known   knownPlaces
	log     *accessLog
}

// NewService reads the keys, sessions and connections from store and, in a new
// store, makes the first key. The caller owns store and closes it after Run and all
// other calls have returned. Only one process may use a store at a time. Errors:
// [ErrInvalid] for settings that contradict each other, or the store's.
func NewService(ctx context.Context, store Store, cfg Config) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg:     cfg,
		store:   store,
		gate:    newGate(cfg.HashConcurrency, cfg.HashQueue, cfg.HashShare, cfg.HashWait),
		unknown: unknownUserHash(cfg.Hash),
		known:   knownPlaces{users: map[string]map[string]time.Time{}},
	}
	s.log = newAccessLog(store, cfg.AccessLog, s.now)
	sessions, err := store.Sessions(ctx)
	if err != nil {
		return nil, failed("read sessions", err)
	}
	if err := s.loadKeys(ctx, sessions); err != nil {
		return nil, err
	}
	connections, err := store.Connections(ctx, "")
	if err != nil {
		return nil, failed("read connections", err)
	}
	s.live = newRegistry(sessions, connections)
	if err := s.recall(ctx, sessions); err != nil {
		return nil, err
	}
	return s, nil
}

// Stats is a moment's numbers of a [Service], for metrics.
type Stats struct {
	// Sessions and Connections are those that have not ended.
	Sessions    int
	Connections int
	// SignInsWaiting is how many calls wait to have a password checked.
	SignInsWaiting int
	// LogQueued is how many access log entries wait to be written, and LogLost
	// how many were dropped since the start.
	LogQueued int
	LogLost   uint64
	// Logged is how many entries of each kind the access log was given.
	Logged map[Kind]uint64
}

// Stats returns the numbers of this moment.
func (s *Service) Stats() Stats {
	var stats Stats
	stats.Sessions, stats.Connections = s.live.counts()
	stats.SignInsWaiting = s.gate.length()
	stats.LogQueued, stats.LogLost = s.log.counts()
	stats.Logged = s.log.logged()
	return stats
}

// now is the wall clock, without the monotonic reading: times are compared with
// those of earlier processes.
func (s *Service) now() time.Time { return s.cfg.Clock().Round(0).UTC() }

// write runs one store write to its end even if ctx is canceled meanwhile. It does not
// begin if ctx is already canceled.
func (s *Service) write(ctx context.Context, doing string, do func(context.Context) error) error {
	return s.writeWithin(ctx, writeTimeout, doing, do)
}

func (s *Service) writeWithin(ctx context.Context, limit time.Duration, doing string, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("account: %s: %w", doing, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := do(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("account: %s: %w: %w", doing, ErrUnavailable, err)
	}
	return failed(doing, err)
}

// failed adds the failed operation to an error of the store; nil stays nil. What is
// neither a documented answer of the store nor the end of the caller's context is
// ErrUnavailable.
func failed(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("account: %s: %w", doing, err)
	}
	return fmt.Errorf("account: %s: %w: %w", doing, ErrUnavailable, err)
}

// checkArguments refuses malformed names and passwords without reading the store.
// A name is 1 to MaxUserName bytes of printable UTF-8. A password is 1 to
// MaxPassword bytes of UTF-8, which is the whole policy: rules of composition
// make passwords worse (NIST SP 800-63B, section 3.1.1.2).
func checkArguments(user string, passwords ...string) error {
	if user == "" || len(user) > MaxUserName || !utf8.ValidString(user) {
		return fmt.Errorf("%w: a user name is 1 to %d bytes of UTF-8", ErrInvalid, MaxUserName)
	}
	for _, r := range user {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%w: a user name has no control characters", ErrInvalid)
		}
	}
	for _, password := range passwords {
		if password == "" || len(password) > MaxPassword || !utf8.ValidString(password) {
			return fmt.Errorf("%w: a password is 1 to %d bytes of UTF-8", ErrInvalid, MaxPassword)
		}
	}
	return nil
}
