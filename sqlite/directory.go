package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a data directory.
const (
	journalFile  = "journal.db"
	accountsFile = "accounts.db"
	historyFile  = "history.db"

	writeAheadLog = "-wal" // what SQLite appends to a file's name
)

// Directory is the open data directory of a venue, locked for this process. History
// is nil where [OpenCore] opened it.
type Directory struct {
	Journal  *Journal
	Accounts *Accounts
	History  *History

	release func()
}

// OpenDirectory makes dir if it is missing, locks it and opens or makes the files
// in it. Errors: [journal.ErrInUse], [journal.ErrNewerVersion],
// [journal.ErrForeign], or those of the system.
func OpenDirectory(ctx context.Context, dir string, options Options) (*Directory, error) {
	d, err := OpenCore(ctx, dir, options)
	if err != nil {
		return nil, err
	}
	if d.History, err = OpenHistory(ctx, filepath.Join(dir, historyFile)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// OpenCore is like [OpenDirectory] but does not open the history.
func OpenCore(ctx context.Context, dir string, options Options) (_ *Directory, err error) {
	d := &Directory{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.release, err = Lock(dir); err != nil {
		return nil, err
	}
	if d.Journal, err = OpenJournal(ctx, filepath.Join(dir, journalFile), options); err != nil {
		return nil, err
	}
	if d.Accounts, err = OpenAccounts(ctx, filepath.Join(dir, accountsFile)); err != nil {
		return nil, err
	}
	return d, nil
}

// Close closes the files and unlocks the directory.
func (d *Directory) Close() error {
	var errs []error
	if d.History != nil {
		errs = append(errs, d.History.Close())
	}
	if d.Accounts != nil {
		errs = append(errs, d.Accounts.Close())
	}
	if d.Journal != nil {
		errs = append(errs, d.Journal.Close())
	}
	if d.release != nil {
		d.release()
	}
	return errors.Join(errs...)
}

// ReadJournal opens the journal in dir for reading, beside a running server or
// without one.
func ReadJournal(ctx context.Context, dir string) (*Journal, error) {
	return OpenJournal(ctx, filepath.Join(dir, journalFile), Options{ReadOnly: true})
}

// HoldsVenue says whether dir holds a journal. The error is that of a dir which
// cannot be read or is a file.
func HoldsVenue(dir string) (bool, error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("sqlite: %w", err)
	case !info.IsDir():
		return false, fmt.Errorf("sqlite: %s is a file; a directory is needed", dir)
	}
	_, err := os.Stat(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// FileSizes returns the sizes of the files in dir, in bytes by name. Files that
// are missing are left out.
func FileSizes(dir string) map[string]int64 {
	sizes := map[string]int64{}
	for _, name := range []string{journalFile, journalFile + writeAheadLog, accountsFile, historyFile, keysFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			sizes[name] = info.Size()
		}
	}
	return sizes
}

// JournalBytes returns the size of the journal's files in dir, in bytes.
func JournalBytes(dir string) int64 {
	sizes := FileSizes(dir)
	return sizes[journalFile] + sizes[journalFile+writeAheadLog]
}
