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

// Errors of WaitFor. ErrOtherHistory means that the venue was set up again: the feed is in
// another history than the cursor.
var (
	ErrCursor       = errors.New("client: not a cursor")
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
	before, _, _ := position(f.Status().Cursor)
	for {
		f.mu.Lock()
		now, reached, _ := position(f.standing.Cursor)
		finished := f.finished
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved := f.moved
		f.mu.Unlock()
		switch {
		case now == epoch && reached >= sequence:
			return nil
		case now != "" && now != epoch && now != before:
			return ErrOtherHistory
		case finished != nil:
			return finished
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// notifyLocked wakes all that wait for a cursor. The caller holds mu.
func (f *Feed) notifyLocked() {
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// advance records that everything up to cursor has been processed; its last event was
// committed at committed, zero if there was none.
func (f *Feed) advance(cursor string, committed time.Time) {
	now := time.Now()
	f.cursor = cursor
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.standing
	s.Cursor = cursor
	if ahead, give, known := s.clocks.ahead(now); known && !committed.IsZero() {
		s.Lag, s.LagError = max(0, now.Sub(committed)+ahead), give
	}
	f.notifyLocked()
	for q := range f.asked {
		if q.answer != nil { // Its event is complete.
			q.answer.Cursor = cursor
			close(q.known)
			delete(f.asked, q)
		}
	}
}
