package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// Options are the settings of a [Follower]. For every number zero means the default.
type Options struct {
	// MaxRecords is how many records one transaction takes. Default 4,000.
	MaxRecords int
	// MaxBytes is about how many bytes of records one transaction takes. Default
	// 8 MiB.
	MaxBytes int
	// Linger is how long the follower gathers records while no caller waits for them:
	// one large transaction is much cheaper than many small ones. Default 200 ms.
	Linger time.Duration
	// Share is how much of one core the follower uses while the venue is busy and no
	// caller waits for it, in percent, 1 to 100. Default 25. It lags then, and catches
	// up when the venue is less busy.
	Share int
	// Listener, if set, is called with what an operator should know. It is called from
	// Run, which waits for it, and may log.
	Listener func(Event)
}

// Event is what happened to a history.
type Event struct {
	Kind EventKind
	// Was is the position before, where it is known.
	Was journal.Position
	// Position is the position now.
	Position journal.Position
	// Err is the cause of Failed.
	Err error
}

// EventKind is the kind of an [Event].
type EventKind string

// The kinds.
const (
	// Created: the history was new.
	Created EventKind = "CREATED"
	// OtherJournal: the history was of another journal and is built again.
	OtherJournal EventKind = "OTHER_JOURNAL"
	// Ahead: the history had records that the journal has lost, and is built again.
	Ahead EventKind = "AHEAD"
	// Behind: the journal no longer has the records that would follow; the history is
	// built again from those that it has.
	Behind EventKind = "BEHIND"
	// Failed: the database did not take records. They are tried again, less and less
	// often; queries are answered from the records before.
	Failed EventKind = "FAILED"
	// Recovered: the database takes records again.
	Recovered EventKind = "RECOVERED"
)

const (
	defaultRecords = 4000
	defaultBytes   = 8 << 20
	defaultLinger  = 200 * time.Millisecond
	defaultShare   = 25

	// A venue with more than busyRate records a second is busy. Below, the follower
	// keeps up without a limit.
	busyRate   = 2000
	paceWindow = 250 * time.Millisecond
	// longestPause bounds a pause, so that one slow transaction does not stop the
	// history for long.
	longestPause = time.Second

	// A database that fails is tried again after firstRetry, then after twice as
	// long each time, up to lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Follower fills a [Store] from the journal. It only reads the journal, which never
// waits for it. While the venue is busy it uses a bounded share of one core, because
// writing a row costs several times as much as the commit of its record. A caller that
// needs the newest records calls WaitFor. Make it with NewFollower. Safe for concurrent
// use; Run is called once.
type Follower struct {
	log     *journal.Log
	store   Store
	options Options

	position journal.Progress

	mu     sync.Mutex         // protects what follows
	wanted uint64             // The highest sequence that a caller waits for.
	hurry  context.CancelFunc // Ends a linger; nil while there is none.
}

// NewFollower returns a follower that does nothing until Run is called.
func NewFollower(log *journal.Log, store Store, options Options) *Follower {
	options.MaxRecords = cmp.Or(max(0, options.MaxRecords), defaultRecords)
	options.MaxBytes = cmp.Or(max(0, options.MaxBytes), defaultBytes)
	options.Linger = cmp.Or(max(0, options.Linger), defaultLinger)
	options.Share = min(cmp.Or(max(0, options.Share), defaultShare), 100)
	return &Follower{log: log, store: store, options: options}
}

// Position returns the sequence that the history's answers reflect; 0 before Run
// has looked.
func (f *Follower) Position() uint64 { return f.position.At() }

// WaitFor returns when the history reflects a sequence. The follower does not linger or
// pause meanwhile.
// The error is the context's cause, [ErrStopped], or [ErrAhead] for a sequence that the
// journal does not have.
func (f *Follower) WaitFor(ctx context.Context, sequence uint64) error {
	if sequence > f.log.Head() {
		return ErrAhead
	}
	f.mu.Lock()
	f.wanted = max(f.wanted, sequence)
	if f.hurry != nil {
		f.hurry()
	}
	f.mu.Unlock()
	_, err := f.position.Wait(ctx, sequence)
	return err
}

// Run follows the journal until ctx ends, and returns nil then. A failure of the
// database is reported and tried again. Other errors are returned: the journal is
// closed, or its records cannot be read.
func (f *Follower) Run(ctx context.Context) error {
	defer f.position.End(ErrStopped)
	failing := false
	for retry := firstRetry; ; {
		err := f.follow(ctx, func() {
			retry = firstRetry
			if failing {
				failing = false
				f.report(Event{Kind: Recovered, Position: f.cursor(f.Position())})
			}
		})
		var failure *storeError
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.As(err, &failure):
			return err
		}
		failing = true
		f.report(Event{Kind: Failed, Position: f.cursor(f.Position()), Err: failure.err})
		if !sleep(ctx, retry) {
			return nil
		}
		retry = min(2*retry, lastRetry)
	}
}

// storeError is an error of the history's database, as opposed to the journal.
type storeError struct{ err error }

func (e *storeError) Error() string { return "history: store: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// follow reads the history's position and continues from there until something fails.
// It calls worked after each transaction.
func (f *Follower) follow(ctx context.Context, worked func()) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	var decoder record.Decoder
	pace := pace{since: time.Now(), head: f.log.Head()}
	for {
		if err := f.gather(ctx); err != nil {
			return err
		}
		began := time.Now()
		err := f.apply(ctx, &decoder)
		if errors.Is(err, journal.ErrCompacted) {
			if err := f.dropped(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		worked()
		if !pace.busy(time.Now(), f.log.Head()) {
			continue
		}
		if err := f.pause(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}

// dropped begins again when the journal has dropped records that the history lacks. It
// waits until the log knows that, which is a moment after its store has dropped them.
func (f *Follower) dropped(ctx context.Context) error {
	for f.Position()+1 >= f.log.Oldest() {
		if !sleep(ctx, firstRetry) {
			return context.Cause(ctx)
		}
	}
	return f.begin(ctx)
}

// apply writes one transaction.
func (f *Follower) apply(ctx context.Context, decoder *record.Decoder) error {
	records, err := f.read(ctx, decoder)
	if err != nil || len(records) == 0 {
		return err
	}
	if err := f.store.Apply(ctx, records); err != nil {
		return &storeError{err}
	}
	f.position.Set(records[len(records)-1].Sequence)
	return nil
}

// pause keeps to the share of a core, after a transaction that took this time. It ends
// when a caller waits for the history.
func (f *Follower) pause(ctx context.Context, took time.Duration) error {
	remainder := took * time.Duration(100-f.options.Share) / time.Duration(f.options.Share)
	return f.linger(ctx, f.Position(), journal.MaxSequence, min(remainder, longestPause))
}

// pace distinguishes a busy venue from a quiet one.
type pace struct {
	since time.Time // When the present window began.
	head  uint64    // The journal's head then.
	fast  bool      // The window before was busy.
}

// busy returns whether the venue is busy. Records come in bursts, so it judges by a
// whole window.
func (p *pace) busy(now time.Time, head uint64) bool {
	if lasted := now.Sub(p.since); lasted >= paceWindow {
		p.fast = time.Duration(head-p.head)*time.Second > lasted*busyRate
		p.since, p.head = now, head
	}
	return p.fast
}

// begin continues at the history's position, or resets the history if that does not fit
// the journal.
func (f *Follower) begin(ctx context.Context) error {
	was, err := f.store.Position(ctx)
	if err != nil {
		return &storeError{err}
	}
	oldest, head := f.log.Oldest(), f.log.Head()
	var kind EventKind
	switch {
	case was == journal.Position{}:
		kind = Created
	case was.Epoch != f.log.Epoch():
		kind = OtherJournal
	case was.Sequence > head:
		kind = Ahead
	case was.Sequence+1 < oldest:
		kind = Behind
	default:
		f.position.Set(was.Sequence)
		return nil
	}
	state, err := f.stateBefore(ctx, oldest)
	if err != nil {
		return err
	}
	position := f.cursor(oldest - 1)
	if err := f.store.Reset(ctx, position, state); err != nil {
		return &storeError{err}
	}
	f.position.Set(position.Sequence)
	f.report(Event{Kind: kind, Was: was, Position: position})
	return nil
}

// stateBefore returns a snapshot for what the records from oldest on do not contain:
// orders that worked before and have not changed since. The newest snapshot serves,
// because the records bring the other orders up to date.
func (f *Follower) stateBefore(ctx context.Context, oldest uint64) (*trade.Snapshot, error) {
	if oldest <= 1 {
		return nil, nil //nolint:nilnil // nothing stood before the first record
	}
	snapshot, err := f.log.LoadSnapshot(ctx, journal.MaxSequence)
	if err != nil {
		return nil, fmt.Errorf("history: build from record %d: %w", oldest, err)
	}
	state, err := record.DecodeSnapshot(snapshot.Data)
	if err != nil {
		return nil, fmt.Errorf("history: snapshot of %d: %w", snapshot.Sequence, err)
	}
	return state, nil
}

// gather returns when there is something to apply: at once when a caller waits for it
// or there are enough records for a transaction, otherwise after lingering.
func (f *Follower) gather(ctx context.Context) error {
	position := f.Position()
	if _, err := f.log.Wait(ctx, position); err != nil {
		return err
	}
	return f.linger(ctx, position, position+uint64(f.options.MaxRecords)-1, f.options.Linger)
}

// linger returns when the journal has passed a sequence, after most, or as soon as a
// caller waits for more than position.
func (f *Follower) linger(ctx context.Context, position, past uint64, most time.Duration) error {
	lingering, end := context.WithTimeout(ctx, most)
	defer end()
	f.mu.Lock()
	if f.wanted > position {
		f.mu.Unlock()
		return nil
	}
	f.hurry = end
	f.mu.Unlock()
	_, err := f.log.Wait(lingering, past)
	f.mu.Lock()
	f.hurry = nil
	f.mu.Unlock()
	if err != nil && lingering.Err() == nil {
		return err
	}
	return ctx.Err()
}

// read returns the records of the next transaction, at least one. They are valid until
// the next call.
func (f *Follower) read(ctx context.Context, decoder *record.Decoder) ([]*trade.Record, error) {
	entries, err := f.log.Read(ctx, f.Position(), f.options.MaxRecords)
	if err != nil {
		return nil, err
	}
	records := make([]*trade.Record, 0, len(entries))
	size := 0
	decoder.Reset()
	for _, entry := range entries {
		r, err := decoder.Decode(entry.Sequence, entry.Time, entry.Data)
		if err != nil {
			return nil, fmt.Errorf("history: record %d: %w", entry.Sequence, err)
		}
		records = append(records, r)
		if size += len(entry.Data); size >= f.options.MaxBytes || len(records) >= f.options.MaxRecords {
			break
		}
	}
	return records, nil
}

func (f *Follower) cursor(sequence uint64) journal.Position {
	return journal.Position{Epoch: f.log.Epoch(), Sequence: sequence}
}

func (f *Follower) report(event Event) {
	if f.options.Listener != nil {
		f.options.Listener(event)
	}
}

// sleep returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
