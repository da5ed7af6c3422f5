package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
)

// querier is a database or a transaction to read from.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is one row of a result.
type scanner interface {
	Scan(into ...any) error
}

// each runs a query and calls read with every row.
func each(ctx context.Context, from querier, read func(scanner) error, query string, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// collect runs a query and reads every row with read.
func collect[T any](ctx context.Context, from querier, read func(scanner, *T) error, query string, args ...any) (list []T, err error) {
	err = each(ctx, from, func(row scanner) error {
		var item T
		if err := read(row, &item); err != nil {
			return err
		}
		list = append(list, item)
		return nil
	}, query, args...)
	return list, err
}

// optional accepts that a query has found no row.
func optional(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// execute runs one statement and returns how many rows it changed.
func execute(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// run runs one statement in its own transaction.
func (d *database) run(ctx context.Context, query string, args ...any) error {
	return d.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// table describes how the rows of a table are held in memory.
type table[T any] struct {
	name, columns string
	// fields returns pointers to what the columns hold, in their order. They are
	// both arguments of INSERT and targets of Scan.
	fields func(*T) []any
}

// insert writes one row by verb, such as "INSERT OR REPLACE", and returns how many
// rows were written.
func (t table[T]) insert(ctx context.Context, tx *sql.Tx, verb string, row T) (int64, error) {
	return execute(ctx, tx, t.insertion(verb), t.fields(&row)...)
}

func (t table[T]) insertion(verb string) string {
	return verb + " INTO " + t.name + " (" + t.columns + ") VALUES (" + placeholders(strings.Count(t.columns, ",")+1) + ")"
}

// update sets all columns of the rows that the end of the statement selects.
func (t table[T]) update(ctx context.Context, tx *sql.Tx, row T, end string, args ...any) error {
	fields := t.fields(&row)
	statement := "UPDATE " + t.name + " SET (" + t.columns + ") = (" + placeholders(len(fields)) + ") " + end //nolint:gosec // the parts are constants of this package
	_, err := tx.ExecContext(ctx, statement, append(fields, args...)...)
	return err
}

// get reads the first row that the end of the query selects. Without one the error
// is sql.ErrNoRows.
func (t table[T]) get(ctx context.Context, from querier, row *T, end string, args ...any) error {
	return from.QueryRowContext(ctx, t.query(end), args...).Scan(t.fields(row)...)
}

// list reads all rows that the end of the query selects.
func (t table[T]) list(ctx context.Context, from querier, end string, args ...any) ([]T, error) {
	return collect(ctx, from, func(row scanner, item *T) error { return row.Scan(t.fields(item)...) }, t.query(end), args...)
}

func (t table[T]) query(end string) string {
	return "SELECT " + t.columns + " FROM " + t.name + " " + end
}

// placeholders returns "?, ?, …" for a list of n.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// nanoseconds is how a time is stored; the zero time, which has no Unix
// nanoseconds, is 0.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// timeColumn stores and reads a time as nanoseconds.
type timeColumn struct{ of *time.Time }

// Value implements [driver.Valuer].
func (c timeColumn) Value() (driver.Value, error) { return nanoseconds(*c.of), nil }

// Scan implements [sql.Scanner].
func (c timeColumn) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("sqlite: a time is stored as %T, want an integer", value)
	}
	*c.of = time.Time{}
	if n != 0 {
		*c.of = time.Unix(0, n).UTC()
	}
	return nil
}

// unused is a column that nothing reads any more and that must not be NULL.
type unused struct{ value any }

// Value implements [driver.Valuer].
func (u unused) Value() (driver.Value, error) { return u.value, nil }

// Scan implements [sql.Scanner].
func (unused) Scan(any) error { return nil }
