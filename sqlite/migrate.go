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
func (d *database) migrate(ctx context.Context, steps []string) error {
	for {
		done, err := d.migrateOnce(ctx, steps)
		if err != nil || done {
			return err
		}
	}
}

// migrateOnce applies the next migration and reports whether the file needed none.
// The version is read inside the transaction, so that of two processes that open the
// file at once only one applies it.
func (d *database) migrateOnce(ctx context.Context, steps []string) (done bool, err error) {
	var version int
	err = d.write(ctx, func(tx *sql.Tx) (err error) {
		version, err = schemaVersion(ctx, tx)
		if err != nil || version >= len(steps) {
			return err
		}
		if _, err = tx.ExecContext(ctx, steps[version]); err == nil {
			_, err = tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version+1))
		}
		return err
	})
	switch {
	case err != nil:
		return false, fmt.Errorf("sqlite: open %s (schema version %d): %w", d.path, version, err)
	case version > len(steps):
		return false, newerSchema(d.path, version, len(steps))
	}
	return version == len(steps), nil
}

// checkSchema refuses a file whose version is not exactly known.
func checkSchema(ctx context.Context, db *sql.DB, file string, known int) error {
	version, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return fmt.Errorf("sqlite: open %s: %w", file, err)
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

// schemaVersion reads the file's version and refuses a file that is not ours.
func schemaVersion(ctx context.Context, from querier) (version int, err error) {
	var tables int
	err = from.QueryRowContext(ctx, "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version").
		Scan(&version, &tables)
	if err == nil && version == 0 && tables > 0 {
		err = journal.ErrForeign
	}
	return version, err
}
