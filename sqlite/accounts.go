package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"todoku/account"
)

// Accounts keeps credentials, sessions, connections and the access log in one
// file, and the signing keys in another. It implements [account.Store].
type Accounts struct {
	db   *database
	keys keyFile
}

var _ account.Store = (*Accounts)(nil)

func credentialTable() table[account.Credential] {
	return table[account.Credential]{"credentials", "user, hash, version, updated", func(c *account.Credential) []any {
		return []any{&c.User, &c.Hash, &c.Version, timeColumn{&c.Updated}}
	}}
}

func attemptTable() table[account.Failures] {
	return table[account.Failures]{"attempts", "subject, count, last, locked_until", func(f *account.Failures) []any {
		return []any{&f.Subject, &f.Count, timeColumn{&f.Last}, timeColumn{&f.LockedUntil}}
	}}
}

func sessionTable() table[account.Session] {
	const columns = "id, user, client_name, remote_addr, created, generation, key_id, refreshed, access_expires, expires"
	return table[account.Session]{"sessions", columns, func(s *account.Session) []any {
		return []any{
			&s.ID, &s.User, &s.ClientName, &s.RemoteAddr,
			timeColumn{&s.Created},
			&s.Generation, &s.KeyID,
			timeColumn{&s.Refreshed},
			timeColumn{&s.AccessExpires},
			timeColumn{&s.Expires},
		}
	}}
}

func connectionTable() table[account.Connection] {
	const columns = "id, session, user, client_name, remote_addr, created, cancel_on_disconnect, last_seen, last_attach, last_cursor"
	return table[account.Connection]{"connections", columns, func(c *account.Connection) []any {
		return []any{
			&c.ID, &c.Session, &c.User, &c.ClientName, &c.RemoteAddr,
			timeColumn{&c.Created},
			&c.CancelOnDisconnect,
			timeColumn{&c.LastSeen},
			unused{int64(0)},
			unused{""},
		}
	}}
}

func accessTable() table[account.Entry] {
	const columns = "id, time, kind, user, session, connection, remote_addr, reason, cursor, detail"
	return table[account.Entry]{"access", columns, func(e *account.Entry) []any {
		return []any{
			&e.ID,
			timeColumn{&e.Time},
			&e.Kind, &e.User, &e.Session, &e.Connection, &e.RemoteAddr,
			&e.Reason, &e.Cursor, &e.Detail,
		}
	}}
}

// OpenAccounts opens or creates the file at path; the file of the keys is beside it. One process at a time may
// have it open for writing; see [Lock]. Errors: [journal.ErrNewerVersion],
// [journal.ErrForeign], or SQLite's.
func OpenAccounts(ctx context.Context, path string) (*Accounts, error) {
	db, err := open(ctx, path, "accounts", openOptions{busyTimeout: accountsBusyTimeout})
	if err != nil {
		return nil, err
	}
	a := &Accounts{db: db, keys: newKeyFile(filepath.Dir(path))}
	if err := a.moveKeys(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close closes the file. Nothing may be called at the same time or after.
func (a *Accounts) Close() error { return a.db.close() }

// Credential implements [account.Store].
func (a *Accounts) Credential(ctx context.Context, user string) (c account.Credential, err error) {
	err = credentialTable().get(ctx, a.db.reader, &c, "WHERE user = ?", user)
	return c, notFound(err, "credential")
}

// PutCredential implements [account.Store].
func (a *Accounts) PutCredential(ctx context.Context, c account.Credential, keep string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		if err := checkCredential(ctx, tx, c.User, c.Version-1); err != nil {
			return err
		}
		if _, err := credentialTable().insert(ctx, tx, "INSERT OR REPLACE", c); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE user = ? AND id <> ?", c.User, keep)
		return err
	})
}

// checkCredential returns ErrConflict unless the user's credential has the version;
// a missing one has version 0.
func checkCredential(ctx context.Context, tx *sql.Tx, user string, version uint64) error {
	var stored account.Credential
	err := optional(credentialTable().get(ctx, tx, &stored, "WHERE user = ?", user))
	if err == nil && stored.Version != version {
		err = fmt.Errorf("%w: credential", account.ErrConflict)
	}
	return err
}

// Attempts implements [account.Store].
func (a *Accounts) Attempts(ctx context.Context, subject string) (account.Failures, error) {
	return readAttempts(ctx, a.db.reader, subject)
}

// ChangeAttempts implements [account.Store].
func (a *Accounts) ChangeAttempts(
	ctx context.Context, subjects []string, change func(account.Failures) account.Failures,
) ([]account.Failures, error) {
	changed := make([]account.Failures, 0, len(subjects))
	err := a.db.write(ctx, func(tx *sql.Tx) error {
		for _, subject := range subjects {
			f, err := readAttempts(ctx, tx, subject)
			if err != nil {
				return err
			}
			f = change(f)
			changed = append(changed, f)
			if f.Count > 0 {
				_, err = attemptTable().insert(ctx, tx, "INSERT OR REPLACE", f)
			} else {
				_, err = tx.ExecContext(ctx, "DELETE FROM attempts WHERE subject = ?", subject)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}

func readAttempts(ctx context.Context, from querier, subject string) (account.Failures, error) {
	f := account.Failures{Subject: subject}
	return f, optional(attemptTable().get(ctx, from, &f, "WHERE subject = ?", subject))
}

// CreateSession implements [account.Store].
func (a *Accounts) CreateSession(ctx context.Context, s account.Session, c account.Connection, credential uint64) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		if err := checkCredential(ctx, tx, s.User, credential); err != nil {
			return err
		}
		switch n, err := sessionTable().insert(ctx, tx, "INSERT OR IGNORE", s); {
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("%w: session exists", account.ErrConflict)
		}
		_, err := connectionTable().insert(ctx, tx, "INSERT", c)
		return err
	})
}

// RotateSession implements [account.Store].
func (a *Accounts) RotateSession(ctx context.Context, from, to account.Session) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		var stored account.Session
		if err := sessionTable().get(ctx, tx, &stored, "WHERE id = ?", to.ID); err != nil {
			return notFound(err, "session")
		}
		if stored.Generation != from.Generation || !stored.Refreshed.Equal(from.Refreshed) {
			return fmt.Errorf("%w: session", account.ErrConflict)
		}
		// INSERT OR REPLACE would delete the connections by the foreign key's cascade.
		return sessionTable().update(ctx, tx, to, "WHERE id = ?", to.ID)
	})
}

// EndSessions implements [account.Store]. The connections are deleted by the foreign
// key's cascade.
func (a *Accounts) EndSessions(ctx context.Context, ids []string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Session implements [account.Store].
func (a *Accounts) Session(ctx context.Context, id string) (s account.Session, err error) {
	err = sessionTable().get(ctx, a.db.reader, &s, "WHERE id = ?", id)
	return s, notFound(err, "session")
}

// Sessions implements [account.Store].
func (a *Accounts) Sessions(ctx context.Context) ([]account.Session, error) {
	return sessionTable().list(ctx, a.db.reader, "")
}

// CreateConnection implements [account.Store].
func (a *Accounts) CreateConnection(ctx context.Context, c account.Connection, replaced string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		var s account.Session
		if err := sessionTable().get(ctx, tx, &s, "WHERE id = ?", c.Session); err != nil {
			return notFound(err, "session")
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM connections WHERE id = ?", replaced); err != nil {
			return err
		}
		_, err := connectionTable().insert(ctx, tx, "INSERT", c)
		return err
	})
}

// Connections implements [account.Store].
func (a *Accounts) Connections(ctx context.Context, session string) ([]account.Connection, error) {
	return connectionTable().list(ctx, a.db.reader, "WHERE ? = '' OR session = ?", session, session)
}

// AppendAccess implements [account.Store].
func (a *Accounts) AppendAccess(ctx context.Context, entries []account.Entry) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		table := accessTable()
		insert, err := tx.PrepareContext(ctx, table.insertion("INSERT"))
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }()
		for _, e := range entries {
			fields := table.fields(&e)
			fields[0] = nil // takes the next ID
			if _, err := insert.ExecContext(ctx, fields...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Access implements [account.Store].
func (a *Accounts) Access(ctx context.Context, query account.AccessQuery) ([]account.Entry, error) {
	var f filter
	f.where("TRUE")
	if query.User != "" {
		f.where("user = ?", query.User)
	}
	if len(query.Kinds) > 0 {
		kinds := make([]any, 0, len(query.Kinds))
		for _, kind := range query.Kinds {
			kinds = append(kinds, string(kind))
		}
		f.where("kind IN ("+placeholders(len(kinds))+")", kinds...)
	}
	if !query.From.IsZero() {
		f.where("time >= ?", nanoseconds(query.From))
	}
	if !query.Until.IsZero() {
		f.where("time < ?", nanoseconds(query.Until))
	}
	if query.Before > 0 {
		f.where("id < ?", query.Before)
	}
	return accessTable().list(ctx, a.db.reader, "WHERE "+strings.Join(f.conditions, " AND ")+" ORDER BY id DESC LIMIT ?",
		append(f.args, query.Limit)...)
}

// Prune implements [account.Store].
func (a *Accounts) Prune(ctx context.Context, before account.Horizon) (more bool, err error) {
	var kinds []any
	for _, kind := range account.ActivityKinds() {
		kinds = append(kinds, string(kind))
	}
	left := int64(account.PruneBatch)
	err = a.db.write(ctx, func(tx *sql.Tx) error {
		n, err := execute(ctx, tx, "DELETE FROM access WHERE id IN (SELECT id FROM access WHERE time < ? ORDER BY time LIMIT ?)",
			nanoseconds(before.Log), left)
		if err != nil {
			return err
		}
		left -= n
		// IDs rise with the time, so the newest old entry tells where to stop: the index of
		// the kinds is in the order of IDs.
		n, err = execute(ctx, tx, "DELETE FROM access WHERE id IN (SELECT id FROM access WHERE kind IN ("+placeholders(len(kinds))+
			") AND id <= (SELECT id FROM access WHERE time < ? ORDER BY time DESC LIMIT 1) AND time < ? LIMIT ?)",
			append(kinds, nanoseconds(before.Activity), nanoseconds(before.Activity), left)...)
		if err != nil {
			return err
		}
		left -= n
		_, err = tx.ExecContext(ctx, "DELETE FROM attempts WHERE max(last, locked_until) < ?", nanoseconds(before.Attempts))
		return err
	})
	return left <= 0, err
}

// notFound turns "no rows" into [account.ErrNotFound].
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %s", account.ErrNotFound, what)
	}
	return err
}
