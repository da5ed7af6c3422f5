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

	connectionColumns = "id, session, user, client_name, remote_addr, created, cancel_on_disconnect, " +
		"last_attach, last_seen, last_cursor"
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
	return a.deleteEach(ctx, "DELETE FROM sessions WHERE id = ?", ids)
}

// deleteEach runs a statement for each id in one transaction.
func (a *Accounts) deleteEach(ctx context.Context, query string, ids []string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := execute(ctx, tx, query, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Session implements [account.SessionStore].
func (a *Accounts) Session(ctx context.Context, id string) (account.Session, error) {
	s, err := scanSession(a.db.reader.QueryRowContext(ctx, "SELECT "+sessionColumns+" FROM sessions WHERE id = ?", id))
	if err != nil {
		return account.Session{}, notFound(err, "session")
	}
	return s, nil
}

// Sessions implements [account.SessionStore].
func (a *Accounts) Sessions(ctx context.Context) ([]account.Session, error) {
	return collect(ctx, a.db.reader, scanSession, "SELECT "+sessionColumns+" FROM sessions")
}

func scanSession(row scanner) (account.Session, error) {
	var s account.Session
	var created, refreshed, accessExpires, expires int64
	err := row.Scan(&s.ID, &s.User, &s.ClientName, &s.RemoteAddr, &created, &s.Generation, &s.KeyID,
		&refreshed, &accessExpires, &expires)
	s.Created, s.Refreshed = fromNanoseconds(created), fromNanoseconds(refreshed)
	s.AccessExpires, s.Expires = fromNanoseconds(accessExpires), fromNanoseconds(expires)
	return s, err
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
	_, err := execute(ctx, tx, "INSERT INTO connections ("+connectionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.ID, c.Session, c.User, c.ClientName, c.RemoteAddr, nanoseconds(c.Created), int64(c.CancelOnDisconnect),
		nanoseconds(c.LastAttach), nanoseconds(c.LastSeen), c.LastCursor)
	return err
}

// SaveConnections implements [account.ConnectionStore].
func (a *Accounts) SaveConnections(ctx context.Context, connections []account.Connection) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, "UPDATE connections SET last_attach = ?, last_seen = ?, last_cursor = ? WHERE id = ?")
		if err != nil {
			return err
		}
		defer func() { _ = statement.Close() }()
		for _, c := range connections {
			_, err := statement.ExecContext(ctx, nanoseconds(c.LastAttach), nanoseconds(c.LastSeen), c.LastCursor, c.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteConnections implements [account.ConnectionStore].
func (a *Accounts) DeleteConnections(ctx context.Context, ids []string) error {
	return a.deleteEach(ctx, "DELETE FROM connections WHERE id = ?", ids)
}

// Connections implements [account.ConnectionStore].
func (a *Accounts) Connections(ctx context.Context, session string) ([]account.Connection, error) {
	return collect(ctx, a.db.reader, func(row scanner) (account.Connection, error) {
		var c account.Connection
		var created, lastAttach, lastSeen int64
		err := row.Scan(&c.ID, &c.Session, &c.User, &c.ClientName, &c.RemoteAddr, &created, &c.CancelOnDisconnect,
			&lastAttach, &lastSeen, &c.LastCursor)
		c.Created, c.LastAttach, c.LastSeen = fromNanoseconds(created), fromNanoseconds(lastAttach), fromNanoseconds(lastSeen)
		return c, err
	}, "SELECT "+connectionColumns+" FROM connections WHERE ? = '' OR session = ?", session, session)
}
