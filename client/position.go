package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Waiting for one's own stream. A reply says by its cursor where its event stands;
// a screen that shows the reply before the stream has come so far shows two truths.

// Errors of WaitFor.
var (
	// ErrCursor: it is not a cursor.
	ErrCursor = errors.New("client: not a cursor")
	// ErrOtherHistory: the feed has gone on to another history than the cursor's: the
	// venue was set up anew.
	ErrOtherHistory = errors.New("client: cursor of another history")
)

// position reads a cursor, "epoch:sequence". Programs need not know its form.
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

// waiter waits for the feed to reach a place.
type waiter struct {
	epoch    string
	sequence uint64
	was      string        // The epoch when the waiting began.
	done     chan struct{} // Closed when err is valid.
	err      error
}

// WaitFor returns nil once everything up to a cursor, as a reply carries it, has
// been processed by the loop over the feed's updates. It waits while the feed is away
// and must not be called by the loop itself, which would wait for itself.
//
// Errors: ctx's cause; [ErrCursor]; [ErrOtherHistory]; and what the feed ended with,
// when it has ended or ends meanwhile; one whose loop was only left is waited for.
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

// judge ends the waiting when a place is far enough, or of another history.
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

// advance says that everything up to cursor has been processed; its last event was
// committed at committed, zero where there was none.
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

// over ends all waiting: the feed is over.
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
