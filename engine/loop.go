package engine

import (
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
	// stale says that the state must be read again before anything is decided.
	stale bool
}

// loop is the one goroutine that decides. Whatever waits while a batch is being
// synced makes up the next batch, so that batches grow with the load and a lone
// command waits for nobody.
func (e *Engine) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var group []*submission
	for {
		e.arm(timer)
		group = group[:0]
		select {
		case <-ctx.Done():
			return
		case s := <-e.queue:
			group = e.gather(append(group, s))
		case <-timer.C:
		}
		e.commit(ctx, group)
	}
}

// arm sets the timer to the next deadline.
func (e *Engine) arm(timer *time.Timer) {
	wait := time.Hour
	if at, ok := e.state.deadline(); ok {
		wait = max(0, time.Unix(0, at).Sub(e.options.Clock()))
	}
	if e.failed != nil {
		wait = max(wait, e.failed.retry.Sub(e.options.Clock()))
	}
	timer.Reset(wait)
}

// gather takes what else waits, up to the bounds of a batch.
func (e *Engine) gather(group []*submission) []*submission {
	commands := len(group[0].commands)
	for commands < maxBatchRecords {
		select {
		case s := <-e.queue:
			group = append(group, s)
			commands += len(s.commands)
		default:
			return group
		}
	}
	return group
}

// commit decides a group, makes it durable, and only then answers. Large groups
// are cut between submissions, so that each part is answered for itself.
func (e *Engine) commit(ctx context.Context, group []*submission) {
	// A stop must not tear an append that is under way.
	ctx = context.WithoutCancel(ctx)
	if len(group) == 0 {
		e.batch(ctx, nil)
	}
	for len(group) > 0 {
		group = group[e.batch(ctx, group):]
	}
	e.snapshots.offer(e.state.sequence)
}

// batch decides submissions until they make up a batch, appends it and answers
// them. It returns how many that were. Without submissions it is the clock's turn.
func (e *Engine) batch(ctx context.Context, group []*submission) (taken int) {
	if err := e.ready(ctx); err != nil {
		answerAll(group, err)
		return len(group)
	}
	e.records = nil // The log keeps the records; a new batch needs new memory.
	previous, size := e.state.sequence, 0
	if len(group) == 0 {
		_, _ = e.one(&trade.AdvanceClock{}, &size) // Nobody waits for the clock's answer.
	}
	for taken < len(group) && size < maxBatchBytes {
		s := group[taken]
		for i, command := range s.commands {
			s.results[i].Answer, s.results[i].Err = e.one(command, &size)
		}
		taken++
	}
	if err := e.append(ctx, previous); err != nil {
		answerAll(group[:taken], err)
		return taken
	}
	for _, s := range group[:taken] {
		close(s.done)
	}
	return taken
}

// one decides and applies a command. The result is not to be told before the
// batch is durable.
func (e *Engine) one(command trade.Command, size *int) (trade.Answer, error) {
	now := max(e.state.time+1, e.options.Clock().UnixNano())
	if at, due := e.state.deadline(); due && at <= now && command.Kind() != trade.CommandAdvanceClock {
		if _, err := e.one(&trade.AdvanceClock{}, size); err != nil {
			return trade.Answer{}, err
		}
		now++
	}
	from := command.From()
	content := fingerprint(command)
	if from.Request != "" {
		if err := from.Request.Validate(); err != nil {
			return trade.Answer{}, trade.Refuse(trade.ReasonBadName, "request_id", err.Error())
		}
		if kept := e.state.requests.find(from); kept != nil {
			if kept.Fingerprint != content {
				return trade.Answer{}, trade.Refuse(trade.ReasonRequestReused, "request_id", "")
			}
			return kept.Answer, nil
		}
	} else if from.User != "" {
		return trade.Answer{}, trade.Refuse(trade.ReasonBadName, "request_id", "name the request")
	}
	if a := e.state.accounts[from.Account]; a != nil && limited(command) && !e.rates.take(from.Account, a.limits.MaxMessagesPerSecond, now) {
		return trade.Answer{}, trade.Refuse(trade.ReasonRateLimit, "", fmt.Sprintf("at most %d a second", a.limits.MaxMessagesPerSecond))
	}
	e.draft.begin(e.state, now)
	answer, err := e.draft.decide(command)
	if err != nil {
		return trade.Answer{}, err
	}
	if len(e.draft.events) == 0 && from.Request == "" {
		return trade.Answer{Sequence: e.state.sequence}, nil
	}
	return e.write(command, content, now, answer, size)
}

// write makes the record of what was decided and applies it.
func (e *Engine) write(command trade.Command, content uint64, now int64, answer trade.Answer, size *int) (trade.Answer, error) {
	answer.Sequence = e.state.sequence + 1
	r := trade.Record{
		Sequence: answer.Sequence,
		Time:     now,
		Command:  trade.CommandInfo{Kind: command.Kind(), Actor: *command.From(), Fingerprint: content, Answer: answer},
		Events:   e.draft.events,
	}
	data, err := record.Encode(nil, &r)
	if err == nil && len(data) > journal.MaxRecordSize {
		err = journal.ErrTooLarge
	}
	if err != nil {
		return trade.Answer{}, fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	e.records = append(e.records, journal.Record{Sequence: r.Sequence, Time: r.Time, Data: data})
	*size += len(data)
	e.state.apply(&r)
	return answer, nil
}

// append makes the batch durable. When the journal fails, it finds out what
// became of the batch; nil means that it is there.
func (e *Engine) append(ctx context.Context, previous uint64) error {
	if len(e.records) == 0 {
		return nil
	}
	cause := e.log.Append(ctx, previous, e.records)
	if cause == nil {
		return nil
	}
	last := e.records[len(e.records)-1].Sequence
	e.fail(cause)
	if err := e.recover(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	if e.state.sequence == last && !errors.Is(cause, journal.ErrStale) {
		return nil // The write had taken effect although it said otherwise.
	}
	return fmt.Errorf("%w: %w", ErrNotDurable, cause)
}

func answerAll(group []*submission, err error) {
	for _, s := range group {
		s.results = all(s.commands, err)
		close(s.done)
	}
}

// ready returns nil when the journal may be written to.
func (e *Engine) ready(ctx context.Context) error {
	if e.failed == nil {
		return nil
	}
	if e.options.Clock().Before(e.failed.retry) {
		return fmt.Errorf("%w: %w", ErrNotDurable, e.failed.cause)
	}
	if e.failed.stale {
		if err := e.recover(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrNotDurable, err)
		}
	}
	e.failed = nil
	e.health.Store(nil)
	e.options.Report(Report{What: JournalRecovered, Sequence: e.state.sequence})
	return nil
}

// fail notes that the journal took nothing.
func (e *Engine) fail(cause error) {
	e.failed = &failure{cause: cause, retry: e.options.Clock().Add(retryJournal), stale: true}
	health := fmt.Errorf("%w: %w", ErrNotDurable, cause)
	e.health.Store(&health)
	e.options.Report(Report{What: JournalFailed, Sequence: e.state.sequence, Err: cause})
}

// recover drops what memory believes and reads from the journal what happened.
func (e *Engine) recover(ctx context.Context) error {
	began := e.options.Clock()
	defer func() {
		// A large state takes time to read: a disk that stays full must not keep the
		// engine reading.
		e.failed.retry = e.options.Clock().Add(retryJournal + 2*e.options.Clock().Sub(began))
	}()
	if err := e.log.Reopen(ctx); err != nil {
		return err
	}
	s, _, err := load(ctx, e.log, journal.MaxSequence)
	if err != nil {
		return err
	}
	e.state, e.failed.stale = s, false
	return nil
}
