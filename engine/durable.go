package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// retryJournal is how long after a failed append the journal is left alone.
const retryJournal = time.Second

// failure is why the journal takes nothing, and when it is tried again.
type failure struct {
	cause error
	retry time.Time
	// stale says that memory believes more than the journal may hold, and must be
	// read again before anything is decided.
	stale bool
}

// append makes the batch durable. When the journal fails, it finds out what
// became of the batch; nil means that it is there.
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
		e.heal() // The write had taken effect although it said otherwise.
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotDurable, cause)
}

// nothingWritten says whether an error of an append is one that promises so.
func nothingWritten(err error) bool {
	if !errors.Is(err, journal.ErrFailed) {
		return true // The store was not even asked.
	}
	for _, promise := range []error{journal.ErrStale, journal.ErrFull, journal.ErrInvalid, journal.ErrTooLarge} {
		if errors.Is(err, promise) {
			return true
		}
	}
	return false
}

// landed says whether the journal holds this very record.
func (e *Engine) landed(ctx context.Context, want journal.Record) (bool, error) {
	records, err := e.log.Read(ctx, want.Sequence-1, 1)
	if err != nil || len(records) == 0 {
		return false, err
	}
	return records[0].Time == want.Time && bytes.Equal(records[0].Data, want.Data), nil
}

// ready returns nil when the journal may be written to. Once the retry is due it
// finds out, and it believes only a write.
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

// fail notes that the journal failed. It is reported once, not with each retry.
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

// reopen looks at the journal again, and drops what memory believes if that is
// something else.
func (e *Engine) reopen(ctx context.Context) error {
	began := e.options.Clock()
	defer func() {
		// A large state takes time to read: a disk that stays full must not keep the
		// engine reading.
		now := e.options.Clock()
		e.failed.retry = now.Add(retryJournal + 2*now.Sub(began))
	}()
	if err := e.log.Reopen(ctx); err != nil {
		return err
	}
	return e.reread(ctx)
}

// probe writes a record that changes nothing: only a write shows that the journal
// takes writes, and no client's command should be the one to find out.
func (e *Engine) probe(ctx context.Context) error {
	r := trade.Record{Sequence: e.state.sequence + 1, Time: e.now(), Command: trade.CommandInfo{Kind: trade.CommandAdvanceClock}}
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
