package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Options bounds what a Log keeps in memory. The zero value takes the defaults.
type Options struct {
	// MaxBytes is how much of the newest records stays in memory, counting data
	// and about 64 bytes a record. 0 means 64 MiB. Up to half as much again may
	// be held for a while by records that have just fallen out.
	MaxBytes int64
	// MaxRecords is how many of the newest records stay in memory. 0 means
	// 262,144.
	MaxRecords int
	// Bell announces appends to Logs that follow; nil for a Log that is alone. A
	// Log with a Bell steps down when its store refuses an append as stale,
	// because the journal then has another leader.
	Bell Bell
	// Recheck is how often a Log that follows asks for the announced head, since
	// announcements may be lost. 0 means 250 ms.
	Recheck time.Duration
}

const (
	defaultMaxBytes   = 64 << 20
	defaultMaxRecords = 1 << 18
)

// Log is the journal as the rest of the program sees it: it appends or follows,
// and any number of readers read. It does not close its Store. Safe for
// concurrent use.
type Log struct {
	store   Store
	epoch   string
	bell    Bell // nil: no Log follows
	recheck time.Duration
	gap     chan struct{} // wakes Run to read what announcements did not bring

	// appending is held through an append and its sync, so it is never needed to
	// read. It is taken before mu.
	appending sync.Mutex

	head Progress // to where readers may see; set with mu held

	mu     sync.Mutex // protects what follows; never held during I/O
	window window
	oldest uint64
	failed error // why appends are refused, or why a follower may be behind
	closed bool

	following bool
	announced uint64 // to where a follower may read; what lies behind head is a gap
}

// Open makes a Log over store, which the caller keeps and closes after the Log.
// It reads only the bounds; older records are read from the store on demand.
func Open(ctx context.Context, store Store, options Options) (*Log, error) {
	l, err := newLog(ctx, store, options)
	if err == nil {
		l.ring(l.head.At(), nil)
	}
	return l, err
}

func newLog(ctx context.Context, store Store, options Options) (*Log, error) {
	if options.MaxBytes == 0 {
		options.MaxBytes = defaultMaxBytes
	}
	if options.MaxRecords == 0 {
		options.MaxRecords = defaultMaxRecords
	}
	if options.Recheck == 0 {
		options.Recheck = defaultRecheck
	}
	if options.MaxBytes < 0 || options.MaxRecords < 0 || options.Recheck < 0 {
		return nil, fmt.Errorf("%w: negative bound", ErrInvalid)
	}
	epoch, err := store.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	oldest, head, err := store.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	l := &Log{
		store: store, epoch: epoch, oldest: oldest,
		bell: options.Bell, recheck: options.Recheck, gap: make(chan struct{}, 1),
		window: window{maxBytes: options.MaxBytes, maxRecords: options.MaxRecords},
	}
	l.head.Set(head)
	return l, nil
}

// Append makes records durable as one batch after sequence prev and then shows them to
// readers. It keeps the records' Data, which must not be changed afterwards, but
// not the slice.
//
// ErrStale, ErrInvalid, ErrTooLarge, ErrFollower, ErrClosed or the context's
// error alone mean that nothing was written. Once the store was asked and has failed, the
// error is ErrFailed together with the cause, the outcome is unknown, and every
// further Append fails in the same way until Reopen.
func (l *Log) Append(ctx context.Context, prev uint64, records []Record) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.appendable(prev); err != nil {
		return err
	}
	if err := CheckBatch(prev, 0, records); err != nil {
		return err
	}
	if err := l.store.Append(ctx, prev, records); err != nil {
		return l.appendFailed(err)
	}
	head := records[len(records)-1].Sequence
	l.mu.Lock()
	l.window.add(records)
	l.head.Set(head)
	l.mu.Unlock()
	l.ring(head, records)
	return nil
}

// appendFailed notes that the store has refused an append or failed in it.
func (l *Log) appendFailed(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bell != nil && errors.Is(err, ErrStale) {
		l.stepDown()
		return fmt.Errorf("%w: %w", ErrFollower, err)
	}
	l.failed = err
	return fmt.Errorf("%w: %w", ErrFailed, err)
}

// ring announces the head to followers, with the batch that ends there if it is
// known. The caller does not hold mu.
func (l *Log) ring(head uint64, batch []Record) {
	if l.bell != nil {
		l.bell.Ring(Announcement{Head: head, Records: slices.Clone(batch)})
	}
}

// appendable reports why an append after prev must not be tried.
func (l *Log) appendable(prev uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch err := l.problem(); {
	case l.following && !l.closed:
		return ErrFollower
	case err != nil:
		return err
	case l.head.At() != prev:
		return fmt.Errorf("%w: head is %d, not %d", ErrStale, l.head.At(), prev)
	}
	return nil
}

// Reopen looks at the store again after a failed append, or after another
// process has appended, and takes appends again. Readers see what turned out to
// be there. A store that has lost records which were already shown to readers
// is refused with a *CorruptError, and the Log stays failed. A Log that follows
// goes on following.
func (l *Log) Reopen(ctx context.Context) error {
	if l.Following() {
		return l.Refresh(ctx)
	}
	return l.reopen(ctx, false)
}

// reopen is Reopen, and Lead when lead is set.
func (l *Log) reopen(ctx context.Context, lead bool) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	oldest, head, err := l.store.Bounds(ctx)
	if err != nil {
		return err
	}
	if err := l.takeBounds(oldest, head, lead); err != nil {
		return err
	}
	l.ring(head, nil)
	return nil
}

func (l *Log) takeBounds(oldest, head uint64, lead bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.following && !lead: // It stepped down just now.
		return ErrFollower
	}
	if head < l.head.At() {
		l.failed = &CorruptError{head + 1, "was durable and is missing now"}
		return l.failed
	}
	l.failed, l.following = nil, false
	l.oldest = oldest
	if head > l.head.At() {
		// Readers fetch these from the store: this is rare, and the records may
		// be another process's.
		l.window.reset()
		l.head.Set(head)
	}
	return nil
}

// Err returns why appends are refused (ErrFailed with its cause, or ErrClosed),
// or nil while they are taken. Of a Log that follows it returns why that may be
// behind, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problem()
}

// problem is Err. The caller holds mu.
func (l *Log) problem() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.failed == nil || l.following:
		return l.failed
	}
	return fmt.Errorf("%w: %w", ErrFailed, l.failed)
}

// Read returns records whose sequence is greater than after in order, up to about limit; an answer from
// the store ends with a batch. Only an empty answer means that after is the
// head or past it. It works while the Log is failed. The records and their Data
// are shared and must not be changed. Errors are those of [Store].
func (l *Log) Read(ctx context.Context, after uint64, limit int) ([]Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("%w: limit %d", ErrInvalid, limit)
	}
	l.mu.Lock()
	head := l.head.At()
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if after >= head {
		l.mu.Unlock()
		return nil, nil
	}
	records, ok := l.window.read(after, limit)
	l.mu.Unlock()
	if ok {
		return records, nil
	}
	records, err := l.store.Read(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, &CorruptError{after + 1, "was durable and is missing now"}
	}
	// The store may be ahead by an append that has not returned, or whose outcome is
	// unknown. Readers must not see it yet.
	return until(records, head), nil
}

// FirstSince returns the sequence of the first record up to through whose time is
// at least since, in nanoseconds since 1970 UTC, or through + 1 when all are
// older. It reads a few records, by halving: times never fall. Errors are those of
// Read.
func (l *Log) FirstSince(ctx context.Context, since int64, through uint64) (uint64, error) {
	low, high := l.Oldest(), through+1
	for low < high {
		middle := low + (high-low)/2
		records, err := l.Read(ctx, middle-1, 1)
		if err != nil {
			return 0, err
		}
		if len(records) > 0 && records[0].Time < since {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// Wait returns the head as soon as that is above after. A change between a Read and
// the Wait that follows is not missed. The error is the context's or ErrClosed.
func (l *Log) Wait(ctx context.Context, after uint64) (head uint64, err error) {
	return l.head.Wait(ctx, after+1)
}

// Head returns the newest sequence that readers may see, 0 when there is none.
func (l *Log) Head() uint64 { return l.head.At() }

// Oldest returns the oldest sequence that the store still had when the Log last
// looked; 1 for an empty journal.
func (l *Log) Oldest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.oldest
}

// Epoch returns the journal's identity, part of every cursor.
func (l *Log) Epoch() string { return l.epoch }

// SaveSnapshot stores a snapshot, see [Store]. Appends go on meanwhile. A Log that
// follows returns ErrFollower.
func (l *Log) SaveSnapshot(ctx context.Context, snapshot Snapshot) error {
	if l.Following() {
		return ErrFollower
	}
	return l.store.SaveSnapshot(ctx, snapshot)
}

// LoadSnapshot returns the newest undamaged snapshot of atMost or before, see
// [Store]. [MaxSequence] asks for the newest.
func (l *Log) LoadSnapshot(ctx context.Context, atMost uint64) (Snapshot, error) {
	return l.store.LoadSnapshot(ctx, atMost)
}

// Compact drops history before a record, see [Store]. Readers whose cursor lies
// further back get ErrCompacted, or are served from memory while it lasts. A Log
// that follows returns ErrFollower.
func (l *Log) Compact(ctx context.Context, before uint64) error {
	if l.Following() {
		return ErrFollower
	}
	compactErr := l.store.Compact(ctx, before)
	oldest, _, err := l.store.Bounds(ctx)
	if err == nil {
		l.mu.Lock()
		l.oldest = oldest
		l.mu.Unlock()
	}
	return errors.Join(compactErr, err)
}

// Close ends all Waits and refuses everything from now on with ErrClosed, after
// an append under way has returned. It may be called again.
func (l *Log) Close() {
	l.appending.Lock()
	defer l.appending.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.head.End(ErrClosed)
	l.window.reset()
}
