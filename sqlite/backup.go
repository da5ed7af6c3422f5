package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"todoku/journal"
)

// BackupOptions are the options of [Backup].
type BackupOptions struct {
	// Keys copies the signing keys too. Whoever holds them can sign tokens of any user.
	Keys bool
	// Check is called with the copy of the journal, opened for reading, before the
	// backup counts as complete. Its error is Backup's.
	Check func(context.Context, journal.Store) error
}

// A BackupReport says what a backup holds.
type BackupReport struct {
	// Files are the sizes of the files, in bytes by name.
	Files map[string]int64
	// Epoch is that of the copy.
	Epoch string
	// WithoutHistory is why the history was left out, or nil.
	WithoutHistory error
}

// partial is what an incomplete file's name ends in.
const partial = ".partial"

// Backup copies the venue in the data directory from into the directory to, which must be
// missing or empty, beside a running server or without one. Only its owner can read the
// copy.
//
// Each file is copied by VACUUM INTO, which reads one moment of it: a writer neither waits
// nor makes the copy begin again, as it does with SQLite's online backup from another
// process. The journal comes last, so no other file is ahead of it. The copy's journal has an epoch of its own:
// a venue that runs on it numbers its records differently from the original, so cursors of
// the original must not be taken for its own.
//
// The journal is renamed into place at the end, so an interrupted backup is not a venue.
// Errors: fs.ErrExist for a directory that is not empty, [journal.ErrOlderVersion],
// [journal.ErrNewerVersion], that of Check, or those of the system.
func Backup(ctx context.Context, from, to string, options BackupOptions) (report BackupReport, err error) {
	report = BackupReport{Files: map[string]int64{}, Epoch: journal.NewEpoch()}
	source, err := ReadJournal(ctx, from)
	if err != nil {
		return report, err
	}
	old, err := source.Epoch(ctx)
	if err = errors.Join(err, source.Close()); err != nil {
		return report, err
	}
	if err := claimEmpty(to); err != nil {
		return report, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeFiles(to))
		}
	}()
	b := backup{from: from, to: to, old: old, epoch: report.Epoch}
	if report.WithoutHistory = b.copy(ctx, historyFile, historyFile, "history",
		"UPDATE progress SET epoch = ?2 WHERE epoch = ?1"); report.WithoutHistory != nil {
		// It is built again from the journal.
		if err := removeFiles(to); err != nil {
			return report, err
		}
	}
	if err := b.copy(ctx, accountsFile, accountsFile, "accounts",
		"UPDATE attaches SET epoch = ?2 WHERE epoch = ?1"); err != nil {
		return report, err
	}
	if options.Keys {
		if err := b.copyKeys(); err != nil {
			return report, err
		}
	}
	if err := b.copy(ctx, journalFile, journalFile+partial, "journal",
		"UPDATE identity SET epoch = ?2 WHERE epoch = ?1"); err != nil {
		return report, err
	}
	if err := b.check(ctx, options.Check); err != nil {
		return report, err
	}
	if err := os.Rename(filepath.Join(to, journalFile+partial), filepath.Join(to, journalFile)); err != nil {
		return report, fmt.Errorf("sqlite: backup: %w", err)
	}
	report.Files = FileSizes(to)
	return report, errors.Join(syncPath(to), syncPath(filepath.Dir(to)))
}

// claimEmpty makes a directory that only its owner can read, or takes one that is empty.
func claimEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(dir, 0o700)
	case err == nil && len(entries) > 0:
		return fmt.Errorf("sqlite: backup: %s is not empty, it holds %s; name a new directory: %w", dir, entries[0].Name(), fs.ErrExist)
	case err == nil:
		err = os.Chmod(dir, 0o700) //nolint:gosec // A directory needs its x bits.
	}
	if err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	return nil
}

// removeFiles removes the files of an incomplete backup and keeps the directory.
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
	}
	return err
}

// backup is one copy under way.
type backup struct {
	from, to   string
	old, epoch string // of the journal and of its copy
}

// copy copies one file, of the given kind, and has statement change the copy's epoch.
func (b *backup) copy(ctx context.Context, name, as, kind, statement string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("sqlite: backup of %s: %w", name, err)
		}
	}()
	source, err := open(ctx, filepath.Join(b.from, name), kind, openOptions{readOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	target := filepath.Join(b.to, as)
	if err := createPrivate(target); err != nil { // VACUUM INTO takes an empty file.
		return err
	}
	if _, err := source.reader.ExecContext(ctx, "VACUUM INTO ?", target); err != nil {
		return err
	}
	// A rollback journal, which is gone after the commit: the copy is one file.
	changed := &database{path: target}
	if changed.writer, err = changed.connect(1, "mode=rw", pragma("secure_delete", 1), pragma("synchronous", "full")); err != nil {
		return err
	}
	_, err = changed.writer.ExecContext(ctx, statement, b.old, b.epoch)
	if err == nil && kind == "accounts" {
		// Keys that an earlier version of the program keeps here.
		_, err = changed.writer.ExecContext(ctx, "DELETE FROM keys")
	}
	if err == nil {
		err = quickCheck(ctx, changed)
	}
	if err = errors.Join(err, changed.close()); err != nil {
		return err
	}
	return syncPath(target)
}

// quickCheck has SQLite look for damage.
func quickCheck(ctx context.Context, d *database) error {
	var found string
	if err := d.writer.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", journal.ErrCorrupt, found)
	}
	return nil
}

// check has the copy of the journal checked.
func (b *backup) check(ctx context.Context, check func(context.Context, journal.Store) error) (err error) {
	if check == nil {
		return nil
	}
	copied, err := OpenJournal(ctx, filepath.Join(b.to, journalFile+partial), Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	return check(ctx, copied)
}

// syncPath makes a file, or the names in a directory, durable.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = file.Close() }()                              // Nothing was written.
	if err := file.Sync(); err != nil && runtime.GOOS != "windows" { // It syncs no directories there.
		return fmt.Errorf("sqlite: sync %s: %w", path, err)
	}
	return nil
}
