package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// Options sets a [Follower] up. For every number zero means the
// default.
type Options struct {
	// MaxRecords is how many records one transaction takes. Default 4,000.
	MaxRecords int
	// MaxBytes is about how many bytes of records one transaction takes. Default
	// 8 MiB.
	MaxBytes int
	// Linger is how long the follower lets records gather while no caller waits for
	// them: one transaction of many is much cheaper than many of one. Default 200 ms.
	Linger time.Duration
	// Share is how much of one core the follower takes while the venue is busy and
	// no caller waits for it, in percent, 1 to 100. Default 25. It lags then, and
	// catches up as soon as there is less to do.
	Share int
	// Listener, if set, gets what an operator should know. It is called from
	// Run and may log, but holds the follower up while it runs.
	Listener func(Event)
}

// Event says what happened to a history.
type Event struct {
	Kind EventKind
	// Was is the position before, where it is known.
	Was journal.Position
	// Position is where the history stands now.
	Position journal.Position
	// Err is why, for Failed.
	Err error
}

// EventKind says which kind of thing happened to a history.
type EventKind int8

// The kinds.
const (
	// Created: it was new.
	Created EventKind = iota + 1
	// OtherJournal: it was of another journal and is built again.
	OtherJournal
	// Ahead: it had records that the journal has lost, and is built again.
	Ahead
	// Behind: the journal no longer has what would follow; it is built
	// again from what there is.
	Behind
	// Failed: the database did not take records. They are tried again,
	// less and less often; queries answer what they can meanwhile.
	Failed
	// Recovered: the database takes records again.
	Recovered
)

func (k EventKind) String() string {
	switch k {
	case Created:
		return "CREATED"
	case OtherJournal:
		return "OTHER_JOURNAL"
	case Ahead:
		return "AHEAD"
	case Behind:
		return "BEHIND"
	case Failed:
		return "FAILED"
	case Recovered:
		return "RECOVERED"
	}
	return "UNSPECIFIED"
}

const (
	defaultRecords = 4000
	defaultBytes   = 8 << 20
	defaultLinger  = 200 * time.Millisecond
	defaultShare   = 25

	// A venue is busy when more than busyRate records a second come in: below, the
	// follower keeps up without a limit.
	busyRate   = 2000
	paceWindow = 250 * time.Millisecond
	// longestRest bounds a rest, so that one slow transaction does not leave the
	// history standing still.
	longestRest = time.Second

	// A database that fails is tried again after firstRetry, then after twice as
	// long each time, up to lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Follower fills a [Store] from the journal, off the way of commits: it
// only reads, the journal never waits for it, and while the venue is busy it takes
// a bounded share of one core, because a row costs several times what the commit
// of its record does. Who needs the newest calls WaitFor, and pays for it. Make it
// with NewFollower. Safe for concurrent use; Run is called once.
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
	if options.MaxRecords <= 0 {
		options.MaxRecords = defaultRecords
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = defaultBytes
	}
	if options.Linger <= 0 {
		options.Linger = defaultLinger
	}
	if options.Share <= 0 {
		options.Share = defaultShare
	}
	options.Share = min(options.Share, 100)
	return &Follower{log: log, store: store, options: options}
}

// Position returns the sequence that the history's answers reflect; 0 before Run
// has looked.
func (f *Follower) Position() uint64 { return f.position.At() }

// WaitFor returns when the history reflects a sequence, and makes the follower hurry.
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

// Run follows the journal until ctx ends, and returns nil then. A database that
// fails is tried again and reported; what cannot get better is returned: a
// journal that is closed, or whose records cannot be read.
func (f *Follower) Run(ctx context.Context) error {
	defer f.position.End(ErrStopped)
	failing := false
	for retry := firstRetry; ; {
		err := f.follow(ctx, func() {
			retry = firstRetry
			if failing {
				failing = false
				f.tell(Event{Kind: Recovered, Position: f.cursor(f.Position())})
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
		f.tell(Event{Kind: Failed, Position: f.cursor(f.Position()), Err: failure.err})
		if !pause(ctx, retry) {
			return nil
		}
		retry = min(2*retry, lastRetry)
	}
}

// storeError is trouble with the history, as opposed to the journal.
type storeError struct{ err error }

func (e *storeError) Error() string { return "history: store: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// follow looks where the history stands and goes on from there until something
// fails. worked is called after each transaction.
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
		if err := f.rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}

// dropped begins again when the journal has dropped what the history still lacks.
// The log hears of that a moment after its store has done it.
func (f *Follower) dropped(ctx context.Context) error {
	for f.Position()+1 >= f.log.Oldest() {
		if !pause(ctx, firstRetry) {
			return context.Cause(ctx)
		}
	}
	return f.begin(ctx)
}

// apply carries one transaction out.
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

// rest leaves the rest of a core's time to those who commit, after a transaction
// that took so long. Who waits for the history is not kept waiting.
func (f *Follower) rest(ctx context.Context, took time.Duration) error {
	rest := took * time.Duration(100-f.options.Share) / time.Duration(f.options.Share)
	return f.linger(ctx, f.Position(), journal.MaxSequence, min(rest, longestRest))
}

// pace tells a busy venue from a quiet one.
type pace struct {
	since time.Time // When the present window began,
	head  uint64    // and where the journal stood.
	fast  bool      // What the window before was like.
}

// busy is to be asked now and then. Records come in bursts, so it judges by a
// whole window.
func (p *pace) busy(now time.Time, head uint64) bool {
	if lasted := now.Sub(p.since); lasted >= paceWindow {
		p.fast = time.Duration(head-p.head)*time.Second > lasted*busyRate
		p.since, p.head = now, head
	}
	return p.fast
}

// begin takes the history's position over, or has it built again where that does
// not fit the journal.
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
	state, err := f.stateBehind(ctx, oldest)
	if err != nil {
		return err
	}
	position := f.cursor(oldest - 1)
	if err := f.store.Reset(ctx, position, state); err != nil {
		return &storeError{err}
	}
	f.position.Set(position.Sequence)
	f.tell(Event{Kind: kind, Was: was, Position: position})
	return nil
}

// stateBehind returns a snapshot from which to take what the records from oldest
// on do not tell: orders that worked before and were not touched since. The
// newest does: orders that were touched come up to date with the records.
func (f *Follower) stateBehind(ctx context.Context, oldest uint64) (*trade.Snapshot, error) {
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

// gather returns when there is something to apply: at once when a caller waits
// for it or a whole transaction is there, after lingering otherwise.
func (f *Follower) gather(ctx context.Context) error {
	position := f.Position()
	if _, err := f.log.Wait(ctx, position); err != nil {
		return err
	}
	return f.linger(ctx, position, position+uint64(f.options.MaxRecords)-1, f.options.Linger)
}

// linger returns when the journal has passed a sequence, when it has lasted most,
// or as soon as a caller waits for more than position.
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

// read returns the records of the next transaction, at least one. They hold until
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

func (f *Follower) tell(event Event) {
	if f.options.Listener != nil {
		f.options.Listener(event)
	}
}

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
