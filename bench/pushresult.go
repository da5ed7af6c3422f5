package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// PushResult is what a benchmark of feeds measured. Fields that do not apply are
// absent from its JSON.
type PushResult struct {
	// Work names the benchmark: "push", "idle", "freeze", "freeze-memory", "storm" or
	// "table".
	Work string `json:"work"`
	// Row names the row of the published table. Server is what was measured, as
	// the caller calls it.
	Row         string `json:"row,omitempty"`
	Server      string `json:"server,omitempty"`
	Streams     int    `json:"streams"`
	Connections int    `json:"connections"`
	Burst       int    `json:"burst,omitempty"`
	InFlight    int    `json:"in_flight,omitempty"`
	Payload     int    `json:"payload_bytes,omitempty"`
	// Offered is how many events a second were asked for; absent for a closed loop.
	Offered int     `json:"offered_events_per_second,omitempty"`
	Seconds float64 `json:"seconds"`
	// Load is the machine's load average of the last minute, the run included.
	Load string `json:"load_average,omitempty"`

	// Events were submitted, Deliveries arrived within the measured time.
	Events              uint64  `json:"events,omitempty"`
	Deliveries          uint64  `json:"deliveries,omitempty"`
	DeliveriesPerSecond float64 `json:"deliveries_per_second,omitempty"`
	// PerResponse is how many events a response carried.
	PerResponse float64 `json:"deliveries_per_response,omitempty"`

	// Latencies, from when an event was due to its arrival at each client.
	P50  float64 `json:"p50_ms,omitempty"`
	P99  float64 `json:"p99_ms,omitempty"`
	P999 float64 `json:"p999_ms,omitempty"`
	Most float64 `json:"max_ms,omitempty"`
	// LateP99 is the generator's own error: how late an event was submitted.
	LateP99 float64 `json:"generator_late_p99_ms,omitempty"`

	// CPU by million deliveries; the server's only where its process is known.
	ServerCPU *float64 `json:"server_cpu_seconds_per_million,omitempty"`
	OwnCPU    *float64 `json:"generator_cpu_seconds_per_million,omitempty"`
	// Cores say how busy either was: CPU-seconds a second.
	ServerCores *float64 `json:"server_cores,omitempty"`
	OwnCores    *float64 `json:"generator_cores,omitempty"`

	// Failed announcements were not acknowledged.
	Failed       uint64 `json:"failed,omitempty"`
	FirstFailure string `json:"first_failure,omitempty"`
	// Ended streams were ended by the server, though nobody asked for that.
	Ended    uint64 `json:"ended,omitempty"`
	FirstEnd string `json:"first_end,omitempty"`
	// Lost deliveries were acknowledged and did not arrive, Duplicated ones came
	// again, Disordered ones after a later one. Broken are responses that do not
	// follow on the one before: their previous_cursor or number is another. Resets
	// are resumes that could not be replayed.
	Lost       *uint64 `json:"lost,omitempty"`
	Duplicated *uint64 `json:"duplicated,omitempty"`
	Disordered uint64  `json:"disordered,omitempty"`
	Broken     uint64  `json:"broken_chain,omitempty"`
	Resets     uint64  `json:"resets,omitempty"`

	// IdleBytes is the server's resident memory for each connection.
	IdleBytes *int64 `json:"idle_bytes_per_connection,omitempty"`
	// Storm is there for a storm, Frozen for a client that stopped reading,
	// FrozenMemory for what such clients cost.
	Storm        *StormResult  `json:"storm,omitempty"`
	Frozen       *FrozenResult `json:"frozen,omitempty"`
	FrozenMemory *FrozenMemory `json:"frozen_memory,omitempty"`
}

// result sums a run up.
func (r *pushRun) result(work string, p *publisher, m *meter) PushResult {
	t := r.tally
	result := r.blank(work)
	result.Burst, result.Payload, result.Offered = r.config.Burst, r.config.Payload, r.config.Rate
	if r.config.Rate == 0 {
		result.InFlight = r.config.InFlight
	}
	result.Deliveries = t.deliveries
	result.DeliveriesPerSecond = float64(t.deliveries) / result.Seconds
	if t.responses > 0 {
		result.PerResponse = float64(t.deliveries) / float64(t.responses)
	}
	result.P50, result.P99 = milliseconds(t.latency.quantile(5000)), milliseconds(t.latency.quantile(9900))
	result.P999, result.Most = milliseconds(t.latency.quantile(9990)), milliseconds(t.latency.most)
	result.cpu(m)
	r.verify(&result, p)
	if r.config.Rate > 0 {
		result.LateP99 = milliseconds(p.late.quantile(9900))
	}
	return result
}

// blank is a result with what is known before a run.
func (r *pushRun) blank(work string) PushResult {
	return PushResult{
		Work: work, Streams: r.config.Streams, Connections: r.config.Connections,
		Seconds: r.config.Duration.Seconds(), Load: loadAverage(),
	}
}

// verify compares what arrived with what was acknowledged. The run is over.
func (r *pushRun) verify(result *PushResult, p *publisher) {
	sent, acked := p.outcome()
	lost := uint64(0)
	for _, f := range r.clients.feeds {
		for n := range sent {
			if acked.has(n) && !f.seen.has(n) {
				lost++
			}
		}
	}
	duplicated := r.tally.duplicated
	result.Events, result.Lost, result.Duplicated = sent, &lost, &duplicated
	result.Disordered, result.Broken, result.Resets = r.tally.disordered, r.tally.broken, r.tally.resets
	result.Failed, result.Ended = p.failed, r.clients.ends
	if p.firstErr != nil {
		result.FirstFailure = p.firstErr.Error()
	}
	if r.clients.firstEnd != nil {
		result.FirstEnd = r.clients.firstEnd.Error()
	}
}

func (r *PushResult) cpu(m *meter) {
	share := func(used time.Duration, by float64) *float64 {
		v := used.Seconds() / by
		return &v
	}
	r.OwnCores = share(m.own, r.Seconds)
	if m.known {
		r.ServerCores = share(m.server, r.Seconds)
	}
	if r.Deliveries == 0 {
		return
	}
	const million = 1e6
	r.OwnCPU = share(m.own, float64(r.Deliveries)/million)
	if m.known {
		r.ServerCPU = share(m.server, float64(r.Deliveries)/million)
	}
}

// Good says whether everything arrived once and in order and nothing failed.
func (r *PushResult) Good() bool {
	return r.Failed == 0 && r.Ended == 0 && r.Disordered == 0 && r.Broken == 0 && r.Resets == 0 &&
		(r.Lost == nil || *r.Lost == 0) && (r.Duplicated == nil || *r.Duplicated == 0)
}

// WriteTable prints the result for people.
func (r *PushResult) WriteTable(out io.Writer) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-18s "+format+"\n", append([]any{name}, args...)...)
	}
	row("work", "%s, %s, %d streams on %d connections", r.Work, r.Server, r.Streams, r.Connections)
	if r.Payload > 0 {
		offered := fmt.Sprintf("as many as go with %d bursts in flight", r.InFlight)
		if r.Offered > 0 {
			offered = fmt.Sprintf("%d a second", r.Offered)
		}
		row("events", "%s, %d at once, %d bytes, for %g s", offered, r.Burst, r.Payload, r.Seconds)
	}
	if r.Deliveries > 0 {
		row("deliveries", "%.0f a second, %.2f to a response", r.DeliveriesPerSecond, r.PerResponse)
		row("latency", "p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, longest %.1f ms", r.P50, r.P99, r.P999, r.Most)
	}
	if r.Offered > 0 {
		row("generator late", "p99 %.1f ms", r.LateP99)
	}
	if r.ServerCPU != nil {
		row("server CPU", "%.2f s per million deliveries, %.2f cores", *r.ServerCPU, *r.ServerCores)
	}
	if r.OwnCPU != nil {
		row("generator CPU", "%.2f s per million deliveries, %.2f cores", *r.OwnCPU, *r.OwnCores)
	}
	r.special(row)
	if r.Failed > 0 || r.Ended > 0 {
		row("failed", "%d announcements %s; %d streams ended %s", r.Failed, r.FirstFailure, r.Ended, r.FirstEnd)
	}
	if r.Lost != nil && r.Duplicated != nil {
		row("lost, duplicated", "%d, %d; disordered %d, broken chain %d, resets %d", *r.Lost, *r.Duplicated, r.Disordered, r.Broken, r.Resets)
	}
	if r.Load != "" {
		row("load average", "%s", r.Load)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// special prints what only some benchmarks measure.
func (r *PushResult) special(row func(name, format string, args ...any)) {
	if r.IdleBytes != nil {
		row("idle memory", "%.1f KB for each connection", float64(*r.IdleBytes)/1e3)
	}
	if s := r.Storm; s != nil {
		row("caught up", "%.0f ms for all, %d events missed; attached after %.0f ms", s.CaughtUp, s.Missed, s.Attached)
		if s.ServerCPU != nil {
			row("CPU", "server %.2f s, generator %.2f s", *s.ServerCPU, s.OwnCPU)
		}
	}
	if f := r.Frozen; f != nil {
		row("one stops reading", "%s; ended %s after %.1f s, its send blocked for %.2f s; resumed after %.0f ms", f.How, f.Reason, f.EndedAfter, f.Blocked, f.Resumed)
		row("the others", "p50 %.1f ms, p99 %.1f ms (%.2f times what it was), longest %.1f ms",
			f.P50, f.P99, f.P99/r.P99, f.Most)
	}
	if f := r.FrozenMemory; f != nil {
		say := func(name string, of func(MemoryRound) int64) {
			middle, least, most := f.spread(of)
			row(name, "%+.2f MB, %+.2f to %+.2f", float64(middle)/1e6, float64(least)/1e6, float64(most)/1e6)
		}
		last := f.Rounds[len(f.Rounds)-1]
		row("one stops reading", "%s, %d rounds; the last one ended %s after %.1f s", f.How, len(f.Rounds), last.Reason, last.EndedAfter)
		say("memory meanwhile", func(r MemoryRound) int64 { return r.Frozen })
		say("without such a one", func(r MemoryRound) int64 { return r.Control })
		say("so it costs", func(r MemoryRound) int64 { return r.Cost })
	}
}
