// Package sqlite keeps what a venue must not lose in SQLite files inside one
// data directory: journal.db (the ordered record), accounts.db (credentials,
// sessions, connections) and history.db (queries; rebuilt from the journal).
// Three files, so that a long history transaction never holds the journal's
// write lock.
//
// Promises: what a method reported as done is on disk (write-ahead log,
// synchronous=FULL); a file written by an older version is migrated when it is
// opened, one written by a newer version is refused with
// [journal.ErrNewerVersion]; a transaction is there whole or not at all, wherever
// the machine stopped.
//
// Every type is safe for concurrent use. Each file has one writing connection,
// so writes queue in Go and never meet SQLITE_BUSY within the process; two
// processes on one directory are kept apart by [Lock]. Close waits for the
// goroutines a type has started.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// pageSize is SQLite's page in bytes. It is fixed here because a size limit
	// is counted in pages.
	pageSize = 4096

	// busyTimeout is how long, in milliseconds, a statement waits for another
	// process (an offline tool, a backup) before it fails. For accounts it is less, so
	// that a call that waits still answers within its deadline.
	busyTimeout         = 5000
	accountsBusyTimeout = 2000

	// rebuildablePages is how many pages of a rebuildable file are cached for
	// writing, and how many its log gets before a checkpoint: 32 MiB each.
	rebuildablePages = 8192

	// readers is how many reading connections one file may have open. Readers
	// never wait for the writer in WAL mode.
	readers = 4
)

// openOptions says how open opens one file. The zero value is an ordinary
// reading and writing database.
type openOptions struct {
	// readOnly opens an existing file beside the server that writes it. There
	// is no writer then and nothing is migrated.
	readOnly bool
	// maxBytes limits the size of the database file in bytes, rounded down to
	// pages; 0 is no limit. Writes past it fail with SQLITE_FULL.
	maxBytes int64
	// manualCheckpoint turns SQLite's checkpoint at commit off; the caller then
	// runs a checkpointer.
	manualCheckpoint bool
	// rebuildable lets commits return before they are on disk
	// (synchronous=NORMAL): the file stays whole, but the newest transactions may
	// be gone after a loss of power. It is for what can be built again, and is
	// written in transactions of thousands of rows, so it also gets a larger
	// cache and rarer checkpoints: they halve what a row costs.
	rebuildable bool
	// busyTimeout, in milliseconds, replaces the constant of that name; 0 does not.
	busyTimeout int
}

// database is one open file: a writer of exactly one connection and a pool of
// readers that cannot write.
type database struct {
	path        string
	busyTimeout int     // In milliseconds.
	writer      *sql.DB // nil when read-only
	reader      *sql.DB
}

// open opens or creates the file at path and brings it to the newest schema of
// kind, the folder of its migrations ("journal", "accounts", "history"). The
// caller must close what it gets.
func open(ctx context.Context, path, kind string, opts openOptions) (_ *database, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	d := &database{path: path, busyTimeout: cmp.Or(opts.busyTimeout, busyTimeout)}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()

	steps, err := readMigrations(kind)
	if err != nil {
		return nil, err
	}
	if opts.readOnly {
		// SQLite reports a missing file as "unable to open"; the system says it better.
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
		if d.reader, err = d.connect(readers, "mode=ro"); err != nil {
			return nil, err
		}
		return d, checkSchema(ctx, d.reader, path, len(steps))
	}

	if err := createPrivate(path); err != nil {
		return nil, err
	}
	settings := []string{
		"mode=rw", "_txlock=immediate",
		pragma("page_size", pageSize), pragma("journal_mode", "wal"), pragma("foreign_keys", 1),
		// What a statement of many rows keeps for its own undoing stays in memory:
		// in a file it would cost more than the rows.
		pragma("temp_store", "memory"),
	}
	if opts.rebuildable {
		settings = append(settings, pragma("synchronous", "normal"),
			pragma("cache_size", rebuildablePages), pragma("wal_autocheckpoint", rebuildablePages))
	} else {
		settings = append(settings, pragma("synchronous", "full"))
	}
	if opts.manualCheckpoint {
		settings = append(settings, pragma("wal_autocheckpoint", 0))
	}
	if opts.maxBytes > 0 {
		settings = append(settings, pragma("max_page_count", max(1, opts.maxBytes/pageSize)))
	}
	if d.writer, err = d.connect(1, settings...); err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, steps); err != nil {
		return nil, err
	}
	d.reader, err = d.connect(readers, "mode=rw", "_query_only=1")
	if err != nil {
		return nil, err
	}
	return d, nil
}

// connect makes a pool of at most connections connections to the file. Settings
// are query parameters of the driver's data source name, so that a connection
// which database/sql opens again later has them too.
func (d *database) connect(connections int, settings ...string) (*sql.DB, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path)}
	name.RawQuery = "_busy_timeout=" + strconv.Itoa(d.busyTimeout)
	for _, setting := range settings {
		name.RawQuery += "&" + setting
	}
	connector, err := driver.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", d.path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// pragma is the setting that runs one PRAGMA on each new connection.
func pragma(name string, value any) string {
	return "_pragma=" + url.QueryEscape(fmt.Sprintf("%s(%v)", name, value))
}

// createPrivate makes an empty file that only its owner may read, since SQLite
// would make it readable for all; the -wal and -shm files take over its mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// write runs do in one immediate transaction on the writer and commits it. When
// do or the commit fails, nothing of it remains, except that a commit which
// failed at sync may turn out to be there after the file is opened again.
func (d *database) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		// SQLite has rolled back by itself after a full disk or an I/O error;
		// the first error is the one that says why.
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// read runs do in one transaction on a reader, so that all its statements see
// the same moment.
func (d *database) read(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := d.reader.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = do(tx)
	// There is nothing to commit: rolling back just ends the snapshot.
	_ = tx.Rollback()
	return err
}

// close closes the readers and then the writer, which as the last connection
// folds the write-ahead log into the file. It may be called twice.
func (d *database) close() error {
	var err error
	if d.reader != nil {
		err = d.reader.Close()
	}
	if d.writer != nil {
		err = errors.Join(err, d.writer.Close())
	}
	return err
}

// isCode reports whether err came from SQLite with the given primary result
// code (https://www.sqlite.org/rescode.html).
func isCode(err error, code int) bool {
	var failure *driver.Error
	return errors.As(err, &failure) && failure.Code()&0xff == code
}

// isFull reports whether err says that the disk or the size limit is full.
func isFull(err error) bool { return isCode(err, sqlite3.SQLITE_FULL) }
