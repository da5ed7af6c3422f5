package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// retryJournal is how long the engine waits after a failed append.
const retryJournal = time.Second

// failure says why the journal cannot append, and when the engine tries again.
type failure struct {
	cause error
	retry time.Time
	// stale says that the state may be ahead of the journal and must be loaded again
	// before anything is decided.
	stale bool
}

// append makes the batch durable. When the journal fails, it finds out whether the
// batch was written; nil means that it was.
func (e *Engine) append(ctx context.Context) error {
	if len(e.records) == 0 {
		return nil
	}
	cause := e.log.Append(ctx, e.records[0].Sequence-1, e.records)
	if cause == nil {
		return nil
	}
	if errors.Is(cause, journal.ErrFollower) {
		e.superseded(cause)
		return fmt.Errorf("%w: %w", ErrNotLeader, cause)
	}
	e.fail(cause, true)
	if err := e.reopen(ctx); err != nil {
		if nothingWritten(cause) {
			return fmt.Errorf("%w: %w", ErrNotDurable, cause)
		}
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.Join(cause, err))
	}
	switch there, err := e.landed(ctx, e.records[len(e.records)-1]); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.Join(cause, err))
	case there:
		e.heal() // It was written although Append returned an error.
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotDurable, cause)
}

// nothingWritten says whether an error of Append promises that nothing was written.
func nothingWritten(err error) bool {
	if !errors.Is(err, journal.ErrFailed) {
		return true // The store was not called.
	}
	promises := []error{journal.ErrStale, journal.ErrFull, journal.ErrInvalid, journal.ErrTooLarge}
	return slices.ContainsFunc(promises, func(promise error) bool { return errors.Is(err, promise) })
}

// landed says whether the journal holds this very record.
func (e *Engine) landed(ctx context.Context, want journal.Record) (bool, error) {
	records, err := e.log.Read(ctx, want.Sequence-1, 1)
	if err != nil || len(records) == 0 {
		return false, err
	}
	return records[0].Time == want.Time && bytes.Equal(records[0].Data, want.Data), nil
}

// ready returns nil when the engine may append. After a failure, it tries a write when
// the retry is due.
func (e *Engine) ready(ctx context.Context) error {
	switch {
	case e.Role() == Follower:
		return ErrNotLeader
	case e.failed == nil:
		return nil
	}
	if !e.options.Clock().Before(e.failed.retry) {
		err := e.reopen(ctx)
		if err == nil {
			err = e.probe(ctx)
		}
		if err == nil {
			e.heal()
			return nil
		}
		if errors.Is(err, journal.ErrFollower) {
			e.superseded(err)
			return ErrNotLeader
		}
		e.fail(err, e.failed.stale)
	}
	return fmt.Errorf("%w: %w", ErrNotDurable, e.failed.cause)
}

// fail sets the failure of the journal. It reports it once, not with each retry.
func (e *Engine) fail(cause error, stale bool) {
	if e.health.Load() == nil {
		e.options.Report(Report{What: JournalFailed, Sequence: e.state.sequence, Err: cause})
	}
	retry := e.options.Clock().Add(retryJournal)
	if e.failed != nil && e.failed.retry.After(retry) {
		retry = e.failed.retry
	}
	e.failed = &failure{cause, retry, stale}
	health := fmt.Errorf("%w: %w", ErrNotDurable, cause)
	e.health.Store(&health)
}

// heal ends a failure, and reports that if the failure was reported.
func (e *Engine) heal() {
	e.failed = nil
	if e.health.Swap(nil) != nil {
		e.options.Report(Report{What: JournalRecovered, Sequence: e.state.sequence})
	}
}

// reopen opens the journal again, and loads the state again where it is stale.
func (e *Engine) reopen(ctx context.Context) error {
	began := e.options.Clock()
	defer func() {
		// A large state takes time to load: with a disk that stays full, the engine must
		// not load without pause.
		now := e.options.Clock()
		e.failed.retry = now.Add(retryJournal + 2*now.Sub(began))
	}()
	if err := e.log.Reopen(ctx); err != nil {
		return err
	}
	return e.reread(ctx)
}

// probe appends a record that changes nothing. Only a write proves that the journal can
// append, and that write should not be a client's command.
func (e *Engine) probe(ctx context.Context) error {
	r := trade.Record{Sequence: e.state.sequence + 1, Time: e.now(e.source.now()), Command: trade.CommandInfo{Kind: trade.CommandAdvanceClock}}
	data, err := record.Encode(nil, &r)
	if err != nil {
		return err
	}
	if err := e.log.Append(ctx, e.state.sequence, []journal.Record{{Sequence: r.Sequence, Time: r.Time, Data: data}}); err != nil {
		return err
	}
	e.state.apply(&r)
	return nil
}
