package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Identity is who a verified token speaks for.
type Identity struct {
	User    string
	Session string
	// Expires is when the token, or for a live stream the session's newest access
	// token, is no longer good.
	Expires time.Time
}

// EndReason says why a session ended.
type EndReason string

// The reasons.
const (
	EndLogout          EndReason = "LOGOUT"           // Its user signed out.
	EndRevoked         EndReason = "REVOKED"          // Someone else ended it.
	EndPasswordChanged EndReason = "PASSWORD_CHANGED" // The user's password was changed.
	EndReused          EndReason = "REUSED"           // An old refresh token came back.
	EndExpired         EndReason = "EXPIRED"          // Nobody refreshed it in time, it reached its longest life, or it was idle and in the way of a new one.
)

// Ended is the end of a session, as Config.OnEnd gets it.
type Ended struct {
	Session string
	User    string
	Reason  EndReason
}

// Verify checks an access token. It can be called for every request: it reads the
// store only for a session or a key that memory does not know, because another
// process made it, and only once the signature holds (an unknown key is looked up
// at most once a second). A session that was ended here is refused at once,
// however long its token would last. Errors: [ErrBadToken], [ErrExpired],
// [ErrRevoked], or the store's.
func (s *Service) Verify(ctx context.Context, token string) (Identity, error) {
	c, err := s.parseAccess(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	now := s.now()
	if !now.Before(c.expires) {
		return Identity{}, ErrExpired
	}
	session, unused, known := s.live.newest(c.session)
	if !known || c.expires.After(session.AccessExpires) {
		// Another process created or refreshed the session.
		if session, err = s.load(ctx, c.session); err != nil {
			return Identity{}, err
		}
	}
	switch {
	case session.User != c.user:
		return Identity{}, ErrRevoked
	case !now.Before(session.Expires):
		return Identity{}, ErrExpired
	}
	if unused && c.expires.Equal(session.AccessExpires) {
		s.live.use(session)
	}
	return Identity{User: c.user, Session: c.session, Expires: c.expires}, nil
}

// CancelOnDisconnect returns how long after its stream is lost a session's orders are
// canceled; 0 is never, or no such session here.
func (s *Service) CancelOnDisconnect(session string) time.Duration {
	return s.live.cancelOnDisconnect(session)
}

// load takes a session over from the store. Errors: [ErrRevoked], or the store's.
func (s *Service) load(ctx context.Context, id string) (Session, error) {
	if s.live.hasEnded(id) {
		return Session{}, ErrRevoked
	}
	session, err := s.store.Session(ctx, id)
	if errors.Is(err, ErrNotFound) {
		s.live.end([]string{id}, s.now().Add(s.cfg.AccessTTL))
		return Session{}, ErrRevoked
	}
	if err != nil {
		return Session{}, failed("read session", err)
	}
	if alive, _ := s.live.take(session); !alive {
		return Session{}, ErrRevoked
	}
	return session, nil
}

// Session returns a session of this process that has not ended, or [ErrRevoked].
func (s *Service) Session(id string) (Session, error) {
	session, ok := s.live.session(id)
	if !ok {
		return Session{}, ErrRevoked
	}
	return session, nil
}

// OtherSession reports whether an access token and a refresh token, both signed by
// this venue and valid or not, belong to different sessions.
func (s *Service) OtherSession(ctx context.Context, access, refresh string) bool {
	a, err := s.parseAccess(ctx, access)
	if err != nil {
		return false
	}
	r, err := s.parseRefresh(ctx, refresh)
	return err == nil && a.session != r.session
}

// RefreshedBy returns whose refresh token this is, so that a user's refreshes can be
// counted before they cost a read of the store: the user, or the session if no session of
// that ID is live here. Error: [ErrBadToken], or the store's.
func (s *Service) RefreshedBy(ctx context.Context, token string) (string, error) {
	c, err := s.parseRefresh(ctx, token)
	if err != nil {
		return "", err
	}
	if session, ok := s.live.session(c.session); ok {
		return session.User, nil
	}
	return "session " + c.session, nil
}

// Refresh exchanges a refresh token for the next grant and moves the session's end, by
// the rule of rotation of RFC 9700, section 4.14.2. The answer may be lost, so the token
// before the newest one, its predecessor, is accepted again: for Config.RetryWindow, with
// the same grant; after that until its own expiry, with the successor's times renewed, as
// long as nobody was seen to use the successor. A use is a call with the successor's
// access token here, since the start of this process, or a refresh. Any other use of an
// old token means that two hold it: the session ends. remote is for the access log.
//
// While the store cannot be written, the newest token is returned again with a new
// access token, up to the session's stored end, so that a full disk ends no session.
// Errors: [ErrBadToken], [ErrExpired], [ErrRevoked], [ErrReused], or the store's.
func (s *Service) Refresh(ctx context.Context, token, remote string) (Grant, error) {
	c, err := s.parseRefresh(ctx, token)
	if err != nil {
		return Grant{}, err
	}
	for {
		stored, err := s.store.Session(ctx, c.session)
		if err = failed("read session", err); errors.Is(err, ErrUnavailable) {
			if live, ok := s.live.session(c.session); ok && c.generation == live.Generation {
				return s.prolong(ctx, live, remote, err)
			}
		}
		now := s.now()
		switch {
		case errors.Is(err, ErrNotFound) && !now.Before(c.expires):
			return Grant{}, ErrExpired
		case errors.Is(err, ErrNotFound):
			return Grant{}, ErrRevoked
		case err != nil:
			return Grant{}, err
		case c.generation > stored.Generation:
			// Signed here and not yet given out: the store was put back to an
			// older copy. Nobody can tell what else was lost, so sign in again.
			return Grant{}, ErrRevoked
		case c.generation+1 == stored.Generation && now.Sub(stored.Refreshed) <= s.cfg.RetryWindow:
			return s.adopt(ctx, stored, remote)
		case c.generation < stored.Generation && (c.generation+1 < stored.Generation || s.live.used(stored)):
			return Grant{}, s.reused(ctx, stored, remote)
		case !now.Before(c.expires), !now.Before(stored.Expires):
			return Grant{}, ErrExpired
		}

		next := stored
		next.Generation = c.generation + 1
		next.KeyID = s.keys.current().ID
		s.extend(&next, now)
		if !now.Before(next.Expires) { // It was made when a session could live longer.
			return Grant{}, ErrExpired
		}
		err = s.writeWithin(ctx, refreshTimeout, "refresh session", func(ctx context.Context) error { return s.store.RotateSession(ctx, stored, next) })
		switch {
		case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
			continue // Someone was faster; look again what there is now.
		case errors.Is(err, ErrUnavailable):
			return s.prolong(ctx, stored, remote, err)
		case err != nil:
			return Grant{}, err
		}
		return s.adopt(ctx, next, remote)
	}
}

// adopt takes a stored refresh over into memory, tells of it if that is news, and
// grants it. A retry comes here too: the first try may have failed after it was stored.
func (s *Service) adopt(ctx context.Context, session Session, remote string) (Grant, error) {
	alive, news := s.live.take(session)
	if !alive {
		return Grant{}, ErrRevoked
	}
	if news {
		if s.cfg.OnExtend != nil {
			s.cfg.OnExtend(session.ID, session.AccessExpires)
		}
		s.log.add(ctx, Entry{Kind: Refreshed, User: session.User, Session: session.ID, RemoteAddr: remote})
	}
	return s.grant(session)
}

// prolong grants a new access token of the same generation, which is not stored. If the
// write that failed took effect nevertheless, the next refresh is a retry.
func (s *Service) prolong(ctx context.Context, session Session, remote string, cause error) (Grant, error) {
	s.fault(cause)
	now := s.now()
	if !now.Before(session.Expires) {
		return Grant{}, ErrExpired
	}
	session.AccessExpires = earlier(now.Add(s.cfg.AccessTTL), session.Expires)
	if alive, _ := s.live.take(session); !alive {
		return Grant{}, ErrRevoked
	}
	if s.cfg.OnExtend != nil {
		s.cfg.OnExtend(session.ID, session.AccessExpires)
	}
	s.log.add(ctx, Entry{Kind: Refreshed, User: session.User, Session: session.ID, RemoteAddr: remote, Reason: "NOT_STORED"})
	return s.grant(session)
}

func (s *Service) reused(ctx context.Context, session Session, remote string) error {
	s.log.add(ctx, Entry{Kind: Reused, User: session.User, Session: session.ID, RemoteAddr: remote})
	if err := s.end(ctx, []string{session.ID}, EndReused); err != nil {
		return err
	}
	return ErrReused
}

// grant signs the tokens of the session's newest generation.
func (s *Service) grant(session Session) (Grant, error) {
	key, ok := s.keys.byID(session.KeyID)
	if !ok {
		// Keys outlive the sessions they signed for, unless the store was put together by hand.
		return Grant{}, fmt.Errorf("account: session %s was signed by key %d, which is not stored: %w",
			session.ID, session.KeyID, ErrRevoked)
	}
	return Grant{
		AccessToken: accessToken(key, session), AccessExpires: session.AccessExpires,
		RefreshToken: refreshToken(key, session), RefreshExpires: session.Expires,
		User: session.User, Session: session.ID,
	}, nil
}

// Logout ends a session at its user's wish. A session that has ended already is
// no error.
func (s *Service) Logout(ctx context.Context, session string) error {
	return s.end(ctx, []string{session}, EndLogout)
}

// Revoke ends a session for any reason. A session that has ended already is no
// error, so a call that failed can be repeated.
func (s *Service) Revoke(ctx context.Context, session string, reason EndReason) error {
	return s.end(ctx, []string{session}, reason)
}

// RevokeUser ends all sessions that a user has now and returns how many.
func (s *Service) RevokeUser(ctx context.Context, user string, reason EndReason) (int, error) {
	sessions := s.live.list(user)
	ids := make([]string, 0, len(sessions))
	for _, session := range sessions {
		if session.User == user { // list reads "" as everybody.
			ids = append(ids, session.ID)
		}
	}
	return len(ids), s.end(ctx, ids, reason)
}

// Sessions returns the live sessions of a user, or of everybody for "", oldest first.
func (s *Service) Sessions(user string) []Session { return s.live.list(user) }

// end makes the end of sessions durable and then tells.
func (s *Service) end(ctx context.Context, ids []string, reason EndReason) error {
	if len(ids) == 0 {
		return nil
	}
	err := s.write(ctx, "end sessions", func(ctx context.Context) error { return s.store.EndSessions(ctx, ids) })
	if err != nil {
		return err
	}
	s.forget(ctx, ids, reason)
	return nil
}

// forget takes sessions whose end is durable out of memory and tells the
// listener and the log.
func (s *Service) forget(ctx context.Context, ids []string, reason EndReason) {
	for _, session := range s.live.end(ids, s.now().Add(s.cfg.AccessTTL)) {
		if s.cfg.OnEnd != nil {
			s.cfg.OnEnd(Ended{Session: session.ID, User: session.User, Reason: reason})
		}
		s.log.add(ctx, Entry{Kind: SignOut, User: session.User, Session: session.ID, Reason: string(reason)})
	}
}
