package server

import (
	"context"
	"errors"
	"path/filepath"

	"todoku/journal"
	"todoku/sqlite"
)

// storage is the open data directory: locked, so that there is one writer.
type storage struct {
	release  func()
	journal  *sqlite.Journal
	accounts *sqlite.Accounts
	log      *journal.Log
}

// openStorage takes the directory for this process and opens what is in it, with
// the journal as watch returns it.
func openStorage(ctx context.Context, config *Config, watch func(journal.Store) journal.Store) (_ *storage, err error) {
	s := &storage{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.release, err = sqlite.Lock(config.Data); err != nil {
		return nil, err
	}
	if s.journal, err = sqlite.OpenJournal(ctx, filepath.Join(config.Data, journalFile), config.journalOptions()); err != nil {
		return nil, err
	}
	if s.accounts, err = sqlite.OpenAccounts(ctx, filepath.Join(config.Data, accountsFile)); err != nil {
		return nil, err
	}
	if s.log, err = journal.Open(ctx, watch(s.journal), journal.Options{}); err != nil {
		return nil, err
	}
	return s, nil
}

// close gives back what was opened, in the opposite order.
func (s *storage) close() error {
	var errs []error
	if s.log != nil {
		s.log.Close()
	}
	if s.accounts != nil {
		errs = append(errs, s.accounts.Close())
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	if s.release != nil {
		s.release()
	}
	return errors.Join(errs...)
}
