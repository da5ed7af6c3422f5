package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A reply carries the cursor of its event. A screen that shows the reply before the stream
// has reached that cursor shows two different states, so it waits.

// Errors of WaitFor.
var (
	// ErrCursor: the text is not a cursor.
	ErrCursor = errors.New("client: not a cursor")
	// ErrOtherHistory: the feed is in another history than the cursor: the venue was set
	// up again.
	ErrOtherHistory = errors.New("client: cursor of another history")
)

// position parses a cursor, "epoch:sequence". Programs should treat it as opaque.
func position(cursor string) (epoch string, sequence uint64, ok bool) {
	i := strings.LastIndexByte(cursor, ':')
	if i <= 0 {
		return "", 0, false
	}
	sequence, err := strconv.ParseUint(cursor[i+1:], 10, 64)
	if err != nil || sequence == 0 {
		return "", 0, false
	}
	return cursor[:i], sequence, true
}

// waiter waits for the feed to reach a cursor.
type waiter struct {
	epoch    string
	sequence uint64
	was      string        // The epoch when the waiting began.
	done     chan struct{} // Closed when err is valid.
	err      error
}

// WaitFor returns nil once the loop over the feed's updates has processed everything up to
// a reply's cursor. It also waits while the feed is disconnected or its loop was left. The
// loop itself must not call it: it would wait for itself.
//
// Errors: ctx's cause; [ErrCursor]; [ErrOtherHistory]; and the error that ended the feed.
func (f *Feed) WaitFor(ctx context.Context, cursor string) error {
	epoch, sequence, ok := position(cursor)
	if !ok {
		return fmt.Errorf("%w: %q", ErrCursor, cursor)
	}
	w := &waiter{epoch: epoch, sequence: sequence, done: make(chan struct{})}
	f.mu.Lock()
	w.was, _, _ = position(f.standing.cursor)
	switch {
	case w.judge(f.standing.cursor):
	case f.finished != nil:
		w.err = f.finished
		close(w.done)
	default:
		f.waiting[w] = struct{}{}
	}
	f.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiting, w)
		return context.Cause(ctx)
	}
}

// judge ends the wait if cursor is late enough, or of another history.
func (w *waiter) judge(cursor string) bool {
	epoch, sequence, ok := position(cursor)
	switch {
	case !ok:
		return false
	case epoch == w.epoch && sequence >= w.sequence:
	case epoch != w.epoch && epoch != w.was:
		w.err = ErrOtherHistory
	default:
		return false
	}
	close(w.done)
	return true
}

// advance records that everything up to cursor has been processed; its last event was
// committed at committed, zero if there was none.
func (f *Feed) advance(cursor string, committed time.Time) {
	now := time.Now()
	f.cursor = cursor
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.standing
	s.cursor = cursor
	if ahead, give, known := s.clocks.ahead(now); known && !committed.IsZero() {
		s.lag, s.lagError = max(0, now.Sub(committed)+ahead), give
	}
	for w := range f.waiting {
		if w.judge(cursor) {
			delete(f.waiting, w)
		}
	}
	for q := range f.asked {
		q.close(cursor)
	}
}

// over ends all waits: the feed has ended.
func (f *Feed) over(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finished = err
	for w := range f.waiting {
		w.err = err
		close(w.done)
		delete(f.waiting, w)
	}
}
