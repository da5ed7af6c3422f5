package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"todoku/account"
)

// Sessions and their connections. Deleting a session deletes its connections by
// the foreign key's cascade.

const (
	sessionColumns = "id, user, client_name, remote_addr, created, generation, key_id, refreshed, access_expires, expires"

	connectionColumns = "id, session, user, client_name, remote_addr, created, cancel_on_disconnect, last_seen"
)

// CreateSession implements [account.SessionStore].
func (a *Accounts) CreateSession(ctx context.Context, s account.Session, c account.Connection, credential uint64) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		version, err := credentialVersion(ctx, tx, s.User)
		if err != nil {
			return err
		}
		if version != credential {
			return fmt.Errorf("%w: credential", account.ErrConflict)
		}
		n, err := execute(ctx, tx, "INSERT INTO sessions ("+sessionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			s.ID, s.User, s.ClientName, s.RemoteAddr, nanoseconds(s.Created), s.Generation, s.KeyID,
			nanoseconds(s.Refreshed), nanoseconds(s.AccessExpires), nanoseconds(s.Expires))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: session exists", account.ErrConflict)
		}
		return insertConnection(ctx, tx, c)
	})
}

// RotateSession implements [account.SessionStore].
func (a *Accounts) RotateSession(ctx context.Context, s account.Session) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		var generation uint64
		err := tx.QueryRowContext(ctx, "SELECT generation FROM sessions WHERE id = ?", s.ID).Scan(&generation)
		if err != nil {
			return notFound(err, "session")
		}
		if generation+1 != s.Generation {
			return fmt.Errorf("%w: session", account.ErrConflict)
		}
		// Not INSERT OR REPLACE: replacing would cascade to the connections.
		_, err = execute(ctx, tx, `UPDATE sessions SET user = ?, client_name = ?, remote_addr = ?, created = ?,
			generation = ?, key_id = ?, refreshed = ?, access_expires = ?, expires = ? WHERE id = ?`,
			s.User, s.ClientName, s.RemoteAddr, nanoseconds(s.Created),
			s.Generation, s.KeyID, nanoseconds(s.Refreshed), nanoseconds(s.AccessExpires), nanoseconds(s.Expires), s.ID)
		return err
	})
}

// EndSessions implements [account.SessionStore].
func (a *Accounts) EndSessions(ctx context.Context, ids []string) error {
	return runEach(ctx, a, "DELETE FROM sessions WHERE id = ?", ids, func(id *string) []any { return []any{*id} })
}

// Session implements [account.SessionStore].
func (a *Accounts) Session(ctx context.Context, id string) (account.Session, error) {
	var s account.Session
	err := scanSession(a.db.reader.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM sessions WHERE id = ?", id), &s)
	return s, notFound(err, "session")
}

// Sessions implements [account.SessionStore].
func (a *Accounts) Sessions(ctx context.Context) ([]account.Session, error) {
	return collect(ctx, a.db.reader, scanSession, "SELECT "+sessionColumns+" FROM sessions")
}

func scanSession(row scanner, s *account.Session) error {
	return row.Scan(&s.ID, &s.User, &s.ClientName, &s.RemoteAddr, timeColumn{&s.Created}, &s.Generation, &s.KeyID,
		timeColumn{&s.Refreshed}, timeColumn{&s.AccessExpires}, timeColumn{&s.Expires})
}

// CreateConnection implements [account.ConnectionStore].
func (a *Accounts) CreateConnection(ctx context.Context, c account.Connection, replaced string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		var id string
		if err := tx.QueryRowContext(ctx, "SELECT id FROM sessions WHERE id = ?", c.Session).Scan(&id); err != nil {
			return notFound(err, "session")
		}
		if _, err := execute(ctx, tx, "DELETE FROM connections WHERE id = ?", replaced); err != nil {
			return err
		}
		return insertConnection(ctx, tx, c)
	})
}

func insertConnection(ctx context.Context, tx *sql.Tx, c account.Connection) error {
	_, err := execute(ctx, tx, "INSERT INTO connections ("+connectionColumns+", last_attach, last_cursor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
		c.ID, c.Session, c.User, c.ClientName, c.RemoteAddr, nanoseconds(c.Created), int64(c.CancelOnDisconnect),
		nanoseconds(c.LastSeen))
	return err
}

// Connections implements [account.ConnectionStore].
func (a *Accounts) Connections(ctx context.Context, session string) ([]account.Connection, error) {
	return collect(ctx, a.db.reader, func(row scanner, c *account.Connection) error {
		return row.Scan(&c.ID, &c.Session, &c.User, &c.ClientName, &c.RemoteAddr, timeColumn{&c.Created}, &c.CancelOnDisconnect,
			timeColumn{&c.LastSeen})
	}, "SELECT "+connectionColumns+" FROM connections WHERE ? = '' OR session = ?", session, session)
}
