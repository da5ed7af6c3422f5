package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"todoku/journal"
)

// An engine leads or follows, as its log does. The leader decides and appends. A
// follower applies the records of the leader, so that it can take over without reading
// the journal from the last snapshot. It refuses commands and writes nothing, not even
// snapshots.

// ErrNotLeader says that the engine follows another one. The command did not
// happen; send it to the leader.
var ErrNotLeader = errors.New("engine: not the leader")

// Role says whether an engine decides or follows.
type Role int32

// The roles.
const (
	Leader Role = iota
	Follower
)

// control is a function that the engine's goroutine runs between two batches.
type control struct {
	do   func(context.Context) error
	done chan error
}

// Role returns the current role. It may change at any time, see Promote.
func (e *Engine) Role() Role { return Role(e.role.Load()) }

// Promote makes a follower the leader: it applies the remaining records of the journal
// and then appends a record that changes nothing, so that the journal refuses a former
// leader from here on. After an error the engine still follows. For a leader it does
// nothing; a leader that was superseded learns of it when it appends. It may be called
// from any goroutine while Run runs.
func (e *Engine) Promote(ctx context.Context) error { return e.control(ctx, e.promote) }

// Demote makes a leader follow, after the current batch. Its log must have a Bell. It
// may be called from any goroutine while Run runs.
func (e *Engine) Demote(ctx context.Context) error {
	return e.control(ctx, func(context.Context) error {
		if e.Role() == Follower {
			return nil
		}
		if err := e.log.StepDown(); err != nil {
			return err
		}
		e.become(Follower)
		return nil
	})
}

// control runs do in the engine's goroutine and waits for it.
func (e *Engine) control(ctx context.Context, do func(context.Context) error) error {
	c := control{do: func(context.Context) error { return do(ctx) }, done: make(chan error, 1)}
	select {
	case e.controls <- c:
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-c.done
}

// become takes a role and reports it.
func (e *Engine) become(role Role) {
	e.role.Store(int32(role))
	e.source.restart()
	what := BecameLeader
	if role == Follower {
		what = BecameFollower
	}
	e.options.Report(Report{What: what, Sequence: e.state.sequence})
}

// superseded makes the engine follow because another leader has appended. The state is
// ahead of the journal then and must be loaded again.
func (e *Engine) superseded(cause error) {
	e.failed = &failure{cause: cause, stale: true}
	e.become(Follower)
}

func (e *Engine) promote(ctx context.Context) error {
	if e.Role() == Leader {
		return nil
	}
	for {
		err := e.takeOver(ctx)
		switch {
		case err == nil:
			e.heal()
			e.become(Leader)
			return nil
		case !errors.Is(err, journal.ErrStale) || ctx.Err() != nil:
			return fmt.Errorf("engine: promote: %w", errors.Join(err, e.log.StepDown()))
		}
		// The former leader has appended in the meantime: try again.
	}
}

// takeOver leads the log, applies the remaining records, and proves by a write that it
// leads.
func (e *Engine) takeOver(ctx context.Context) error {
	if err := e.log.Lead(ctx); err != nil {
		return err
	}
	if err := e.reread(ctx); err != nil {
		return err
	}
	return e.probe(context.WithoutCancel(ctx)) // An append is never canceled.
}

// reread brings the state to the log's head, from the last snapshot where the state in
// memory cannot be continued.
func (e *Engine) reread(ctx context.Context) error {
	if e.failed == nil || !e.failed.stale {
		err := e.state.replay(ctx, e.log, journal.MaxSequence)
		if !errors.Is(err, journal.ErrCompacted) {
			return err
		}
	}
	s, _, err := load(ctx, e.log)
	if err != nil {
		return err
	}
	e.state = s
	if e.failed != nil {
		e.failed.stale = false
	}
	return nil
}

// follow applies the leader's records until ctx ends or the role changes.
func (e *Engine) follow(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	watched, stop := context.WithCancel(ctx)
	defer stop()
	moved, head := make(chan struct{}), e.log.Head()
	watching.Go(func() { watch(watched, e.log, head, moved) })

	retry := time.NewTimer(0)
	defer retry.Stop()
	for e.Role() == Follower {
		e.catchUp(ctx)
		retry.Reset(longestWait)
		if e.failed != nil {
			retry.Reset(e.wait())
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-retry.C:
		case c := <-e.controls:
			c.done <- c.do(ctx)
		case s := <-e.queue: // It was submitted before the role changed.
			s.refuse(ErrNotLeader)
		}
	}
}

// watch sends on moved whenever the log's head has moved.
func watch(ctx context.Context, log *journal.Log, head uint64, moved chan<- struct{}) {
	for {
		var err error
		if head, err = log.Wait(ctx, head); err != nil {
			return
		}
		select {
		case moved <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// catchUp applies the records up to the head. After a failure it does nothing before
// the retry.
func (e *Engine) catchUp(ctx context.Context) {
	if e.failed != nil && e.options.Clock().Before(e.failed.retry) {
		return
	}
	switch err := e.reread(ctx); {
	case err == nil:
		e.heal()
	case ctx.Err() == nil:
		e.fail(err, e.failed != nil && e.failed.stale)
	}
}
