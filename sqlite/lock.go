package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"todoku/journal"
)

// maxOwner bounds what is read back from the lock file.
const maxOwner = 32

// Lock makes dir if it is not there and takes it for this process: a second
// server, or an offline command beside a running server, gets
// [journal.ErrInUse], which names the process that has it. The operating system
// releases the lock when the process ends in whatever way; release does so
// earlier and may be called more than once. The file LOCK stays and means nothing
// by itself.
func Lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	switch taken, err := lockWithin(file); {
	case err != nil:
		_ = file.Close()
		return nil, fmt.Errorf("sqlite: lock %s: %w", dir, err)
	case !taken:
		owner, _ := io.ReadAll(io.LimitReader(file, maxOwner))
		_ = file.Close()
		return nil, fmt.Errorf("%w: process %s uses %s: stop it first, or name another directory",
			journal.ErrInUse, strings.TrimSpace(string(owner)), dir)
	}
	// The process number is for people; only the lock counts.
	if err := errors.Join(file.Truncate(0), writePID(file), file.Sync()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("sqlite: lock %s: %w", dir, err)
	}
	return func() { _ = file.Close() }, nil
}

// A child process holds its parent's lock files between fork and exec, so a lock
// that was just released may be held for a moment longer. It is tried again for
// lockTimeout.
const (
	lockTimeout = 250 * time.Millisecond
	lockRetry   = 5 * time.Millisecond
)

func lockWithin(file *os.File) (taken bool, err error) {
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for tries := lockTimeout / lockRetry; ; tries-- {
		if taken, err = tryLock(file); taken || err != nil || tries == 0 {
			return taken, err
		}
		<-retry.C
	}
}

func writePID(file *os.File) error {
	_, err := fmt.Fprintln(file, os.Getpid())
	return err
}
