package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"todoku/journal"
)

// A file's schema version is SQLite's user_version: the number of migrations it
// has been through. Migrations are numbered from 1 without gaps, each runs in
// its own transaction together with the new version, and one that has been
// released is never edited.

//go:embed migrations
var migrationFiles embed.FS

// readMigrations returns the SQL of every migration of kind; element i brings a
// file from version i to version i+1.
func readMigrations(kind string) ([]string, error) {
	folder := path.Join("migrations", kind)
	entries, err := fs.ReadDir(migrationFiles, folder)
	if err != nil {
		return nil, fmt.Errorf("sqlite: migrations of %s: %w", kind, err)
	}
	steps := make([]string, 0, len(entries))
	for i, entry := range entries {
		number, _, _ := strings.Cut(entry.Name(), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("sqlite: migration %s of %s: want number %03d", entry.Name(), kind, i+1)
		}
		text, err := fs.ReadFile(migrationFiles, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("sqlite: migrations of %s: %w", kind, err)
		}
		steps = append(steps, string(text))
	}
	return steps, nil
}

// migrate brings the file from whatever version it has to len(steps).
func migrate(ctx context.Context, db *sql.DB, file string, steps []string) error {
	for {
		done, err := migrateOnce(ctx, db, file, steps)
		if err != nil || done {
			return err
		}
	}
}

// migrateOnce applies the one migration that the file lacks next, and reports
// whether it lacked none. The version is read inside the transaction, so two
// processes that open the file at once do not both apply it.
func migrateOnce(ctx context.Context, db *sql.DB, file string, steps []string) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	defer func() { _ = tx.Rollback() }()

	version, err := schemaVersion(ctx, tx, file)
	if err != nil {
		return false, err
	}
	switch {
	case version == len(steps):
		return true, nil
	case version > len(steps):
		return false, newerSchema(file, version, len(steps))
	}
	if _, err := tx.ExecContext(ctx, steps[version]); err != nil {
		return false, fmt.Errorf("sqlite: migrate %s to version %d: %w", file, version+1, err)
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version+1)); err != nil {
		return false, fmt.Errorf("sqlite: migrate %s to version %d: %w", file, version+1, err)
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("sqlite: migrate %s to version %d: %w", file, version+1, err)
	}
	return false, nil
}

// checkSchema refuses a file whose version is not exactly known.
func checkSchema(ctx context.Context, db *sql.DB, file string, known int) error {
	version, err := schemaVersion(ctx, db, file)
	switch {
	case err != nil:
		return err
	case version > known:
		return newerSchema(file, version, known)
	case version < known:
		return fmt.Errorf("%w: %s has schema version %d, this program reads version %d: "+
			"start the server on it once, which migrates it", journal.ErrOlderVersion, file, version, known)
	}
	return nil
}

func newerSchema(file string, version, known int) error {
	return fmt.Errorf("%w: %s has schema version %d, this program knows up to %d: "+
		"use the newer program, or restore the copy made before it was started", journal.ErrNewerVersion, file, version, known)
}

// querier is what schemaVersion needs of a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schemaVersion reads the file's version and refuses a file that is not ours.
func schemaVersion(ctx context.Context, from querier, file string) (int, error) {
	var version, tables int
	if err := from.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	if version > 0 {
		return version, nil
	}
	if err := from.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	if tables > 0 {
		return 0, fmt.Errorf("%w: %s", journal.ErrForeign, file)
	}
	return 0, nil
}
