package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// LoginInfo describes the client that signs in. Texts are cut to what the access log
// keeps.
type LoginInfo struct {
	// ClientName is the client's own name for itself, such as "todoku-desktop 1.4".
	ClientName string
	// RemoteAddr is the client's address, host or host:port. Failed attempts are
	// counted for it, so the client must not be able to choose it.
	RemoteAddr string
	// CancelOnDisconnect is kept in the connection; 0 is never.
	CancelOnDisconnect time.Duration
}

// Grant is what a client needs to call and to stay signed in.
type Grant struct {
	// AccessToken goes with every call until AccessExpires.
	AccessToken   Secret
	AccessExpires time.Time
	// RefreshToken buys the next grant, once, until RefreshExpires.
	RefreshToken   Secret
	RefreshExpires time.Time
	User           string
	Session        string
	// ConnectionID is the session's first connection; "" in a refreshed grant.
	ConnectionID string
}

// Login checks the password and makes a session with one connection. Errors:
// [ErrInvalid], [ErrBadCredentials], a [LockedOutError], [ErrBusy],
// [ErrTooManySessions], what Config.Admit returned, or the store's.
func (s *Service) Login(ctx context.Context, user, password string, info LoginInfo) (Grant, error) {
	if err := checkArguments(user, password); err != nil {
		return Grant{}, err
	}
	by := s.signInBy(user, info.RemoteAddr)
	leave, err := s.gate.enter(ctx, by)
	if err != nil {
		return Grant{}, err
	}
	defer leave()
	credential, err := s.check(ctx, by, password, info.RemoteAddr)
	if err != nil {
		return Grant{}, err
	}
	if err := s.admit(ctx, user, info.RemoteAddr); err != nil {
		return Grant{}, err
	}

	now := s.now()
	idle, ok := s.live.makeRoom(user, s.cfg.MaxSessionsPerUser, now)
	if !ok {
		return Grant{}, fmt.Errorf("%w: user %s has %d", ErrTooManySessions, user, s.cfg.MaxSessionsPerUser)
	}
	if idle != "" {
		if err := s.end(ctx, []string{idle}, EndExpired); err != nil {
			return Grant{}, err
		}
	}
	session := s.newSession(user, info, now)
	connection := newConnection(session, info.RemoteAddr, now)
	connection.CancelOnDisconnect = info.CancelOnDisconnect
	err = s.write(ctx, "create session", func(ctx context.Context) error {
		return s.store.CreateSession(ctx, session, connection, credential.Version)
	})
	switch {
	case errors.Is(err, ErrConflict): // The password was changed since it was read.
		return Grant{}, ErrBadCredentials
	case err != nil:
		return Grant{}, err
	}
	s.live.add(session, connection)
	s.known.add(user, Network(info.RemoteAddr), now)
	if err := s.admit(ctx, user, info.RemoteAddr); err != nil {
		return Grant{}, errors.Join(err, s.Revoke(ctx, session.ID, EndRevoked))
	}
	s.log.add(ctx, Entry{
		Kind: SignIn, User: user, Session: session.ID, Connection: connection.ID,
		RemoteAddr: info.RemoteAddr, Detail: info.ClientName,
	})
	grant, err := s.grant(session)
	grant.ConnectionID = connection.ID
	return grant, err
}

// signInBy is the caller of a sign-in.
func (s *Service) signInBy(user, remote string) visit {
	v := visit{kind: newcomer, user: user, network: Network(remote)}
	if s.known.has(user, v.network, s.now()) {
		v.kind = known
	}
	return v
}

// credential returns the stored credential, of version 0 for a user without one.
func (s *Service) credential(ctx context.Context, user string) (Credential, error) {
	c, err := s.store.Credential(ctx, user)
	if errors.Is(err, ErrNotFound) {
		return Credential{User: user}, nil
	}
	return c, failed("read credential", err)
}

// check compares the password and counts a failure. The caller is in the gate.
// A user who does not exist is hashed, counted and answered like one who does.
func (s *Service) check(ctx context.Context, by visit, password, remote string) (Credential, error) {
	user := by.user
	credential, err := s.credential(ctx, user)
	if err != nil {
		return Credential{}, err
	}
	counters := s.counters(by, credential.Version)
	failures, err := s.checkLocks(ctx, counters)
	if err != nil {
		return Credential{}, err
	}
	hash := s.unknown
	if credential.Version > 0 {
		if hash, err = parsePasswordHash(credential.Hash); err != nil {
			return Credential{}, fmt.Errorf("%w: user %s", err, user)
		}
	}
	if hash.matches(password) {
		if failures {
			err = s.clearFailures(ctx, counters)
		}
		return credential, err
	}

	until, err := s.countFailure(ctx, counters)
	if err != nil {
		return Credential{}, err
	}
	s.log.add(ctx, Entry{Kind: SignInFailed, User: user, RemoteAddr: remote})
	if !until.IsZero() {
		// Attempts during the lock are not logged one by one: they cost an
		// attacker nothing and would fill the disk.
		s.log.add(ctx, Entry{Kind: LockedOut, User: user, RemoteAddr: remote, Detail: "until " + until.Format(time.RFC3339)})
	}
	return Credential{}, ErrBadCredentials
}

func (s *Service) admit(ctx context.Context, user, remote string) error {
	if s.cfg.Admit == nil {
		return nil
	}
	err := s.cfg.Admit(user)
	if err != nil {
		s.log.add(ctx, Entry{Kind: SignInFailed, User: user, RemoteAddr: remote, Reason: "NOT_ADMITTED"})
		return fmt.Errorf("account: sign-in refused: %w", err)
	}
	return nil
}

// CreateCredentialIfAbsent gives a user a first password and reports whether it
// did; a password that is there stays, so a retry changes nothing. Errors:
// [ErrInvalid], [ErrBusy], or the store's.
func (s *Service) CreateCredentialIfAbsent(ctx context.Context, user, password string) (created bool, err error) {
	if err := CheckNewPassword(user, password, s.cfg.MinPassword); err != nil {
		return false, err
	}
	leave, err := s.gate.enter(ctx, visit{kind: staff, user: user})
	if err != nil {
		return false, err
	}
	defer leave()
	credential, err := s.credential(ctx, user)
	if err != nil || credential.Version > 0 {
		return false, err
	}
	err = s.putCredential(ctx, credential, password, "")
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// SetPassword creates or replaces a user's password, as an administrator does,
// forgets the user's failed attempts and ends all the user's sessions. Errors:
// [ErrInvalid], [ErrBusy], [ErrConflict] when two set it at the same moment, or
// the store's.
func (s *Service) SetPassword(ctx context.Context, user, password string) error {
	if err := CheckNewPassword(user, password, s.cfg.MinPassword); err != nil {
		return err
	}
	return s.SetPublishedPassword(ctx, user, password)
}

// SetPublishedPassword is SetPassword without the rule for new passwords, for the users of
// a demo, whose passwords are no secret.
func (s *Service) SetPublishedPassword(ctx context.Context, user, password string) error {
	if err := checkArguments(user, password); err != nil {
		return err
	}
	leave, err := s.gate.enter(ctx, visit{kind: staff, user: user})
	if err != nil {
		return err
	}
	defer leave()
	credential, err := s.credential(ctx, user)
	if err != nil {
		return err
	}
	if err := s.putCredential(ctx, credential, password, ""); err != nil {
		return err
	}
	return s.clearFailures(ctx, []counter{{subject: nameSubject(user), cleared: true}})
}

// ChangePassword replaces the caller's own password and ends all the caller's
// other sessions. Wrong old passwords lock the change, not the user's sign-ins. remote is
// the caller's address. Errors:
// [ErrInvalid], [ErrWrongPassword], [ErrRevoked], a [LockedOutError], [ErrBusy],
// or the store's.
func (s *Service) ChangePassword(ctx context.Context, caller Identity, remote, oldPassword, newPassword string) error {
	if err := checkArguments(caller.User, oldPassword); err != nil {
		return err
	}
	if err := CheckNewPassword(caller.User, newPassword, s.cfg.MinPassword); err != nil {
		return err
	}
	by := visit{kind: inside, user: caller.User, network: Network(remote)}
	leave, err := s.gate.enter(ctx, by)
	if err != nil {
		return err
	}
	defer leave()
	if _, ok := s.live.session(caller.Session); !ok {
		return ErrRevoked
	}
	credential, err := s.check(ctx, by, oldPassword, remote)
	if errors.Is(err, ErrBadCredentials) {
		return ErrWrongPassword
	}
	if err != nil {
		return err
	}
	return s.putCredential(ctx, credential, newPassword, caller.Session)
}

// putCredential stores the next password after c and ends the user's sessions
// except keep. The caller is in the gate, so no sign-in is half-way.
func (s *Service) putCredential(ctx context.Context, c Credential, password, keep string) error {
	c.Hash = newPasswordHash(s.cfg.Hash, password).encode()
	c.Version++
	c.Updated = s.now()
	err := s.write(ctx, "store password", func(ctx context.Context) error { return s.store.PutCredential(ctx, c, keep) })
	if err != nil {
		return err
	}
	s.log.add(ctx, Entry{Kind: PasswordChanged, User: c.User, Session: keep})
	var others []string
	for _, session := range s.live.list(c.User) {
		if session.ID != keep {
			others = append(others, session.ID)
		}
	}
	s.forget(ctx, others, EndPasswordChanged)
	return nil
}

// newSession makes a session of generation 1 with a random ID.
func (s *Service) newSession(user string, info LoginInfo, now time.Time) Session {
	session := Session{
		ID: rand.Text(), User: user, ClientName: clip(info.ClientName), RemoteAddr: clip(info.RemoteAddr), Created: now,
		Generation: 1, KeyID: s.keys.current().ID,
	}
	s.extend(&session, now)
	return session
}

// extend sets the times of a new generation, none of them after the session's last moment.
func (s *Service) extend(session *Session, now time.Time) {
	session.Refreshed = now
	session.AccessExpires, session.Expires = now.Add(s.cfg.AccessTTL), now.Add(s.cfg.RefreshTTL)
	if last := session.Created.Add(s.cfg.MaxSessionLife); s.cfg.MaxSessionLife >= 0 {
		session.AccessExpires, session.Expires = earlier(session.AccessExpires, last), earlier(session.Expires, last)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func newConnection(session Session, remote string, now time.Time) Connection {
	return Connection{
		ID: rand.Text(), Session: session.ID, User: session.User,
		ClientName: session.ClientName, RemoteAddr: clip(remote), Created: now, LastSeen: now,
	}
}
