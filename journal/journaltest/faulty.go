package journaltest

import (
	"context"
	"fmt"
	"sync"
	"syscall"

	"todoku/journal"
)

// Fault is a way in which an append goes wrong.
type Fault int

const (
	// FaultNone appends as the store below does.
	FaultNone Fault = iota
	// FaultBefore fails and writes nothing, as a full disk does.
	FaultBefore
	// FaultAfter writes the batch and then fails, as a connection does that
	// breaks before the answer. The caller cannot know whether it was stored.
	FaultAfter
	// FaultSync fails to sync: no batch is written until Heal, even if the store is
	// reopened, as on a disk that is gone.
	FaultSync
)

// Faulty is a Store whose appends fail or hang on request. All other calls go to the store
// below, unless FailReads was called. Safe for concurrent use.
type Faulty struct {
	journal.Store

	mu      sync.Mutex // protects the fields below
	fault   Fault
	cause   error
	times   int // how many more appends fail; below 0 without limit
	read    error
	appends int
	entered chan struct{} // closed when an append has begun to hang; nil without Hang
	release chan struct{}
}

// NewFaulty returns a Store that behaves like store until a fault is set.
func NewFaulty(store journal.Store) *Faulty { return &Faulty{Store: store} }

// Fail makes the next times appends fail in the given way with cause inside;
// times below 0, and FaultSync always, is until Heal. A nil cause is
// journal.ErrFull for FaultBefore and an I/O error (EIO) for the others.
func (f *Faulty) Fail(fault Fault, times int, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case cause != nil:
	case fault == FaultBefore:
		cause = journal.ErrFull
	default:
		cause = syscall.EIO
	}
	if fault == FaultSync {
		times = -1
	}
	f.fault, f.times, f.cause = fault, times, cause
}

// FailReads makes Read and LoadSnapshot return err until Heal.
func (f *Faulty) FailReads(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = err
}

// Hang makes appends wait before they write, until release is called or their
// context ends. Entered is closed when the first one waits.
func (f *Faulty) Hang() (entered <-chan struct{}, release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting, released := make(chan struct{}), make(chan struct{})
	f.entered, f.release = waiting, released
	return waiting, sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.release == released {
			f.entered, f.release = nil, nil
		}
		close(released)
	})
}

// Heal ends Fail and FailReads. Appends that hang continue to hang.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.times, f.cause, f.read = FaultNone, 0, nil, nil
}

// Appends returns the number of attempted appends, including failed ones, for tests of
// group commit.
func (f *Faulty) Appends() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.appends
}

// Append implements journal.Store.
func (f *Faulty) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	if err := f.hang(ctx); err != nil {
		return err
	}
	fault, cause := f.next()
	if fault == FaultNone || fault == FaultAfter {
		if err := f.Store.Append(ctx, prev, batch); err != nil || fault == FaultNone {
			return err
		}
	}
	return fmt.Errorf("journaltest: append failed with fault %d: %w", fault, cause)
}

// hang waits if Hang was called.
func (f *Faulty) hang(ctx context.Context) error {
	f.mu.Lock()
	f.appends++
	release := f.release
	if f.entered != nil {
		close(f.entered)
		f.entered = nil
	}
	f.mu.Unlock()
	if release == nil {
		return nil
	}
	select {
	case <-release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next uses up one of the failures that are due.
func (f *Faulty) next() (Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times == 0 {
		return FaultNone, nil
	}
	if f.times > 0 {
		f.times--
	}
	return f.fault, f.cause
}

// Read implements journal.Store.
func (f *Faulty) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	if err := f.readError(); err != nil {
		return nil, err
	}
	return f.Store.Read(ctx, after, limit)
}

// LoadSnapshot implements journal.Store.
func (f *Faulty) LoadSnapshot(ctx context.Context, atMost uint64) (journal.Snapshot, error) {
	if err := f.readError(); err != nil {
		return journal.Snapshot{}, err
	}
	return f.Store.LoadSnapshot(ctx, atMost)
}

func (f *Faulty) readError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read
}
