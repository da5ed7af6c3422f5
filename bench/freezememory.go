package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// What one client that stops reading costs the server in resident memory is small compared
// with what is allocated and freed all the time. One difference of two samples is no measure:
//
//   - several clients freeze one after the other, and the median counts;
//   - after each one a time of the same length passes in which everybody reads, at the same
//     load and with the same questions to the server: the control. Memory grows then for
//     other reasons (the name of each command is remembered, for one). The differences
//     between controls are the method's error;
//   - a server grows less and less, so a client is compared with the mean of the controls
//     before and after it; the first client only provides the control before the second;
//   - a level is the least that was seen in a while: garbage only adds;
//   - the server collects garbage when its heap has grown by 5 %, not only by 200 %.

// FrozenMemory is what clients that stopped reading one after the other cost the
// server in resident memory.
type FrozenMemory struct {
	How    Frozen        `json:"how"`
	Rounds []MemoryRound `json:"rounds"`
	// Growth has the medians of the rounds.
	Growth
}

// MemoryRound is one client's.
type MemoryRound struct {
	Ending
	Growth
}

// Growth is by how many bytes resident memory grew.
type Growth struct {
	// Frozen is the growth from when the client stopped reading to the end of its stream,
	// Control the mean of those in as long a time without such a client, before and
	// after; Cost is the difference: what one client that does not read costs.
	Frozen  int64 `json:"frozen_growth_bytes"`
	Control int64 `json:"control_growth_bytes"`
	Cost    int64 `json:"cost_bytes"`
}

// growthFigure is a figure of a round and its name for people.
type growthFigure struct {
	name string
	of   func(*Growth) *int64
}

func growthFigures() []growthFigure {
	return []growthFigure{
		{"memory growth", func(g *Growth) *int64 { return &g.Frozen }},
		{"control's growth", func(g *Growth) *int64 { return &g.Control }},
		{"cost of a client", func(g *Growth) *int64 { return &g.Cost }},
	}
}

const (
	// rehearsals are the clients that freeze before the first one that counts.
	rehearsals = 1
	// settling is the part of a frozen span that passes between its end and the
	// control, so that what was held can be freed.
	settling = 2
	// level is the part of a span whose least memory is taken at both of its ends.
	level = 4
)

// errNotEnded says that a server does not end the streams of clients that do not read.
// What they cost is not bounded then.
var errNotEnded = errors.New("bench: the stream of a client that does not read was not ended")

// littleGarbage is the environment of a server whose memory is measured, unless this
// process's own has GOGC.
func littleGarbage() []string {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return []string{"GOGC=5"}
}

// freezeMemory is [WorkFreezeMemory].
func (r *pushRun) freezeMemory(ctx context.Context) (Result, error) {
	f := &freezing{pushRun: r}
	defer f.dismiss(ctx)
	if err := f.attach(ctx, rehearsals+r.config.Rounds); err != nil {
		return Result{}, err
	}
	const spansOfARound = 3 // Frozen, settling and control.
	extra := time.Duration(len(f.victims)*spansOfARound) * r.config.Span
	if err := f.load(ctx, extra, func() (bool, error) { return f.step(ctx) }); err != nil {
		return Result{}, err
	}
	if err := f.untilWhole(ctx); err != nil {
		return Result{}, err
	}
	result := r.result()
	result.FrozenMemory = f.judge()
	return result, nil
}

// memorySpans are when a client was frozen and when its control began, and how long each
// lasted.
type memorySpans struct {
	frozen, control time.Time
	length          time.Duration
}

// step freezes the next client, or attaches it again, when it is time to.
func (f *freezing) step(ctx context.Context) (over bool, err error) {
	now := time.Now()
	if f.clients.now() < f.tally.end || now.Before(f.next) {
		return false, nil
	}
	if len(f.rounds) == len(f.victims) {
		return true, nil
	}
	v := f.victims[len(f.rounds)]
	switch {
	case !closed(v.frozen):
		return false, v.freeze()
	case !closed(v.ended) && now.Sub(v.at) > f.config.Span:
		return false, fmt.Errorf("%w within %s", errNotEnded, f.config.Span)
	case !closed(v.ended):
		return false, nil
	}
	spans := memorySpans{frozen: v.at, length: time.Duration(v.ending.EndedAfter * float64(time.Second))}
	spans.control = now.Add(spans.length / settling)
	f.next = spans.control.Add(spans.length)
	f.rounds = append(f.rounds, spans)
	return false, v.attachAgain(ctx)
}

// judge sums the rounds up.
func (f *freezing) judge() *FrozenMemory {
	result := &FrozenMemory{How: f.config.Frozen}
	before := int64(0)
	for i, s := range f.rounds {
		after := growth(f.memory, s.control, s.length)
		if i >= rehearsals {
			g := Growth{Frozen: growth(f.memory, s.frozen, s.length), Control: (before + after) / 2}
			g.Cost = g.Frozen - g.Control
			result.Rounds = append(result.Rounds, MemoryRound{f.victims[i].ending, g})
		}
		before = after
	}
	result.sum()
	return result
}

// sum enters the medians of the rounds, of which there must be at least one.
func (f *FrozenMemory) sum() {
	for _, g := range growthFigures() {
		_, *g.of(&f.Growth), _ = f.spread(g.of)
	}
}

// spread returns the least, the median and the most of the rounds.
func (f *FrozenMemory) spread(of func(*Growth) *int64) (least, median, most int64) {
	var all []int64
	for i := range f.Rounds {
		all = append(all, *of(&f.Rounds[i].Growth))
	}
	slices.Sort(all)
	return all[0], all[len(all)/2], all[len(all)-1]
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
