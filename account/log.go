package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Kind is the kind of an entry of the access log.
type Kind string

// The kinds.
const (
	SignIn           Kind = "SIGN_IN"
	SignInFailed     Kind = "SIGN_IN_FAILED"
	LockedOut        Kind = "LOCKED_OUT"       // A lock began; attempts during it are not logged.
	SignOut          Kind = "SIGN_OUT"         // A session ended; Reason is an EndReason.
	Refreshed        Kind = "REFRESH"          // A refresh token was exchanged.
	Reused           Kind = "REUSE"            // An old refresh token came back.
	PasswordChanged  Kind = "PASSWORD_CHANGED" // Also the first password.
	ConnectionOpened Kind = "CONNECTION_OPENED"
	Attach           Kind = "ATTACH"
	Detach           Kind = "DETACH"
	LogLost          Kind = "LOG_LOST" // Detail is the number of entries missing before this one.
)

// ActivityKinds are the kinds that a signed-in user can cause in any number. Their
// entries are kept for a shorter time.
func ActivityKinds() []Kind { return []Kind{Refreshed, ConnectionOpened, Attach, Detach} }

// patient reports whether an entry may wait for room in a full queue. Entries about
// streams do not wait: a thousand could wait at once, and the connections show the same
// facts. Entries about expiry do not wait either: Run adds them, and would wait for itself.
func (e Entry) patient() bool {
	switch e.Kind {
	case Attach, Detach, Refreshed, ConnectionOpened:
		return false
	case SignOut:
		return e.Reason != string(EndExpired)
	case SignIn, SignInFailed, LockedOut, Reused, PasswordChanged, LogLost:
		return true
	}
	return true
}

// maxText is the longest text of an entry, in bytes; longer ones are cut.
const maxText = 256

// clip makes a text from outside safe to store and show: at most maxText bytes of valid
// UTF-8 without NUL.
func clip(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(text); i++ {
			text = text[:len(text)-1]
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Entry is one line of the access log.
type Entry struct {
	// ID rises with every entry; the store gives it.
	ID uint64
	// Time is when it happened; Log fills it in if it is zero.
	Time       time.Time
	Kind       Kind
	User       string
	Session    string
	Connection string
	RemoteAddr string
	// Reason is a word for programs, Detail a text for people.
	Reason string
	Cursor string
	Detail string
}

// Log adds an entry to the access log. Entries are written in batches by
// [Service.Run], in order; while the store fails they wait in a bounded queue.
// When that is full, entries about streams are dropped at once and others after
// Config.AccessLog.Wait or when ctx ends. Dropped entries are counted in [Stats] and, as
// soon as there is room, by an entry LOG_LOST. An entry may appear twice if the store
// reported an error for a write that it kept.
func (s *Service) Log(ctx context.Context, e Entry) { s.log.add(ctx, e) }

// Flush writes the entries that were added before it was called. Run does so by
// itself; this is for a process that does not run Run.
func (s *Service) Flush(ctx context.Context) error { return s.log.flush(ctx) }

// MaxPage is the greatest number of entries one call of ListAccess returns.
const MaxPage = 1000

// ListAccess returns up to size of the entries that filter selects, newest first,
// and whether more follow. before is the ID of the last entry of the page before, 0
// for the first page. size is 1 to [MaxPage]; 0 means 100. Entries added before the
// call are in it, unless the store cannot be written to. Errors: [ErrInvalid], or
// the store's.
func (s *Service) ListAccess(ctx context.Context, filter AccessFilter, size int, before uint64) (entries []Entry, more bool, err error) {
	if size < 0 || size > MaxPage {
		return nil, false, fmt.Errorf("%w: a page has 1 to %d entries", ErrInvalid, MaxPage)
	}
	setDefault(&size, 100)
	// Stored entries stay readable when the disk is full.
	_ = s.log.flush(ctx)
	entries, err = s.store.Access(ctx, AccessQuery{AccessFilter: filter, Before: before, Limit: size + 1})
	if err != nil {
		return nil, false, failed("read access log", err)
	}
	return entries[:min(size, len(entries))], len(entries) > size, nil
}

// accessLog is the queue between the callers that add entries and the store.
type accessLog struct {
	store  Store
	limits AccessLog
	now    func() time.Time

	flushing chan struct{} // holds one token: entries are written by one at a time
	wake     chan struct{} // rung when the first entry or a full batch waits

	mu       sync.Mutex // protects everything below
	queue    []Entry
	room     chan struct{} // closed, and replaced, when the queue got shorter
	stopped  bool          // no more entries are written
	lost     uint64
	reported uint64 // how many of lost are reported in the log
	given    map[Kind]uint64
}

func newAccessLog(store Store, limits AccessLog, now func() time.Time) *accessLog {
	return &accessLog{
		store: store, limits: limits, now: now,
		flushing: make(chan struct{}, 1), wake: make(chan struct{}, 1), room: make(chan struct{}),
		given: map[Kind]uint64{},
	}
}

func (l *accessLog) add(ctx context.Context, e Entry) {
	if e.Time.IsZero() {
		e.Time = l.now()
	}
	for _, text := range []*string{&e.User, &e.Session, &e.Connection, &e.RemoteAddr, &e.Reason, &e.Cursor, &e.Detail} {
		*text = clip(*text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given[e.Kind]++
	var timer *time.Timer
	for len(l.queue) >= l.limits.Queue {
		waits := e.patient() && !l.stopped
		if waits && timer == nil {
			timer = time.NewTimer(l.limits.Wait)
			defer timer.Stop()
		}
		if !waits || !l.waitForRoom(ctx, timer) {
			l.lost++
			return
		}
	}
	l.queue = append(l.queue, e)
	if n := len(l.queue); n == 1 || n == l.limits.Batch {
		l.ring()
	}
}

// waitForRoom releases mu until the queue got shorter or the log has stopped. It returns
// false if the timer or the end of ctx came first.
func (l *accessLog) waitForRoom(ctx context.Context, timer *time.Timer) bool {
	room := l.room
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-room:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// ring wakes the writer.
func (l *accessLog) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// flush writes the queued entries in batches. After an error the remainder stays queued.
func (l *accessLog) flush(ctx context.Context) error {
	select {
	case l.flushing <- struct{}{}:
		defer func() { <-l.flushing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	queued, _ := l.counts()
	for {
		batch, lost := l.next()
		if len(batch) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		err := l.store.AppendAccess(writing, batch)
		cancel()
		if err != nil {
			return failed("write access log", err)
		}
		written := len(batch)
		if lost > 0 {
			written--
		}
		l.written(written, lost)
		// Not until it is empty: others may add as fast as this writes.
		if queued -= written; queued <= 0 {
			return nil
		}
	}
}

// next returns the oldest entries, preceded by an entry that counts the lost ones, if any.
// They stay queued until they are written.
func (l *accessLog) next() (batch []Entry, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lost = l.lost - l.reported; lost > 0 {
		batch = append(batch, Entry{Time: l.now(), Kind: LogLost, Detail: strconv.FormatUint(lost, 10) + " entries"})
	}
	return append(batch, l.queue[:min(len(l.queue), l.limits.Batch)]...), lost
}

func (l *accessLog) written(entries int, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.Delete(l.queue, 0, entries)
	l.reported += lost
	close(l.room)
	l.room = make(chan struct{})
}

// stop makes Log drop entries at once, instead of waiting, when the queue is full.
func (l *accessLog) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	close(l.room)
	l.room = make(chan struct{})
}

// logged returns how many entries of each kind were added.
func (l *accessLog) logged() map[Kind]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.given)
}

func (l *accessLog) counts() (queued int, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue), l.lost
}
