package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
}

const (
	defaultMaxBytes   = 64 << 20
	defaultMaxRecords = 1 << 18
)

// Log is the journal as the rest of the program sees it: one writer appends,
// any number of readers follow. It owns no goroutine and does not close its
// Store. Safe for concurrent use.
type Log struct {
	store Store
	epoch string

	// appending is held through an append and its sync, so it is never needed to
	// read. It is taken before mu.
	appending sync.Mutex

	mu     sync.Mutex // protects what follows; never held during I/O
	window window
	oldest uint64
	head   uint64
	failed error // why appends are refused, nil while they are not
	closed bool
	ring   chan struct{} // closed at the next change of head; nil while nobody waits
}

// Open makes a Log over store, which the caller keeps and closes after the Log.
// It reads the bounds and nothing else: older records come from the store when
// somebody asks for them.
func Open(ctx context.Context, store Store, options Options) (*Log, error) {
	if options.MaxBytes == 0 {
		options.MaxBytes = defaultMaxBytes
	}
	if options.MaxRecords == 0 {
		options.MaxRecords = defaultMaxRecords
	}
	if options.MaxBytes < 0 || options.MaxRecords < 0 {
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
	return &Log{
		store: store, epoch: epoch, oldest: oldest, head: head,
		window: window{maxBytes: options.MaxBytes, maxRecords: options.MaxRecords},
	}, nil
}

// Append makes records durable as one batch behind prev and then shows them to
// readers. It keeps the records' Data, which nobody may change afterwards, but
// not the slice.
//
// ErrStale, ErrInvalid, ErrTooLarge, ErrClosed or the context's error alone
// mean that nothing was tried. Once the store was asked and has failed, the
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
	err := l.store.Append(ctx, prev, records)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = err
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	l.window.add(records)
	l.publish(records[len(records)-1].Sequence)
	return nil
}

// appendable reports why an append behind prev must not be tried.
func (l *Log) appendable(prev uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.failed != nil:
		return fmt.Errorf("%w: %w", ErrFailed, l.failed)
	case l.head != prev:
		return fmt.Errorf("%w: head is %d, not %d", ErrStale, l.head, prev)
	default:
		return nil
	}
}

// publish moves the head and wakes who waits for it. The caller holds mu.
func (l *Log) publish(head uint64) {
	l.head = head
	if l.ring != nil {
		close(l.ring)
		l.ring = nil
	}
}

// Reopen looks at the store again after a failed append, or after another
// process has appended, and takes appends again. Readers see what turned out to
// be there. A store that has lost records which were already shown to readers
// is refused with a *CorruptError, and the Log stays failed.
func (l *Log) Reopen(ctx context.Context) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	oldest, head, err := l.store.Bounds(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if head < l.head {
		l.failed = &CorruptError{head + 1, "was durable and is gone"}
		return l.failed
	}
	l.failed = nil
	l.oldest = oldest
	if head > l.head {
		// Readers fetch these from the store: this is rare, and the records may
		// be another process's.
		l.window.reset()
		l.publish(head)
	}
	return nil
}

// Err returns why appends are refused (ErrFailed with its cause, or ErrClosed),
// or nil while they are taken.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.failed != nil:
		return fmt.Errorf("%w: %w", ErrFailed, l.failed)
	default:
		return nil
	}
}

// Read returns records behind after in order, up to about limit; an answer from
// the store ends with a batch. Only an empty answer means that after is the
// head or past it. It works while the Log is failed. The records and their Data
// are shared and must not be changed. Errors are those of [Store].
func (l *Log) Read(ctx context.Context, after uint64, limit int) ([]Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("%w: limit %d", ErrInvalid, limit)
	}
	l.mu.Lock()
	head := l.head
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
		return nil, &CorruptError{after + 1, "was durable and is gone"}
	}
	// The store may be ahead: an append that has not returned, or whose outcome
	// is unknown, is nobody's to see.
	if extra := records[len(records)-1].Sequence; extra > head {
		records = records[:len(records)-int(extra-head)]
	}
	return records, nil
}

// Wait is the doorbell: it returns the head as soon as that is above after. A
// change between a Read and the Wait that follows is not missed. The error is
// the context's or ErrClosed.
func (l *Log) Wait(ctx context.Context, after uint64) (head uint64, err error) {
	for {
		l.mu.Lock()
		switch {
		case l.closed:
			l.mu.Unlock()
			return 0, ErrClosed
		case l.head > after:
			head = l.head
			l.mu.Unlock()
			return head, nil
		}
		if l.ring == nil {
			l.ring = make(chan struct{})
		}
		ring := l.ring
		l.mu.Unlock()
		select {
		case <-ring:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// Head returns the newest sequence that readers may see, 0 when there is none.
func (l *Log) Head() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Oldest returns the oldest sequence that the store still had when the Log last
// looked; 1 for an empty journal.
func (l *Log) Oldest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.oldest
}

// Epoch returns the journal's identity, part of every cursor.
func (l *Log) Epoch() string { return l.epoch }

// SaveSnapshot stores a snapshot, see [Store]. Appends go on meanwhile.
func (l *Log) SaveSnapshot(ctx context.Context, snapshot Snapshot) error {
	return l.store.SaveSnapshot(ctx, snapshot)
}

// LoadSnapshot returns the newest undamaged snapshot of atMost or before, see
// [Store]. [MaxSequence] asks for the newest.
func (l *Log) LoadSnapshot(ctx context.Context, atMost uint64) (Snapshot, error) {
	return l.store.LoadSnapshot(ctx, atMost)
}

// Compact drops history before a record, see [Store]. Readers whose cursor lies
// further back get ErrCompacted, or are served from memory while it lasts.
func (l *Log) Compact(ctx context.Context, before uint64) error {
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
	l.publish(l.head)
	l.window.reset()
}
