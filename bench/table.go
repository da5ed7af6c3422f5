package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Row is a piece of work for a server and its feeds: a row of the published table.
type Row struct {
	// Name is what it is called there.
	Name string
	// Work is what it does: "push", "idle", "freeze", "freeze-memory" or "storm".
	Work string
	// Config is its load.
	Config PushConfig
	// Frozen and Span are for freeze and freeze-memory, Rounds is for the latter;
	// Missed is for storm.
	Frozen Frozen
	Span   time.Duration
	Rounds int
	Missed int
}

// Kinds of work; see [Push], [Idle], [Freeze], [FreezeMemory] and [Storm].
const (
	WorkPush         = "push"
	WorkIdle         = "idle"
	WorkFreeze       = "freeze"
	WorkFreezeMemory = "freeze-memory"
	WorkStorm        = "storm"
)

// Names of rows that the summary takes its figures from.
const (
	rowLimit  = "limit"
	rowSteady = "steady"
	rowIdle   = "idle"
)

// Rows returns the published table, one row for each kind of load. load says for how
// long, with what payload, and, where they are not 0, for how many streams.
func Rows(load PushConfig) []Row {
	const many, most, steady, low, backlog = 5_000, 10_000, 200, 34, 16
	row := func(name, work string, streams int, rate, burst int) Row {
		c := load
		c.Rate, c.Burst = rate, burst
		if c.Streams == 0 {
			c.Streams = streams
		}
		return Row{Name: name, Work: work, Config: c, Frozen: FrozenWindow}
	}
	return []Row{
		row(rowLimit, WorkPush, 0, 0, 1),
		row(rowSteady, WorkPush, 0, steady, 1),
		row("low", WorkPush, 0, low, 1),
		row("backlog", WorkPush, 0, 0, backlog),
		row("freeze", WorkFreeze, 0, low, 1),
		row("storm", WorkStorm, many, 0, 0),
		row(rowIdle, WorkIdle, most, 0, 0),
	}
}

// Users is how many users the row's streams need.
func (r Row) Users() int {
	c, _ := r.Config.withDefaults() // The users are still missing, and more may be wrong; running says so.
	return max((c.Streams+StreamsPerUser-1)/StreamsPerUser, 1)
}

// Run does the work. restart is [Idle]'s and [FreezeMemory]'s and may be nil.
func (r Row) Run(ctx context.Context, restart func(context.Context) (int, error)) (PushResult, error) {
	var result PushResult
	var err error
	switch r.Work {
	case WorkPush:
		result, err = Push(ctx, r.Config)
	case WorkIdle:
		result, err = Idle(ctx, r.Config, restart)
	case WorkFreeze:
		result, err = Freeze(ctx, r.Config, r.Frozen, r.Span)
	case WorkFreezeMemory:
		result, err = FreezeMemory(ctx, r.Config, r.Frozen, r.Rounds, r.Span, restart)
	case WorkStorm:
		result, err = Storm(ctx, r.Config, r.Missed)
	default:
		err = fmt.Errorf("%w: no work is called %q", ErrConfig, r.Work)
	}
	result.Row = r.Name
	return result, err
}

// Median returns the middle one of several results of the same row, by what the row
// is about: server CPU, time, or memory. One that shows a defect comes before all.
// There must be at least one.
func Median(results []PushResult) PushResult {
	for _, r := range results {
		if !r.Good() {
			return r
		}
	}
	sorted := slices.SortedFunc(slices.Values(results), func(a, b PushResult) int { return cmp.Compare(a.judged(), b.judged()) })
	return sorted[len(sorted)/2]
}

// judged is what repetitions are compared by.
func (r *PushResult) judged() float64 {
	switch {
	case r.IdleBytes != nil:
		return float64(*r.IdleBytes)
	case r.Storm != nil:
		return r.Storm.CaughtUp
	case r.FrozenMemory != nil:
		return float64(r.FrozenMemory.Cost)
	case r.Offered > 0:
		return r.P99
	case r.ServerCPU != nil:
		return *r.ServerCPU
	}
	return -r.DeliveriesPerSecond
}

// Summary joins the rows of one server: the limit's throughput and CPU, the steady
// load's latencies, the memory of idle connections, and what any row lost.
func Summary(server string, results []PushResult) PushResult {
	var lost, duplicated uint64
	s := PushResult{Work: "table", Server: server, Load: loadAverage(), Lost: &lost, Duplicated: &duplicated}
	for i := range results {
		r := &results[i]
		switch r.Row {
		case rowLimit:
			s.Streams, s.Connections, s.Payload, s.Seconds = r.Streams, r.Connections, r.Payload, r.Seconds
			s.Deliveries, s.DeliveriesPerSecond, s.ServerCPU, s.OwnCPU = r.Deliveries, r.DeliveriesPerSecond, r.ServerCPU, r.OwnCPU
		case rowSteady:
			s.P50, s.P99, s.P999, s.Most, s.LateP99 = r.P50, r.P99, r.P999, r.Most, r.LateP99
		case rowIdle:
			s.IdleBytes = r.IdleBytes
		}
		if r.Storm != nil {
			s.Storm = r.Storm
		}
		if r.Frozen != nil {
			s.Frozen = r.Frozen
		}
		if r.Lost != nil && r.Duplicated != nil {
			lost += *r.Lost
			duplicated += *r.Duplicated
		}
		s.Failed, s.Ended = s.Failed+r.Failed, s.Ended+r.Ended
		s.Disordered, s.Broken, s.Resets = s.Disordered+r.Disordered, s.Broken+r.Broken, s.Resets+r.Resets
	}
	return s
}
