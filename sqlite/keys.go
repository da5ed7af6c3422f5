package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"todoku/account"
	"todoku/journal"
)

// Signing keys lie in a file of their own beside accounts.db: a copy of the database, in a
// backup or a bug report, is then no means to sign tokens. Earlier versions kept them in the
// table "keys", which is empty now and stays so that those versions can open the file.

// keysFile is the name of the file in a data directory.
const keysFile = "keys"

// keyFile is the file of signing keys: JSON, replaced whole by a rename.
type keyFile struct {
	path string
	mu   *sync.Mutex // held through a change; other processes are kept out by a file lock
}

func newKeyFile(dir string) keyFile {
	return keyFile{path: filepath.Join(dir, keysFile), mu: &sync.Mutex{}}
}

type storedKey struct {
	ID      uint32    `json:"id"`
	Secret  []byte    `json:"secret"`
	Created time.Time `json:"created"`
}

// read returns the keys by rising ID; none if the file is missing.
func (f keyFile) read() ([]account.Key, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var stored []storedKey
	if err == nil {
		err = json.Unmarshal(text, &stored)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite: signing keys in %s: %w; restore the file, or remove it and start again, which signs everybody out", f.path, err)
	}
	keys := make([]account.Key, 0, len(stored))
	for _, k := range stored {
		keys = append(keys, account.Key{ID: k.ID, Secret: k.Secret, Created: k.Created.UTC()})
	}
	slices.SortFunc(keys, func(a, b account.Key) int { return int(a.ID) - int(b.ID) })
	return keys, nil
}

// change replaces the keys by what change makes of them. It writes nothing if change fails.
func (f keyFile) change(change func([]account.Key) ([]account.Key, error)) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lock, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: signing keys: %w", err)
	}
	defer func() { _ = lock.Close() }() // That releases the lock.
	if taken, err := lockWithin(lock); err != nil || !taken {
		return fmt.Errorf("sqlite: signing keys: another process is changing %s; try again: %w", f.path, err)
	}
	keys, err := f.read()
	if err != nil {
		return err
	}
	if keys, err = change(keys); err != nil {
		return err
	}
	return f.write(keys)
}

func (f keyFile) write(keys []account.Key) error {
	stored := make([]storedKey, 0, len(keys))
	for _, k := range keys {
		stored = append(stored, storedKey{k.ID, k.Secret, k.Created})
	}
	text, err := json.Marshal(stored) //nolint:gosec // It is the file of the secrets.
	if err == nil {
		err = writeDurably(f.path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("sqlite: signing keys: %w", err)
	}
	return nil
}

// writeDurably replaces a file that only its owner can read. The new content is there whole
// or not at all.
func writeDurably(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // Its mode is 0600.
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Keys implements [account.Store].
func (a *Accounts) Keys(context.Context) ([]account.Key, error) { return a.keys.read() }

// AddKey implements [account.Store].
func (a *Accounts) AddKey(_ context.Context, key account.Key) error {
	return a.keys.change(func(keys []account.Key) ([]account.Key, error) {
		if slices.ContainsFunc(keys, func(k account.Key) bool { return k.ID == key.ID }) {
			return nil, fmt.Errorf("%w: %v exists", account.ErrConflict, key)
		}
		return append(keys, key), nil
	})
}

// DeleteKeys implements [account.Store].
func (a *Accounts) DeleteKeys(_ context.Context, below uint32) error {
	return a.keys.change(func(keys []account.Key) ([]account.Key, error) {
		return slices.DeleteFunc(keys, func(k account.Key) bool { return k.ID < below }), nil
	})
}

// moveKeys moves keys that an earlier version has put into the database to the file. They
// replace those of the file, which are older: this version puts none into the database.
func (a *Accounts) moveKeys(ctx context.Context) error {
	keys, err := keyTable().list(ctx, a.db.reader, "ORDER BY id")
	if err != nil || len(keys) == 0 {
		return err
	}
	if err := a.keys.change(func([]account.Key) ([]account.Key, error) { return keys, nil }); err != nil {
		return err
	}
	// The bytes of the deleted rows must not stay in the file or in its log.
	if _, err := a.db.writer.ExecContext(ctx, "PRAGMA secure_delete = 1"); err != nil {
		return err
	}
	if err := a.db.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM keys")
		return err
	}); err != nil {
		return err
	}
	_, err = a.db.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func keyTable() table[account.Key] {
	return table[account.Key]{"keys", "id, secret, created", func(k *account.Key) []any {
		return []any{&k.ID, &k.Secret, timeColumn{&k.Created}}
	}}
}

// ReplaceKeys replaces all signing keys in dir by key, whose ID it sets, beside a running
// server or without one. Tokens that the earlier keys signed are no longer valid: a running
// server ends their sessions within seconds, others do at their next start.
func ReplaceKeys(ctx context.Context, dir string, key account.Key) (err error) {
	release, err := Lock(dir)
	switch {
	case errors.Is(err, journal.ErrInUse):
		// The server has moved the keys to the file when it started.
	case err != nil:
		return err
	default:
		defer release()
		accounts, err := OpenAccounts(ctx, filepath.Join(dir, accountsFile))
		if err = errors.Join(err, closeIf(accounts)); err != nil {
			return err
		}
	}
	return newKeyFile(dir).change(func(keys []account.Key) ([]account.Key, error) {
		if len(keys) == 0 && release == nil {
			return nil, fmt.Errorf("sqlite: %s is missing: the server that runs is of an earlier version; stop it first", filepath.Join(dir, keysFile))
		}
		key.ID = 1
		if len(keys) > 0 {
			key.ID = keys[len(keys)-1].ID + 1
		}
		return []account.Key{key}, nil
	})
}

func closeIf(a *Accounts) error {
	if a == nil {
		return nil
	}
	return a.Close()
}

// copyKeys copies the signing keys.
func (b *backup) copyKeys() error {
	text, err := os.ReadFile(filepath.Join(b.from, keysFile))
	if err == nil {
		err = writeDurably(filepath.Join(b.to, keysFile), text)
	}
	if err != nil {
		return fmt.Errorf("sqlite: backup of the signing keys: %w", err)
	}
	return nil
}
