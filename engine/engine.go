package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// The errors of an engine beside [*trade.Refusal], which says that a command was
// refused and nothing was journaled.
var (
	// ErrStopped says that the engine is stopping or has stopped. The command did
	// not happen.
	ErrStopped = errors.New("engine: stopped")
	// ErrNotDurable says that the journal cannot append records now: a full or
	// failing disk, or another writer. The command did not happen and may succeed later.
	ErrNotDurable = errors.New("engine: the journal cannot append records")
	// ErrOutcomeUnknown says that the caller stopped waiting, or that the journal
	// failed while it appended. The command may have happened; sending it again with
	// the same request id gives the answer.
	ErrOutcomeUnknown = errors.New("engine: outcome unknown")
)

// Options are the settings of an engine. The zero value takes the defaults.
type Options struct {
	// Clock gives the time of commands. It is required: the engine reads no other clock.
	Clock func() time.Time
	// Elapsed gives a time that only passes, whatever is done to the wall clock; by default
	// the difference between two times of Clock, which is monotonic for time.Now.
	Elapsed func() time.Duration
	// SnapshotEvery is the number of records after which a snapshot is written; 500,000
	// by default. It bounds how many records a restart has to replay.
	SnapshotEvery uint64
	// MaxRecord bounds the record of one command, in bytes; a command that needs more is
	// refused. journal.MaxRecordSize by default and at most.
	MaxRecord int
	// Default holds for accounts whose own limit is 0. It is asked when the engine decides
	// and is not part of the state.
	Default DefaultLimits
	// Retain is how long records are kept behind a snapshot; without limit by default.
	Retain time.Duration
	// Report gets events that no caller's answer contains. It may be called from several
	// goroutines.
	Report func(Report)
}

// DefaultLimits are fields of [trade.Limits]; 0 and trade.Unlimited are no limit.
type DefaultLimits struct{ MaxOpenOrders, MaxMessagesPerSecond uint32 }

// Report is an event for the operator.
type Report struct {
	What     ReportKind
	Sequence uint64
	Err      error
}

// ReportKind says what a [Report] is about.
type ReportKind string

// The kinds of report.
const (
	SnapshotSaved    ReportKind = "snapshot saved"
	SnapshotFailed   ReportKind = "snapshot failed"
	Compacted        ReportKind = "journal compacted"
	CompactFailed    ReportKind = "compacting the journal failed"
	JournalFailed    ReportKind = "journal failed"
	JournalRecovered ReportKind = "journal recovered"
	BecameLeader     ReportKind = "became the leader"
	BecameFollower   ReportKind = "became a follower"
)

const defaultSnapshots = 500_000

// Engine is the venue's only writer. Submit may be called from any goroutine;
// everything else belongs to the goroutine of Run.
type Engine struct {
	log      *journal.Log
	options  Options
	queue    chan *submission
	controls chan control
	stopped  chan struct{}
	health   atomic.Pointer[error]
	role     atomic.Int32 // a Role; only the goroutine of Run changes it

	state  *state
	draft  draft
	rates  rates
	source *timeSource
	failed *failure // nil while the journal takes records

	// The batch that is being collected, and the memory in which each record is made.
	records []journal.Record
	pending []pending
	size    int // of the records' data, in bytes
	record  trade.Record
	scratch []byte
	arena   arena

	snapshots *snapshotter
}

// Result is the answer to one of several commands, or the error.
type Result struct {
	Answer trade.Answer
	Err    error
}

// Open rebuilds the state from the log's newest snapshot and the records after it.
// The engine leads when the log appends and follows when the log follows. The caller
// closes the log, after Run has returned. The error is that of the journal, or of a
// record that this version cannot read.
func Open(ctx context.Context, log *journal.Log, options Options) (*Engine, error) {
	if options.Clock == nil {
		return nil, errors.New("engine: Options.Clock is missing")
	}
	if options.SnapshotEvery == 0 {
		options.SnapshotEvery = defaultSnapshots
	}
	if options.MaxRecord <= 0 || options.MaxRecord > journal.MaxRecordSize {
		options.MaxRecord = journal.MaxRecordSize
	}
	if options.Report == nil {
		options.Report = func(Report) {}
	}
	s, from, err := load(ctx, log)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		log:       log,
		draft:     draft{openOrders: options.Default.MaxOpenOrders},
		options:   options,
		queue:     make(chan *submission, maxQueue),
		controls:  make(chan control),
		stopped:   make(chan struct{}),
		state:     s,
		rates:     rates{},
		source:    newTimeSource(options),
		snapshots: newSnapshotter(log, options, from),
	}
	if log.Following() {
		e.role.Store(int32(Follower))
	}
	return e, nil
}

// load builds the state at the head. It also returns the sequence of the snapshot that
// it began with, 0 for none.
func load(ctx context.Context, log *journal.Log) (*state, uint64, error) {
	stored, err := newestSnapshot(ctx, log, journal.MaxSequence)
	if err != nil {
		return nil, 0, err
	}
	snapshot, err := record.DecodeSnapshot(stored.Data)
	if err != nil {
		return nil, 0, fmt.Errorf("engine: snapshot %d: %w", stored.Sequence, err)
	}
	s := restore(snapshot)
	return s, stored.Sequence, s.replay(ctx, log, journal.MaxSequence)
}

// newestSnapshot returns the newest snapshot of a sequence or before, the zero one
// when there is none.
func newestSnapshot(ctx context.Context, log *journal.Log, through uint64) (journal.Snapshot, error) {
	stored, err := log.LoadSnapshot(ctx, through)
	if err != nil && !errors.Is(err, journal.ErrNoSnapshot) {
		return journal.Snapshot{}, fmt.Errorf("engine: load snapshot: %w", err)
	}
	return stored, nil
}

// replay applies the records up to a sequence, or the head if that comes first.
func (s *state) replay(ctx context.Context, log *journal.Log, through uint64) error {
	var decoder record.Decoder
	const page = 4096
	for s.sequence < through {
		records, err := log.Read(ctx, s.sequence, page)
		if err != nil {
			return fmt.Errorf("engine: replay after %d: %w", s.sequence, err)
		}
		if len(records) == 0 {
			break
		}
		for i := range records {
			if records[i].Sequence > through {
				break
			}
			decoder.Reset()
			r, err := decoder.Decode(records[i].Sequence, records[i].Time, records[i].Data)
			if err != nil {
				return fmt.Errorf("engine: record %d: %w", records[i].Sequence, err)
			}
			s.apply(r)
		}
	}
	return nil
}

// Submit sends one command to the engine and waits for the decision; while the queue
// is full, it waits for a place in it. When it returns an answer, the record is
// durable. The error is a [*trade.Refusal], [ErrStopped], [ErrNotLeader],
// [ErrNotDurable] or [ErrOutcomeUnknown]; any other is a defect, and the command did
// not happen. The command must not be changed afterwards.
func (e *Engine) Submit(ctx context.Context, command trade.Command) (trade.Answer, error) {
	results := e.SubmitAll(ctx, []trade.Command{command})
	return results[0].Answer, results[0].Err
}

// SubmitAll sends commands to the engine, which decides them one after the other
// with no other command in between and makes them durable together, as far as they
// fit into one batch. Each has its own result, like that of Submit.
func (e *Engine) SubmitAll(ctx context.Context, commands []trade.Command) []Result {
	if len(commands) == 0 {
		return nil
	}
	s := &submission{commands: commands, results: make([]Result, len(commands)), done: make(chan struct{})}
	select {
	case <-e.stopped:
		return all(commands, ErrStopped)
	default:
	}
	if e.Role() == Follower {
		return all(commands, ErrNotLeader)
	}
	select {
	case e.queue <- s:
	case <-e.stopped:
		return all(commands, ErrStopped)
	case <-ctx.Done():
		return all(commands, fmt.Errorf("%w: %w", ErrNotDurable, context.Cause(ctx)))
	}
	select {
	case <-s.done:
		return s.results
	case <-ctx.Done():
		return all(commands, fmt.Errorf("%w: %w", ErrOutcomeUnknown, context.Cause(ctx)))
	case <-e.stopped:
		// Run closes stopped after it has answered all that it took from the queue.
		select {
		case <-s.done:
			return s.results
		default:
			return all(commands, ErrStopped)
		}
	}
}

func all(commands []trade.Command, err error) []Result {
	results := make([]Result, len(commands))
	for i := range results {
		results[i].Err = err
	}
	return results
}

// Health returns nil while a leader can append and while a follower keeps up with the
// leader; otherwise the reason.
func (e *Engine) Health() error {
	if err := e.health.Load(); err != nil {
		return *err
	}
	return nil
}

// Run decides what is submitted until ctx ends, then writes a snapshot and
// returns. It must be called once. The error is that of the last snapshot; the
// journal is complete in any case.
func (e *Engine) Run(ctx context.Context) error {
	group, background := errgroup.WithContext(ctx)
	group.Go(func() error { return e.snapshots.run(background) })
	e.loop(ctx)
	close(e.stopped)
	e.refuseQueued()
	if err := group.Wait(); err != nil {
		return err
	}
	return e.snapshots.last(context.WithoutCancel(ctx), e.state, e.failed == nil && e.Role() == Leader)
}

func (e *Engine) refuseQueued() {
	for {
		select {
		case s := <-e.queue:
			s.refuse(ErrStopped)
		default:
			return
		}
	}
}

// Hash returns the sequence and the SHA-256 of the state of an engine whose Run
// has returned or was never called.
func (e *Engine) Hash() (uint64, [32]byte, error) {
	sum, err := record.Hash(e.state.snapshot())
	return e.state.sequence, sum, err
}

// Waiting returns how many submissions wait to be decided, for metrics.
func (e *Engine) Waiting() int { return len(e.queue) }
