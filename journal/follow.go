package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Log that follows shows the records that another Log appends to the same
// journal, as far as that one has announced them. Records may be visible in a
// database before they are replicated, so the announced head is the limit, not
// the database's.
//
// Announcements bring the records into the window, so the readers of a follower
// share one copy and the database is read for gaps only.

// defaultRecheck is how often a follower asks for the announced head by itself.
const defaultRecheck = 250 * time.Millisecond

// fillStep is about how many records a follower reads at a time to fill a gap.
const fillStep = 4096

// errNoBell is what a program gets the first time it runs.
var errNoBell = fmt.Errorf("%w: a Log that follows needs Options.Bell", ErrInvalid)

// Follow makes a Log that follows: it appends nothing and shows what the leader
// has announced through options.Bell. The store stays the caller's. The caller
// must call [Log.Run] to keep the Log up to date.
func Follow(ctx context.Context, store Store, options Options) (*Log, error) {
	if options.Bell == nil {
		return nil, errNoBell
	}
	announced, err := options.Bell.Announced(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLog(ctx, store, options)
	if err != nil {
		return nil, err
	}
	l.following = true
	l.head.Set(min(l.head.At(), announced))
	return l, nil
}

// Following says whether the Log follows: whether Append would return ErrFollower.
func (l *Log) Following() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.following
}

// Run listens to the bell until ctx ends and returns its cause. While the Log
// follows, it shows what is announced; while the Log appends, it does nothing,
// because the Log may step down later. A Log without a Bell needs no Run.
func (l *Log) Run(ctx context.Context) error {
	if l.bell == nil {
		return errNoBell
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() {
		for ctx.Err() == nil {
			l.note(ctx, l.bell.Listen(ctx, l.heard))
			pause(ctx, l.recheck)
		}
	})
	ticker := time.NewTicker(l.recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.gap:
			l.note(ctx, l.fill(ctx))
		case <-ticker.C:
			l.note(ctx, l.Refresh(ctx))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// note keeps why a follower may be behind, for Err. The end of ctx is no reason.
func (l *Log) note(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.following && ctx.Err() == nil {
		l.failed = err
	}
}

// heard takes one announcement. Records that continue what is shown go into the
// window; anything else leaves a gap, which Run fills from the store.
func (l *Log) heard(a Announcement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || a.Head <= l.head.At() {
		return
	}
	if records, ok := continuation(l.head.At(), a); ok && l.following {
		l.window.add(records)
		l.head.Set(a.Head)
		return
	}
	l.announced = max(l.announced, a.Head)
	l.wakeRun()
}

// wakeRun makes Run read what was announced and is not shown. The caller holds mu.
func (l *Log) wakeRun() {
	select {
	case l.gap <- struct{}{}:
	default: // It has yet to take up an earlier call, and will find this too.
	}
}

// stepDown makes the Log follow. The caller holds mu.
func (l *Log) stepDown() {
	l.following, l.failed = true, nil
	l.wakeRun()
}

// continuation returns the announced records after head, and whether they lead
// from there to the announced head without a gap.
func continuation(head uint64, a Announcement) ([]Record, bool) {
	if len(a.Records) == 0 || a.Records[0].Sequence > head+1 {
		return nil, false
	}
	first := a.Records[0].Sequence
	if a.Records[len(a.Records)-1].Sequence != a.Head || CheckBatch(first-1, 0, a.Records) != nil {
		return nil, false
	}
	return a.Records[head+1-first:], true
}

// Refresh asks for the announced head and reads what the bell has lost. Run does
// so at intervals; a caller that cannot wait for the next one does it itself. It
// does nothing in a Log that appends.
func (l *Log) Refresh(ctx context.Context) error {
	if !l.Following() {
		return nil
	}
	announced, err := l.bell.Announced(ctx)
	if err != nil {
		return err
	}
	oldest, _, err := l.store.Bounds(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.oldest = oldest
	l.announced = max(l.announced, announced)
	l.mu.Unlock()
	return l.fill(ctx)
}

// fill reads what was announced and is not shown. A gap that the window would not
// hold, or that is compacted, is left to the readers.
func (l *Log) fill(ctx context.Context) error {
	for {
		l.mu.Lock()
		after, through, room := l.head.At(), l.announced, uint64(l.window.maxRecords)
		idle := !l.following || l.closed
		l.mu.Unlock()
		if idle || through <= after {
			return nil
		}
		var records []Record
		if through-after <= room {
			var err error
			records, err = l.store.Read(ctx, after, fillStep)
			switch {
			case errors.Is(err, ErrCompacted):
			case err != nil:
				return err
			case len(records) == 0:
				return &CorruptError{after + 1, "was announced and is not in the store"}
			}
			records = until(records, through)
		}
		l.mu.Lock()
		if l.following && l.head.At() == after { // Otherwise an announcement was faster.
			if len(records) > 0 {
				l.window.add(records)
				through = records[len(records)-1].Sequence
			} else {
				l.window.reset()
			}
			l.head.Set(through)
		}
		l.mu.Unlock()
	}
}

// until cuts consecutive records after the one of a sequence.
func until(records []Record, last uint64) []Record {
	if n := len(records); n > 0 && records[n-1].Sequence > last {
		return records[:n-int(records[n-1].Sequence-last)]
	}
	return records
}

// Lead makes the Log the one that appends, and announces its head. Readers see
// everything that the store holds. The caller has made sure that the former
// leader appends no more, or appends at once, so that the former leader is
// refused with ErrStale.
func (l *Log) Lead(ctx context.Context) error { return l.reopen(ctx, true) }

// StepDown makes the Log follow, after an append under way has returned. It must
// have a Bell.
func (l *Log) StepDown() error {
	if l.bell == nil {
		return errNoBell
	}
	l.appending.Lock()
	defer l.appending.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stepDown()
	return nil
}
