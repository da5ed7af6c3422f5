package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"todoku/account"
	"todoku/feed"
	"todoku/history"
	"todoku/journal"
	"todoku/live"
	"todoku/sqlite"
)

// A directory or a URL names the storage of a venue. Only this file knows the
// databases; everything else uses the interfaces.

// Storage holds the open stores of one venue.
type Storage struct {
	Journal  journal.Store
	Accounts account.Store
	// Evidence keeps what streams were sent and have acknowledged.
	Evidence live.Evidence
	// History is nil when only journal and accounts are open, as is Index.
	History history.Store
	// Index keeps the feed's checkpoint of its replay index.
	Index feed.IndexStore

	directory string
	close     func() error
}

// StorageOptions are the settings of [OpenStorage]. The zero value takes the
// defaults.
type StorageOptions struct {
	// MaxJournalBytes bounds the journal's file, in bytes; 0 is no bound.
	MaxJournalBytes int64
}

// OpenStorage opens the storage at url, or makes it: a directory, or
// sqlite:///directory. No other process may have it open. The caller closes it.
// Errors: [ErrConfig] for a url that cannot be used, [journal.ErrInUse],
// [journal.ErrNewerVersion], [journal.ErrForeign], or those of the database.
func OpenStorage(ctx context.Context, url string, options StorageOptions) (*Storage, error) {
	return openStorage(ctx, url, options, sqlite.OpenDirectory)
}

// openCore opens journal and accounts alone, with the errors of [OpenStorage].
func openCore(ctx context.Context, url string) (*Storage, error) {
	return openStorage(ctx, url, StorageOptions{}, sqlite.OpenCore)
}

func openStorage(
	ctx context.Context, url string, options StorageOptions,
	open func(context.Context, string, sqlite.Options) (*sqlite.Directory, error),
) (*Storage, error) {
	dir, err := StorageDirectory(url)
	if err != nil {
		return nil, err
	}
	d, err := open(ctx, dir, sqlite.Options{MaxBytes: options.MaxJournalBytes})
	if err != nil {
		return nil, err
	}
	s := &Storage{
		Journal: d.Journal, Accounts: d.Accounts, Evidence: d.Accounts.Evidence(), directory: dir, close: d.Close,
	}
	if d.History != nil {
		s.History, s.Index = d.History, d.History
	}
	return s, nil
}

// Close closes all stores. Errors are those of the database.
func (s *Storage) Close() error { return s.close() }

// JournalBytes returns the size of the journal, in bytes.
func (s *Storage) JournalBytes() int64 { return sqlite.JournalBytes(s.directory) }

// FreeBytes returns the free space for the stores, in bytes; -1 if it is unknown.
func (s *Storage) FreeBytes() int64 { return freeBytes(s.directory) }

// OpenJournal opens the journal at url for reading, also while a server runs. Methods
// that write return [journal.ErrReadOnly]. The caller closes it. Errors are those of
// [OpenStorage], and [journal.ErrOlderVersion].
func OpenJournal(ctx context.Context, url string) (journal.Store, error) {
	dir, err := StorageDirectory(url)
	if err != nil {
		return nil, err
	}
	return sqlite.ReadJournal(ctx, dir)
}

// StorageState is what exists at a storage's url.
type StorageState int

const (
	// StorageMissing is a place that OpenStorage would make.
	StorageMissing StorageState = iota
	// StorageEmpty is a place without a venue.
	StorageEmpty
	// StorageInUse is a venue that a process runs.
	StorageInUse
	// StorageIdle is a venue that no process runs.
	StorageIdle
)

// InspectStorage returns what exists at url. It changes nothing but the lock file of a
// venue that no process runs.
func InspectStorage(url string) (StorageState, error) {
	dir, err := StorageDirectory(url)
	if err != nil {
		return StorageMissing, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return StorageMissing, nil
	}
	venue, err := sqlite.HoldsVenue(dir)
	if err != nil || !venue {
		return StorageEmpty, err
	}
	release, err := sqlite.Lock(dir)
	if errors.Is(err, journal.ErrInUse) {
		return StorageInUse, nil
	}
	if err == nil {
		release()
	}
	return StorageIdle, err
}

// StorageBytes returns the sizes of a storage's files, in bytes by name.
func StorageBytes(url string) (map[string]int64, error) {
	dir, err := StorageDirectory(url)
	return sqlite.FileSizes(dir), err
}

// BackupOptions are the options of [BackupStorage].
type BackupOptions = sqlite.BackupOptions

// BackupReport says what a backup holds.
type BackupReport = sqlite.BackupReport

// BackupStorage copies the storage at url into the directory to, which must be missing or
// empty, also while a server runs. The copy is itself a storage, with an epoch of its own.
// Errors: [ErrConfig], fs.ErrExist, those of [OpenJournal], that of Check, or those of the
// system.
func BackupStorage(ctx context.Context, url, to string, options BackupOptions) (BackupReport, error) {
	dir, err := StorageDirectory(url)
	if err != nil {
		return BackupReport{}, err
	}
	return sqlite.Backup(ctx, dir, to, options)
}

// ReplaceKeys replaces the signing keys of the storage at url, also while a server runs,
// which ends all sessions within half a minute. Errors: [ErrConfig],
// [journal.ErrNewerVersion], or those of the system.
func ReplaceKeys(ctx context.Context, url string, now time.Time) error {
	dir, err := StorageDirectory(url)
	if err != nil {
		return err
	}
	key := account.Key{Secret: make([]byte, account.KeySize), Created: now}
	_, _ = rand.Read(key.Secret) // crypto/rand.Read never fails.
	return sqlite.ReplaceKeys(ctx, dir, key)
}

// schemed matches URLs. A scheme has two letters or more: one letter is a drive of
// Windows.
var schemed = regexp.MustCompile(`^(?:[a-zA-Z][a-zA-Z0-9+.-]+://|(?:sqlite|postgres|postgresql):)`)

// StorageDirectory returns the directory that a url names, or [ErrConfig]. Errors do
// not repeat a password.
func StorageDirectory(text string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("%w: no storage is named; give a directory, or sqlite:///directory", ErrConfig)
	}
	if !schemed.MatchString(text) {
		return text, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%w: the storage is no valid URL; give a directory, or sqlite:///directory", ErrConfig)
	}
	switch u.Scheme {
	case "sqlite":
	case "postgres", "postgresql":
		return "", fmt.Errorf("%w: storage %s:// is not supported yet by this version; give a directory, or sqlite:///directory", ErrConfig, u.Scheme)
	default:
		return "", fmt.Errorf("%w: storage %s:// is unknown; give a directory, or sqlite:///directory", ErrConfig, u.Scheme)
	}
	if u.Opaque != "" || u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(u.Path) < len("/x") {
		return "", fmt.Errorf("%w: storage %q must be sqlite:/// and an absolute directory, and nothing else", ErrConfig, u.Redacted())
	}
	if filepath.VolumeName(u.Path[1:]) != "" { // sqlite:///C:/directory
		u.Path = u.Path[1:]
	}
	return filepath.FromSlash(u.Path), nil
}
