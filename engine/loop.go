package engine

import (
	"context"
	"fmt"
	"time"

	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// Bounds of the engine's queue and of one batch. A batch is closed when it has passed
// either bound, so it never exceeds maxBatchBytes by more than one record, which the
// journal accepts.
const (
	maxQueue        = 4096
	maxBatchRecords = 4096
	maxBatchBytes   = 2 << 20
)

// longestWait bounds how long a follower sleeps.
const longestWait = time.Hour

// submission is the commands of one call of SubmitAll.
type submission struct {
	commands []trade.Command
	results  []Result
	done     chan struct{}
}

func (s *submission) refuse(err error) {
	s.results = all(s.commands, err)
	close(s.done)
}

// pending is a command that is decided and not yet durable.
type pending struct {
	submission *submission
	index      int
}

// loop leads or follows until ctx ends.
func (e *Engine) loop(ctx context.Context) {
	for ctx.Err() == nil {
		if e.Role() == Leader {
			e.lead(ctx)
		} else {
			e.follow(ctx)
		}
	}
}

// lead decides, in this goroutine alone, until ctx ends or the role changes.
// The commands that wait while a batch is synced are the next batch, so batches grow
// with the load and a single command does not wait.
func (e *Engine) lead(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	// A stop must not cancel an append.
	whole := context.WithoutCancel(ctx)
	var group []*submission
	for e.Role() == Leader {
		timer.Reset(e.wait())
		select {
		case <-ctx.Done():
			return
		case s := <-e.queue:
			group = e.gather(append(group[:0], s))
			e.commit(whole, group)
			clear(group)
		case <-timer.C:
			e.tick(whole)
		case c := <-e.controls:
			c.done <- c.do(whole)
			continue
		}
		e.snapshots.offer(e.state.sequence)
	}
}

// wait returns the time until the next deadline or retry.
func (e *Engine) wait() time.Duration {
	if e.failed != nil {
		return max(0, e.failed.retry.Sub(e.options.Clock()))
	}
	if at, ok := e.state.deadline(); ok {
		return min(lookEvery, max(0, time.Duration(at-e.source.now())))
	}
	return lookEvery
}

// gather takes the submissions that wait, up to the bound of a batch.
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

// commit decides a group, makes it durable, and only then answers.
func (e *Engine) commit(ctx context.Context, group []*submission) {
	for _, s := range group {
		for i := range s.commands {
			e.decide(ctx, s, i)
		}
	}
	e.flush(ctx)
}

// tick decides the venue's own commands that are due.
func (e *Engine) tick(ctx context.Context) {
	if e.ready(ctx) != nil {
		return // The retry is set, and Health says why.
	}
	wall := e.source.now()
	if at, due := e.state.deadline(); due && at <= wall {
		_ = e.decideDue(ctx) // Nobody waits for the answer.
		e.flush(ctx)
	}
}

// decide decides one command. flush returns the result, when it is durable.
func (e *Engine) decide(ctx context.Context, s *submission, index int) {
	result := &s.results[index]
	err, wall := e.ready(ctx), e.source.now()
	if err == nil && e.state.dueCommand(wall) != nil {
		err = e.decideDue(ctx)
		wall = e.source.now()
	}
	if err == nil {
		result.Answer, err = e.one(s.commands[index], wall)
	}
	result.Err = err
	e.pending = append(e.pending, pending{s, index})
	if e.full() {
		e.flush(ctx)
	}
}

// decideDue decides the venue's own commands that are due. Each is bounded, so it may
// take several records.
func (e *Engine) decideDue(ctx context.Context) error {
	for e.failed == nil {
		wall := e.source.now()
		command := e.state.dueCommand(wall)
		if command == nil {
			return nil
		}
		if _, err := e.one(command, wall); err != nil {
			return err
		}
		if e.full() {
			e.flush(ctx)
		}
	}
	return e.ready(ctx)
}

func (e *Engine) full() bool { return e.size >= maxBatchBytes || len(e.records) >= maxBatchRecords }

// flush makes the batch durable and returns its results.
func (e *Engine) flush(ctx context.Context) {
	err := e.append(ctx)
	for _, p := range e.pending {
		if err != nil {
			p.submission.results[p.index] = Result{Err: err}
		}
		if p.index == len(p.submission.commands)-1 {
			close(p.submission.done)
		}
	}
	clear(e.pending)
	e.pending, e.records, e.size = e.pending[:0], e.records[:0], 0
}

// now is the time of the next record at a time of the source. It never goes back: after a
// step back it stands, but for a nanosecond, until time has passed it. Nothing is decided
// by it.
func (e *Engine) now(wall int64) int64 { return max(e.state.time+1, wall) }

// one decides and applies a command, or finds the answer of a request that came before.
func (e *Engine) one(command trade.Command, wall int64) (trade.Answer, error) {
	from, content, now := command.From(), fingerprint(command), e.now(wall)
	e.draft.begin(e.state, now, wall)
	if from.Request != "" {
		if err := from.Request.Validate(); err != nil {
			return trade.Answer{}, trade.Refuse(trade.ReasonBadName, ruleOf(command).request, err.Error())
		}
		if kept := e.state.requests.find(from); kept != nil && e.draft.mayRecall(from) {
			if kept.Fingerprint != content {
				return trade.Answer{}, trade.Refuse(trade.ReasonRequestReused, ruleOf(command).request, "")
			}
			return kept.Answer, nil
		}
	} else if from.User != "" {
		return trade.Answer{}, trade.Refuse(trade.ReasonBadName, ruleOf(command).request, "name the request")
	}
	tooFast := e.withinRate(command)
	if tooFast != nil && !ruleOf(command).cancels {
		return trade.Answer{}, tooFast
	}
	answer, err := e.draft.decide(command)
	if tooFast != nil && (err != nil || len(e.draft.events) == 0) {
		return trade.Answer{}, tooFast // It would have ended no order.
	}
	if err != nil {
		return trade.Answer{}, err
	}
	if len(e.draft.events) == 0 && from.Request == "" {
		return trade.Answer{Sequence: e.state.sequence}, nil
	}
	return e.write(command, content, now, answer)
}

// write adds the record of the decision to the batch and applies it.
func (e *Engine) write(command trade.Command, content uint64, now int64, answer trade.Answer) (trade.Answer, error) {
	answer.Sequence = e.state.sequence + 1
	e.record = trade.Record{
		Sequence: answer.Sequence,
		Time:     now,
		Command:  trade.CommandInfo{Kind: trade.KindOf(command), Actor: *command.From(), Fingerprint: content, Answer: answer},
		Events:   e.draft.events,
	}
	data, err := record.Encode(e.scratch[:0], &e.record)
	if err != nil {
		return trade.Answer{}, fmt.Errorf("engine: encode the record of %v: %w", trade.KindOf(command), err)
	}
	e.scratch = data
	if len(data) > longestScratch {
		e.scratch = nil
	}
	if len(data) > e.options.MaxRecord {
		return trade.Answer{}, trade.Refuse(trade.ReasonTooLarge, "",
			fmt.Sprintf("%d events in %d bytes, at most %d", len(e.draft.events), len(data), e.options.MaxRecord))
	}
	e.records = append(e.records, journal.Record{Sequence: answer.Sequence, Time: now, Data: e.arena.keep(data)})
	e.size += len(data)
	e.state.apply(&e.record)
	return answer, nil
}

// arena allocates the records' bytes, which the log keeps and shares, in larger pieces.
type arena struct{ free []byte }

const (
	arenaPiece     = 64 << 10
	longestScratch = 1 << 20
)

func (a *arena) keep(data []byte) []byte {
	if len(data) > arenaPiece/4 {
		return append([]byte(nil), data...)
	}
	if len(data) > len(a.free) {
		a.free = make([]byte, arenaPiece)
	}
	n := copy(a.free, data)
	kept := a.free[:n:n]
	a.free = a.free[n:]
	return kept
}
