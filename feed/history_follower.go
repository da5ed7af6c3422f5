package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// HistoryOptions sets a [HistoryFollower] up. For every number zero means the
// default.
type HistoryOptions struct {
	// MaxRecords is how many records one transaction takes. Default 2,000.
	MaxRecords int
	// MaxBytes is about how many bytes of records one transaction takes. Default
	// 8 MiB.
	MaxBytes int
	// Linger is how long the follower lets records gather while nobody waits for
	// them: one transaction of many is much cheaper than many of one. Default 50 ms.
	Linger time.Duration
	// Listener, if set, is told what an operator should know. It is called from
	// Run and may log, but holds the follower up while it runs.
	Listener func(HistoryEvent)
}

// HistoryEvent says what happened to a history.
type HistoryEvent struct {
	Kind HistoryEventKind
	// Was is the position before, where it is known.
	Was push.Cursor
	// Position is where the history stands now.
	Position push.Cursor
	// Err is why, for HistoryFailed.
	Err error
}

// HistoryEventKind says which kind of thing happened to a history.
type HistoryEventKind int8

// The kinds.
const (
	// HistoryCreated: it was new.
	HistoryCreated HistoryEventKind = iota + 1
	// HistoryOtherJournal: it was of another journal and is built again.
	HistoryOtherJournal
	// HistoryAhead: it had records that the journal has lost, and is built again.
	HistoryAhead
	// HistoryBehind: the journal no longer has what would follow; it is built
	// again from what there is.
	HistoryBehind
	// HistoryFailed: the database did not take records. They are tried again,
	// less and less often; queries answer what they can meanwhile.
	HistoryFailed
	// HistoryRecovered: the database takes records again.
	HistoryRecovered
)

func (k HistoryEventKind) String() string {
	switch k {
	case HistoryCreated:
		return "CREATED"
	case HistoryOtherJournal:
		return "OTHER_JOURNAL"
	case HistoryAhead:
		return "AHEAD"
	case HistoryBehind:
		return "BEHIND"
	case HistoryFailed:
		return "FAILED"
	case HistoryRecovered:
		return "RECOVERED"
	}
	return "UNSPECIFIED"
}

const (
	defaultHistoryRecords = 2000
	defaultHistoryBytes   = 8 << 20
	defaultHistoryLinger  = 50 * time.Millisecond

	// A database that fails is tried again after firstRetry, then after twice as
	// long each time, up to lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// HistoryFollower fills a [History] from the journal, off the way of commits: it
// only reads, and the journal never waits for it. Make it with
// NewHistoryFollower. Safe for concurrent use; Run is called once.
type HistoryFollower struct {
	log     *journal.Log
	history History
	options HistoryOptions
	stopped chan struct{} // Closed when Run returns.

	mu       sync.Mutex // protects what follows
	position uint64
	wanted   uint64             // The highest sequence that somebody waits for.
	hurry    context.CancelFunc // Ends the lingering; nil while there is none.
	ring     chan struct{}      // Closed at the next change of position; nil while nobody waits.
}

// NewHistoryFollower returns a follower that does nothing until Run is called.
func NewHistoryFollower(log *journal.Log, history History, options HistoryOptions) *HistoryFollower {
	if options.MaxRecords <= 0 {
		options.MaxRecords = defaultHistoryRecords
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = defaultHistoryBytes
	}
	if options.Linger <= 0 {
		options.Linger = defaultHistoryLinger
	}
	return &HistoryFollower{log: log, history: history, options: options, stopped: make(chan struct{})}
}

// Position returns the sequence that the history's answers reflect; 0 before Run
// has looked.
func (f *HistoryFollower) Position() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position
}

// WaitFor returns when the history reflects a sequence, so that who wrote it
// reads it, and makes the follower hurry. The error is the context's cause,
// [ErrStopped], or [ErrBadCursor] for a sequence that the journal does not have.
func (f *HistoryFollower) WaitFor(ctx context.Context, sequence uint64) error {
	if sequence > f.log.Head() {
		return ErrBadCursor
	}
	for {
		f.mu.Lock()
		if f.position >= sequence {
			f.mu.Unlock()
			return nil
		}
		f.wanted = max(f.wanted, sequence)
		if f.hurry != nil {
			f.hurry()
		}
		if f.ring == nil {
			f.ring = make(chan struct{})
		}
		ring := f.ring
		f.mu.Unlock()
		select {
		case <-ring:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.stopped:
			return ErrStopped
		}
	}
}

// Run follows the journal until ctx ends, and returns nil then. A database that
// fails is tried again and reported; what cannot get better is returned: a
// journal that is closed, or whose records cannot be read.
func (f *HistoryFollower) Run(ctx context.Context) error {
	defer close(f.stopped)
	failing := false
	for retry := firstRetry; ; {
		err := f.follow(ctx, func() {
			retry = firstRetry
			if failing {
				failing = false
				f.tell(HistoryEvent{Kind: HistoryRecovered, Position: f.cursor(f.Position())})
			}
		})
		var failure *historyError
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.As(err, &failure):
			return err
		}
		failing = true
		f.tell(HistoryEvent{Kind: HistoryFailed, Position: f.cursor(f.Position()), Err: failure.err})
		if !pause(ctx, retry) {
			return nil
		}
		retry = min(2*retry, lastRetry)
	}
}

// historyError is trouble with the history, as opposed to the journal.
type historyError struct{ err error }

func (e *historyError) Error() string { return "feed: history: " + e.err.Error() }
func (e *historyError) Unwrap() error { return e.err }

// follow looks where the history stands and goes on from there until something
// fails. worked is called after each transaction.
func (f *HistoryFollower) follow(ctx context.Context, worked func()) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	for {
		if err := f.gather(ctx); err != nil {
			return err
		}
		records, err := f.read(ctx)
		if errors.Is(err, journal.ErrCompacted) && f.Position()+1 < f.log.Oldest() {
			// The journal has dropped what the history still lacks.
			if err := f.begin(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if len(records) == 0 {
			continue
		}
		if err := f.history.Apply(ctx, records); err != nil {
			return &historyError{err}
		}
		f.moved(records[len(records)-1].Sequence)
		worked()
	}
}

// begin takes the history's position over, or has it built again where that does
// not fit the journal.
func (f *HistoryFollower) begin(ctx context.Context) error {
	was, err := f.history.Position(ctx)
	if err != nil {
		return &historyError{err}
	}
	oldest, head := f.log.Oldest(), f.log.Head()
	var kind HistoryEventKind
	switch {
	case was == push.Cursor{}:
		kind = HistoryCreated
	case was.Epoch != f.log.Epoch():
		kind = HistoryOtherJournal
	case was.Sequence > head:
		kind = HistoryAhead
	case was.Sequence+1 < oldest:
		kind = HistoryBehind
	default:
		f.moved(was.Sequence)
		return nil
	}
	state, err := f.stateBehind(ctx, oldest)
	if err != nil {
		return err
	}
	position := f.cursor(oldest - 1)
	if err := f.history.Reset(ctx, position, state); err != nil {
		return &historyError{err}
	}
	f.moved(position.Sequence)
	f.tell(HistoryEvent{Kind: kind, Was: was, Position: position})
	return nil
}

// stateBehind returns a snapshot from which to take what the records from oldest
// on do not tell: orders that worked before and were not touched since. The
// newest does: orders that were touched come up to date with the records.
func (f *HistoryFollower) stateBehind(ctx context.Context, oldest uint64) (*trade.Snapshot, error) {
	if oldest <= 1 {
		return nil, nil //nolint:nilnil // nothing stood before the first record
	}
	snapshot, err := f.log.LoadSnapshot(ctx, journal.MaxSequence)
	if err != nil {
		return nil, fmt.Errorf("feed: history from record %d: %w", oldest, err)
	}
	state, err := record.DecodeSnapshot(snapshot.Data)
	if err != nil {
		return nil, fmt.Errorf("feed: snapshot of %d: %w", snapshot.Sequence, err)
	}
	return state, nil
}

// gather returns when there is something to apply: at once when somebody waits
// for it or a whole transaction is there, after lingering otherwise.
func (f *HistoryFollower) gather(ctx context.Context) error {
	position := f.Position()
	if _, err := f.log.Wait(ctx, position); err != nil {
		return err
	}
	lingering, end := context.WithTimeout(ctx, f.options.Linger)
	defer end()
	f.mu.Lock()
	if f.wanted > position {
		f.mu.Unlock()
		return nil
	}
	f.hurry = end
	f.mu.Unlock()
	_, err := f.log.Wait(lingering, position+uint64(f.options.MaxRecords)-1)
	f.mu.Lock()
	f.hurry = nil
	f.mu.Unlock()
	if err != nil && lingering.Err() == nil {
		return err
	}
	return ctx.Err()
}

// read returns the records of the next transaction, at least one.
func (f *HistoryFollower) read(ctx context.Context) ([]*trade.Record, error) {
	entries, err := f.log.Read(ctx, f.Position(), f.options.MaxRecords)
	if err != nil {
		return nil, err
	}
	records := make([]*trade.Record, 0, len(entries))
	size := 0
	for _, entry := range entries {
		r, err := record.Decode(entry.Sequence, entry.Time, entry.Data)
		if err != nil {
			return nil, fmt.Errorf("feed: record %d: %w", entry.Sequence, err)
		}
		records = append(records, r)
		if size += len(entry.Data); size >= f.options.MaxBytes || len(records) >= f.options.MaxRecords {
			break
		}
	}
	return records, nil
}

// moved tells those who wait that the history stands at a sequence.
func (f *HistoryFollower) moved(position uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = position
	if f.ring != nil {
		close(f.ring)
		f.ring = nil
	}
}

func (f *HistoryFollower) cursor(sequence uint64) push.Cursor {
	return push.Cursor{Epoch: f.log.Epoch(), Sequence: sequence}
}

func (f *HistoryFollower) tell(event HistoryEvent) {
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
