package feed

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
)

// IndexStore keeps the index's checkpoint, so that a restart reads the journal's
// tail only.
type IndexStore interface {
	// SaveIndex must replace what was saved before, whole or not at all.
	SaveIndex(ctx context.Context, position uint64, blob []byte) error
	// LoadIndex must return what was saved last, or a nil blob when nothing was.
	LoadIndex(ctx context.Context) (position uint64, blob []byte, err error)
}

// Options are the settings of a feed. For every number zero means the default.
type Options struct {
	// ReplayEvents is how many records that concern a stream a resume replays at
	// most; past it, the stream gets a Reset and a snapshot. Default 10,000.
	ReplayEvents int
	// ReplayAge is the age up to which records are replayed. Default 24 h.
	ReplayAge time.Duration
	// CheckpointEvery is the number of records between two saves of the index.
	// Default 100,000.
	CheckpointEvery uint64
	// CheckpointFailed, if set, is called when a save has failed. The next save is
	// tried as usual. It is called from a goroutine of Run and may log.
	CheckpointFailed func(error)
	// Publishing and Published, if set, are called with the records of each
	// publication before and after it. They are called from a goroutine of Run, which
	// waits for them, and must keep nothing of the records.
	Publishing, Published func([]*trade.Record)
}

const (
	defaultReplayEvents    = 10_000
	defaultReplayAge       = 24 * time.Hour
	defaultCheckpointEvery = 100_000
	// finalSaveTimeout bounds the last save of the index, when Run stops.
	finalSaveTimeout = 5 * time.Second
)

func (o Options) withDefaults() Options {
	o.ReplayEvents = cmp.Or(max(0, o.ReplayEvents), defaultReplayEvents)
	o.ReplayAge = cmp.Or(max(0, o.ReplayAge), defaultReplayAge)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, defaultCheckpointEvery)
	return o
}

// Feed follows a journal and publishes to a hub. Make it with New.
type Feed struct {
	log     *journal.Log
	hub     *push.Hub
	store   IndexStore
	encoder Encoder
	options Options

	follower follower      // Used by the goroutine that follows.
	ready    chan struct{} // Closed when the feed has caught up for the first time.
	stopped  chan struct{} // Closed when Run returns.
	save     chan struct{} // Receives a value when a checkpoint is due.

	// mu protects what follows. It is held during the calls of the hub that must not
	// run at the same time as Publish, and comes before the hub's locks.
	mu       sync.Mutex
	position journal.Progress
	time     int64 // Of the record at position, in nanoseconds since 1970.
	views    *views
	index    *index
	names    *names
	streams  map[string]*Attached // By connection.
	saved    uint64               // Position of the newest checkpoint asked for.
}

// New returns a feed that does nothing until Run is called. The hub must be new: Run
// seeds it. store may be nil; then a restart reads the journal as far back as replays
// go.
func New(log *journal.Log, hub *push.Hub, store IndexStore, encoder Encoder, options Options) *Feed {
	options = options.withDefaults()
	f := &Feed{
		log: log, hub: hub, store: store, encoder: encoder, options: options,
		ready:   make(chan struct{}),
		stopped: make(chan struct{}),
		save:    make(chan struct{}, 1),
		views:   newViews(),
		index:   newIndex(options.ReplayEvents, options.ReplayAge),
		names:   newNames(),
		streams: make(map[string]*Attached),
	}
	f.follower.composer = composer{names: newNames(), wanted: f.subscribed}
	return f
}

// Ready is closed when the feed has caught up with the journal's head as it was
// when Run began.
func (f *Feed) Ready() <-chan struct{} { return f.ready }

func (f *Feed) isReady() bool { return isClosed(f.ready) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Position returns the sequence that all answers reflect.
func (f *Feed) Position() uint64 { return f.position.At() }

// Cursor returns the cursor after a sequence.
func (f *Feed) Cursor(sequence uint64) push.Cursor {
	return push.Cursor{Epoch: f.log.Epoch(), Sequence: sequence}
}

// WaitFor returns when the feed reflects a sequence. The error is the context's cause,
// ErrStopped, or ErrBadCursor for a sequence that the journal does not have.
func (f *Feed) WaitFor(ctx context.Context, sequence uint64) error {
	if sequence > max(f.position.At(), f.log.Head()) {
		return ErrBadCursor
	}
	_, err := f.position.Wait(ctx, sequence)
	return err
}

// WaitForCursor is WaitFor for a cursor of a client. A cursor of another history is
// ErrUnknownEpoch.
func (f *Feed) WaitForCursor(ctx context.Context, cursor push.Cursor) error {
	if cursor.Epoch != f.log.Epoch() {
		return ErrUnknownEpoch
	}
	return f.WaitFor(ctx, cursor.Sequence)
}

// advance moves the position. The caller holds mu.
func (f *Feed) advance(r *trade.Record) {
	f.time = r.Time
	f.position.Set(r.Sequence)
}

// Run builds the views from the newest snapshot and the records after it, closes
// Ready, and then publishes every record until ctx ends. It returns nil when ctx has
// ended, or else why the journal cannot be followed.
func (f *Feed) Run(ctx context.Context) error {
	defer close(f.stopped)
	defer f.position.End(ErrStopped)
	err := f.start(ctx)
	if err == nil {
		err = f.followAndSave(ctx)
	}
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}

// followAndSave follows the journal, saves the index when it is due, and a last time
// although ctx has ended.
func (f *Feed) followAndSave(ctx context.Context) error {
	saving, stopSaving := context.WithCancel(ctx)
	var saver sync.WaitGroup
	saver.Go(func() { f.saveWhenDue(saving) })
	err := f.follow(ctx)
	stopSaving()
	saver.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalSaveTimeout)
	defer cancel()
	f.saveIndex(last)
	return err
}
