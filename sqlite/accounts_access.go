package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"todoku/account"
)

// The access log: appended in batches, read by pages from the newest back.

const accessColumns = "id, time, kind, user, session, connection, remote_addr, reason, cursor, detail"

// AppendAccess implements [account.AccessStore].
func (a *Accounts) AppendAccess(ctx context.Context, entries []account.Entry) error {
	// A NULL id takes the next one.
	return runEach(ctx, a, "INSERT INTO access ("+accessColumns+") VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entries,
		func(e *account.Entry) []any {
			return []any{nanoseconds(e.Time), string(e.Kind), e.User, e.Session, e.Connection, e.RemoteAddr, e.Reason, e.Cursor, e.Detail}
		})
}

// Access implements [account.AccessStore].
func (a *Accounts) Access(ctx context.Context, query account.AccessQuery) ([]account.Entry, error) {
	where, args := accessWhere(query)
	return collect(ctx, a.db.reader, func(row scanner, e *account.Entry) error {
		return row.Scan(&e.ID, timeColumn{&e.Time}, &e.Kind, &e.User, &e.Session, &e.Connection, &e.RemoteAddr, &e.Reason, &e.Cursor, &e.Detail)
	}, "SELECT "+accessColumns+" FROM access WHERE "+where+" ORDER BY id DESC LIMIT ?", append(args, query.Limit)...)
}

// accessWhere writes the query's conditions; values are arguments, never text.
func accessWhere(query account.AccessQuery) (where string, args []any) {
	conditions := []string{"TRUE"}
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	if query.User != "" {
		add("user = ?", query.User)
	}
	if len(query.Kinds) > 0 {
		kinds := make([]any, 0, len(query.Kinds))
		for _, kind := range query.Kinds {
			kinds = append(kinds, string(kind))
		}
		add("kind IN ("+placeholders(len(kinds))+")", kinds...)
	}
	if !query.From.IsZero() {
		add("time >= ?", nanoseconds(query.From))
	}
	if !query.Until.IsZero() {
		add("time < ?", nanoseconds(query.Until))
	}
	if query.Before > 0 {
		add("id < ?", query.Before)
	}
	return strings.Join(conditions, " AND "), args
}

// Prune implements [account.AccessStore].
func (a *Accounts) Prune(ctx context.Context, log, attempts time.Time) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		if _, err := execute(ctx, tx, "DELETE FROM access WHERE time < ?", nanoseconds(log)); err != nil {
			return err
		}
		_, err := execute(ctx, tx, "DELETE FROM attempts WHERE last < ? AND locked_until < ?",
			nanoseconds(attempts), nanoseconds(attempts))
		return err
	})
}
