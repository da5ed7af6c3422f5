package journal

import (
	"context"
	"sync"
)

// Announcement says that a leader has appended: everything up to Head is durable
// and may be shown.
type Announcement struct {
	// Head is the newest sequence that readers may see.
	Head uint64
	// Records are the newest batch, which ends with Head, or nil when only the
	// head is announced. Their Data is shared and must not be changed.
	Records []Record
}

// Bell carries announcements from the Log that appends to the Logs that follow.
// It may lose, repeat, delay and reorder them: a follower then reads the records
// from its Store. It must never announce a head that the leader has not.
//
// All methods must be safe for concurrent use.
type Bell interface {
	// Ring must pass the announcement on without waiting for any follower.
	Ring(Announcement)

	// Listen must call heard with what arrives, one at a time, and return when ctx
	// ends or when it cannot go on. A follower calls it again later.
	Listen(ctx context.Context, heard func(Announcement)) error

	// Announced must return the newest head that was announced, 0 before the first.
	// A follower asks at intervals, because announcements may be lost.
	Announced(ctx context.Context) (head uint64, err error)
}

// waitingAnnouncements is how many announcements may wait for one listener. More
// are dropped: the listener learns of the head from the next one.
const waitingAnnouncements = 64

// LocalBell is a [Bell] between the Logs of one process. The zero value is ready
// to use.
type LocalBell struct {
	mu        sync.Mutex // protects what follows
	head      uint64
	listeners map[chan Announcement]struct{}
}

// Ring implements [Bell].
func (b *LocalBell) Ring(a Announcement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.head = max(b.head, a.Head)
	for listener := range b.listeners {
		select {
		case listener <- a:
		default:
		}
	}
}

// Listen implements [Bell]. It returns when ctx ends, with its cause.
func (b *LocalBell) Listen(ctx context.Context, heard func(Announcement)) error {
	listener := make(chan Announcement, waitingAnnouncements)
	b.mu.Lock()
	if b.listeners == nil {
		b.listeners = make(map[chan Announcement]struct{})
	}
	b.listeners[listener] = struct{}{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, listener)
	}()
	for {
		select {
		case a := <-listener:
			heard(a)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Announced implements [Bell].
func (b *LocalBell) Announced(ctx context.Context) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.head, ctx.Err()
}
