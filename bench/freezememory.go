package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// What one client that stops reading costs the server in resident memory. That is
// little beside what comes and goes there all the time, so it is not one difference
// between two moments:
//
//   - it is done several times, with another client each, and the middle one counts;
//   - after each a span of the same length passes in which everybody reads, at the same
//     load and with the same questions asked: the control. By as much as memory grows
//     then, it grows for other reasons (each command's name is remembered, for one), and
//     by as much as the controls differ from each other nothing can be said;
//   - a server grows less and less, so a client is compared with the mean of the controls
//     before and after it; the first client is there for the one before the second;
//   - a level is the least that was seen in a while: garbage only adds;
//   - the server collects at a twentieth of what lives instead of at twice as much.

// FrozenMemory is what clients that stopped reading one after the other cost the
// server in resident memory.
type FrozenMemory struct {
	How    Frozen        `json:"how"`
	Rounds []MemoryRound `json:"rounds"`
	// Cost is the median of the rounds' costs: what one client that does not read costs.
	// Frozen and Control are those of their growths.
	Frozen  int64 `json:"frozen_growth_bytes"`
	Control int64 `json:"control_growth_bytes"`
	Cost    int64 `json:"cost_bytes"`
}

// MemoryRound is one client's.
type MemoryRound struct {
	// Reason, EndedAfter and Blocked are as in [FrozenResult].
	Reason     string  `json:"reason"`
	EndedAfter float64 `json:"ended_after_seconds"`
	Blocked    float64 `json:"send_blocked_seconds"`
	// Frozen is by how many bytes resident memory grew from when the client stopped
	// reading to the end of its stream, Control the mean by how many it grew in as long
	// a time without such a client, before and after; Cost is the difference.
	Frozen  int64 `json:"frozen_growth_bytes"`
	Control int64 `json:"control_growth_bytes"`
	Cost    int64 `json:"cost_bytes"`
}

const (
	// MaxRounds bounds the rounds of [FreezeMemory].
	MaxRounds = StreamsPerUser / 2
	// rehearsals are the clients that freeze before the first one that counts.
	rehearsals = 1
	// settling is the part of a frozen span that passes between its end and the
	// control, for what was held to be freed.
	settling = 2
	// level is the part of a span whose least memory is taken at both of its ends.
	level = 4
)

// errNotEnded says that a server serves clients that do not read for ever: what they
// cost has no end either.
var errNotEnded = errors.New("bench: the stream of a client that does not read was not ended")

// LittleGarbage is the environment of a server for [FreezeMemory], unless this
// process's own has GOGC.
func LittleGarbage() []string {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return []string{"GOGC=5"}
}

// FreezeMemory attaches clients and announces events to them; after Warmup and Duration
// one of them stops reading until its stream is ended and comes back; after a while and
// a control as long the next one does, and so on: 1 to [MaxRounds] rounds. A stream that
// is not ended within span, a minute if 0, is an error.
//
// restart is as for [Idle]; it should give the server [LittleGarbage].
func FreezeMemory(ctx context.Context, config PushConfig, how Frozen, rounds int, span time.Duration, restart func(context.Context) (pid int, err error)) (PushResult, error) {
	if config.ServerPID == 0 || rounds < 1 || rounds > MaxRounds {
		return PushResult{}, fmt.Errorf("%w: memory needs the server's process and 1 to %d rounds", ErrConfig, MaxRounds)
	}
	r, err := newFreezeRun(ctx, config, how, rounds+rehearsals, span, restart)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close(ctx)
	m := &memoryRun{freezeRun: r}
	meter := newMeter(r.config.ServerPID)
	p, memory, err := m.load(ctx, meter)
	if err != nil {
		return PushResult{}, err
	}
	result := r.result(WorkFreezeMemory, p, meter)
	result.FrozenMemory = m.judge(how, memory)
	return result, nil
}

// memoryRun is a run in which one client after the other freezes. Its rounds belong to
// the goroutine that reads for all clients.
type memoryRun struct {
	freezeRun

	rounds []memorySpans // One for each victim whose stream has ended.
	next   time.Time     // When the next one freezes, or all is over.
}

// memorySpans are when a client was frozen and when its control was, and how long both
// lasted.
type memorySpans struct {
	frozen, control time.Time
	length          time.Duration
}

// load runs the events and the rounds until everybody has everything.
func (m *memoryRun) load(ctx context.Context, meter *meter) (p *publisher, memory []memorySample, err error) {
	const spansOfARound = 3 // Frozen, settling and control.
	extra := time.Duration(len(m.victims)*spansOfARound) * m.span
	memory, err = m.watched(ctx, func() (err error) {
		if p, err = m.pushRun.load(ctx, meter, extra, func() (bool, error) { return m.step(ctx) }); err != nil {
			return err
		}
		return m.untilWhole(ctx, p, m.victims...)
	})
	return p, memory, err
}

// step freezes and thaws when it is time to.
func (m *memoryRun) step(ctx context.Context) (over bool, err error) {
	now := time.Now()
	if m.clients.now() < m.tally.end || now.Before(m.next) {
		return false, nil
	}
	if len(m.rounds) == len(m.victims) {
		return true, nil
	}
	v := m.victims[len(m.rounds)]
	switch {
	case !closed(v.frozen):
		return false, v.freeze()
	case !closed(v.ended) && now.Sub(v.at) > m.span:
		return false, fmt.Errorf("%w within %s", errNotEnded, m.span)
	case !closed(v.ended):
		return false, nil
	}
	spans := memorySpans{frozen: v.at, length: time.Duration(v.result.EndedAfter * float64(time.Second))}
	spans.control = now.Add(spans.length / settling)
	m.next = spans.control.Add(spans.length)
	m.rounds = append(m.rounds, spans)
	return false, v.attachAgain(ctx)
}

// judge sums the rounds up.
func (m *memoryRun) judge(how Frozen, memory []memorySample) *FrozenMemory {
	result := &FrozenMemory{How: how}
	before := int64(0)
	for i, s := range m.rounds {
		f := &m.victims[i].result
		after := growth(memory, s.control, s.length)
		if i >= rehearsals {
			r := MemoryRound{
				Reason: f.Reason, EndedAfter: f.EndedAfter, Blocked: f.Blocked,
				Frozen: growth(memory, s.frozen, s.length), Control: (before + after) / 2,
			}
			r.Cost = r.Frozen - r.Control
			result.Rounds = append(result.Rounds, r)
		}
		before = after
	}
	result.sum()
	return result
}

// sum takes the middle of the rounds, of which there must be one.
func (f *FrozenMemory) sum() {
	f.Frozen, _, _ = f.spread(func(r MemoryRound) int64 { return r.Frozen })
	f.Control, _, _ = f.spread(func(r MemoryRound) int64 { return r.Control })
	f.Cost, _, _ = f.spread(func(r MemoryRound) int64 { return r.Cost })
}

// spread returns the middle, the least and the most of the rounds.
func (f *FrozenMemory) spread(of func(MemoryRound) int64) (middle, least, most int64) {
	sorted := slices.SortedFunc(slices.Values(f.Rounds), func(a, b MemoryRound) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2]), of(sorted[0]), of(sorted[len(sorted)-1])
}

// growth returns by how much memory is higher in the last part of a span than in the
// time before it.
func growth(memory []memorySample, from time.Time, length time.Duration) int64 {
	end := from.Add(length)
	return least(memory, end.Add(-length/level), end) - least(memory, from.Add(-length/level), from)
}

// least returns the lowest sample between two times, or the first one after them.
func least(memory []memorySample, from, to time.Time) int64 {
	lowest := int64(0)
	for _, s := range memory {
		if s.at.Before(from) {
			continue
		}
		if s.at.After(to) && lowest > 0 {
			break
		}
		if lowest == 0 || s.bytes < lowest {
			lowest = s.bytes
		}
	}
	return lowest
}
