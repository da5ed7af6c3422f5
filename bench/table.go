package bench

import (
	"cmp"
	"slices"
)

// Names of rows that the summary takes its figures from.
const (
	rowLimit  = "limit"
	rowSteady = "steady"
	rowIdle   = "idle"
)

// Rows returns the published table, one row for each kind of load. load says for how
// long, with what payload, how clients freeze, and, where they are not 0, for how many
// streams.
func Rows(load PushConfig) []PushConfig {
	const many, most, steady, low, backlog = 5_000, 10_000, 200, 34, 16
	row := func(name, work string, streams int, rate, burst int) PushConfig {
		c := load
		c.Row, c.Work, c.Rate, c.Burst, c.Streams = name, work, rate, burst, cmp.Or(c.Streams, streams)
		return c
	}
	return []PushConfig{
		row(rowLimit, WorkPush, 0, 0, 1),
		row(rowSteady, WorkPush, 0, steady, 1),
		row("low", WorkPush, 0, low, 1),
		row("backlog", WorkPush, 0, 0, backlog),
		row("freeze", WorkFreeze, 0, low, 1),
		row("storm", WorkStorm, many, 0, 0),
		row(rowIdle, WorkIdle, most, 0, 0),
	}
}

// Median returns the median of several results of the same row, by what the row measures:
// server CPU, time, or memory. If one shows a defect, that is returned. There must be at
// least one.
func Median(results []Result) Result {
	for _, r := range results {
		if !r.Good() {
			return r
		}
	}
	sorted := slices.SortedFunc(slices.Values(results), func(a, b Result) int { return cmp.Compare(a.judged(), b.judged()) })
	return sorted[len(sorted)/2]
}

// judged is what repetitions are compared by.
func (r *Result) judged() float64 {
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

// Summary joins the rows of the venue: the limit's throughput and CPU, the steady
// load's latencies, the memory of idle connections, and what any row lost.
func Summary(results []Result) Result {
	var lost, duplicated uint64
	s := Result{Work: "table", Server: todoku, Load: loadAverage(), Lost: &lost, Duplicated: &duplicated}
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
