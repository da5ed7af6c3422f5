package account

import (
	"context"
	"errors"
)

// OpenConnection makes another connection of a live session, for another desktop
// window or tab, with the session's client name and the CancelOnDisconnect of its
// other connections. remote is the caller's address. Errors: [ErrRevoked] when the session has ended,
// [ErrTooManyConnections], or the store's.
func (s *Service) OpenConnection(ctx context.Context, session, remote string) (Connection, error) {
	live, ok := s.live.session(session)
	if !ok {
		return Connection{}, ErrRevoked
	}
	c := newConnection(live, remote, s.now())
	replaced, err := s.live.reserve(&c, s.cfg.MaxConnectionsPerSession, s.cfg.MaxConnectionsPerUser, nil)
	if errors.Is(err, ErrTooManyConnections) && s.cfg.Attached != nil {
		var attached map[string]bool
		if attached, err = s.cfg.Attached(ctx, c.User); err == nil {
			replaced, err = s.live.reserve(&c, s.cfg.MaxConnectionsPerSession, s.cfg.MaxConnectionsPerUser, attached)
		}
	}
	if err != nil {
		return Connection{}, err
	}
	// If this fails, the replaced connection stays out of memory until the next
	// start. Its client, which was detached longest, opens another.
	err = s.write(ctx, "open connection", func(ctx context.Context) error { return s.store.CreateConnection(ctx, c, replaced) })
	if err != nil {
		s.live.drop(c.ID)
		if errors.Is(err, ErrNotFound) {
			err = ErrRevoked
		}
		return Connection{}, err
	}
	s.log.add(ctx, Entry{
		Kind: ConnectionOpened, User: c.User, Session: c.Session, Connection: c.ID,
		RemoteAddr: c.RemoteAddr, Detail: c.ClientName,
	})
	return c, nil
}

// Connection returns a connection of any user that has not ended, or
// [ErrUnknownConnection].
func (s *Service) Connection(id string) (Connection, error) {
	c, ok := s.live.connection(id)
	if !ok {
		return Connection{}, ErrUnknownConnection
	}
	return c, nil
}

// OwnConnection returns a connection of the caller's session, which may have been
// opened by another process: an unknown one is looked up in the store, of each
// session at most once a second in vain. Errors: [ErrUnknownConnection],
// [ErrNotYourConnection], or the store's.
func (s *Service) OwnConnection(ctx context.Context, caller Identity, id string) (Connection, error) {
	c, ok := s.live.connection(id)
	if !ok {
		if !s.live.mayLookUp(caller.Session, s.now()) {
			return Connection{}, ErrUnknownConnection
		}
		stored, err := s.store.Connections(ctx, caller.Session)
		if err != nil {
			return Connection{}, failed("read connections", err)
		}
		s.live.addConnections(stored)
		if c, ok = s.live.connection(id); !ok {
			return Connection{}, ErrUnknownConnection
		}
		s.live.found(caller.Session)
	}
	if c.Session != caller.Session {
		return Connection{}, ErrNotYourConnection
	}
	return c, nil
}

// Detached records, in memory only, that a connection's stream has ended. At the bound, the
// connection that was detached longest ago is replaced by a new one. An unknown connection
// is ignored.
func (s *Service) Detached(id string) { s.live.detached(id, s.now()) }
