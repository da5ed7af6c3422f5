package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"todoku/account"
)

// Accounts keeps credentials, sessions, connections and the access log in one
// file. It implements [account.Store].
type Accounts struct {
	db *database
}

var _ account.Store = (*Accounts)(nil)

// OpenAccounts opens or creates the file at path. One process at a time may
// have it open for writing; see [Lock]. Errors: [journal.ErrNewerVersion],
// [journal.ErrForeign], or SQLite's.
func OpenAccounts(ctx context.Context, path string) (*Accounts, error) {
	db, err := open(ctx, path, "accounts", openOptions{})
	if err != nil {
		return nil, err
	}
	return &Accounts{db: db}, nil
}

// Close closes the file. Nothing may be called at the same time or after.
func (a *Accounts) Close() error { return a.db.close() }

// nanoseconds is how a time is stored; the zero time, which has no Unix
// nanoseconds, is 0.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// timeColumn reads what nanoseconds has stored.
type timeColumn struct{ into *time.Time }

// Scan implements [sql.Scanner].
func (c timeColumn) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("sqlite: a time is stored as %T", value)
	}
	*c.into = time.Time{}
	if n != 0 {
		*c.into = time.Unix(0, n).UTC()
	}
	return nil
}

// Keys implements [account.KeyStore].
func (a *Accounts) Keys(ctx context.Context) ([]account.Key, error) {
	return collect(ctx, a.db.reader, func(row scanner, key *account.Key) error {
		return row.Scan(&key.ID, &key.Secret, timeColumn{&key.Created})
	}, "SELECT id, secret, created FROM keys ORDER BY id")
}

// AddKey implements [account.KeyStore].
func (a *Accounts) AddKey(ctx context.Context, key account.Key) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		n, err := execute(ctx, tx, "INSERT INTO keys (id, secret, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
			key.ID, key.Secret, nanoseconds(key.Created))
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: %v exists", account.ErrConflict, key)
		}
		return err
	})
}

// DeleteKeys implements [account.KeyStore].
func (a *Accounts) DeleteKeys(ctx context.Context, below uint32) error {
	return a.run(ctx, "DELETE FROM keys WHERE id < ?", below)
}

// Credential implements [account.CredentialStore].
func (a *Accounts) Credential(ctx context.Context, user string) (account.Credential, error) {
	c := account.Credential{User: user}
	err := a.db.reader.QueryRowContext(ctx, "SELECT hash, version, updated FROM credentials WHERE user = ?", user).
		Scan(&c.Hash, &c.Version, timeColumn{&c.Updated})
	return c, notFound(err, "credential")
}

// PutCredential implements [account.CredentialStore].
func (a *Accounts) PutCredential(ctx context.Context, c account.Credential, keep string) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		version, err := credentialVersion(ctx, tx, c.User)
		if err != nil {
			return err
		}
		if version+1 != c.Version {
			return fmt.Errorf("%w: credential", account.ErrConflict)
		}
		_, err = execute(ctx, tx, "INSERT OR REPLACE INTO credentials (user, hash, version, updated) VALUES (?, ?, ?, ?)",
			c.User, c.Hash, c.Version, nanoseconds(c.Updated))
		if err != nil {
			return err
		}
		_, err = execute(ctx, tx, "DELETE FROM sessions WHERE user = ? AND id <> ?", c.User, keep)
		return err
	})
}

// credentialVersion returns 0 for a user without a credential.
func credentialVersion(ctx context.Context, tx *sql.Tx, user string) (version uint64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT version FROM credentials WHERE user = ?", user).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// Attempts implements [account.CredentialStore].
func (a *Accounts) Attempts(ctx context.Context, subject string) (account.Failures, error) {
	return readAttempts(ctx, a.db.reader, subject)
}

// ChangeAttempts implements [account.CredentialStore].
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
			if err := writeAttempts(ctx, tx, f); err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}

func readAttempts(ctx context.Context, from querier, subject string) (account.Failures, error) {
	f := account.Failures{Subject: subject}
	err := from.QueryRowContext(ctx, "SELECT count, last, locked_until FROM attempts WHERE subject = ?", subject).
		Scan(&f.Count, timeColumn{&f.Last}, timeColumn{&f.LockedUntil})
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	return f, err
}

func writeAttempts(ctx context.Context, tx *sql.Tx, f account.Failures) error {
	if f.Count == 0 {
		_, err := execute(ctx, tx, "DELETE FROM attempts WHERE subject = ?", f.Subject)
		return err
	}
	_, err := execute(ctx, tx, "INSERT OR REPLACE INTO attempts (subject, count, last, locked_until) VALUES (?, ?, ?, ?)",
		f.Subject, f.Count, nanoseconds(f.Last), nanoseconds(f.LockedUntil))
	return err
}

// scanner is a row being read.
type scanner interface {
	Scan(into ...any) error
}

// collect runs a query and reads every row with read.
func collect[T any](ctx context.Context, from *sql.DB, read func(scanner, *T) error, query string, args ...any) ([]T, error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		var item T
		if err := read(rows, &item); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// run runs one statement in a transaction of its own.
func (a *Accounts) run(ctx context.Context, query string, args ...any) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		_, err := execute(ctx, tx, query, args...)
		return err
	})
}

// runEach runs one statement for each item in one transaction, with the arguments
// that args makes of the item.
func runEach[T any](ctx context.Context, a *Accounts, query string, items []T, args func(*T) []any) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer func() { _ = statement.Close() }()
		for i := range items {
			if _, err := statement.ExecContext(ctx, args(&items[i])...); err != nil {
				return err
			}
		}
		return nil
	})
}

// execute runs one statement and returns how many rows it changed.
func execute(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// notFound turns "no rows" into account's word for it.
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %s", account.ErrNotFound, what)
	}
	return err
}

// placeholders returns "?, ?, …" for a list of n.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
