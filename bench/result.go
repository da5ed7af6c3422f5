package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Result is what a benchmark measured. Fields that do not apply are absent from its JSON.
type Result struct {
	// Work names the benchmark: "orders", "reports", "push", "idle", "freeze",
	// "freeze-memory", "storm" or "table".
	Work string `json:"work"`
	// Row names the row of the published table, Server the [Target].
	Row         string `json:"row,omitempty"`
	Server      string `json:"server,omitempty"`
	Client      Client `json:"client,omitempty"`
	Streams     int    `json:"streams,omitempty"`
	Connections int    `json:"connections"`
	InFlight    int    `json:"in_flight,omitempty"`
	Batch       int    `json:"batch,omitempty"`
	Burst       int    `json:"burst,omitempty"`
	Payload     int    `json:"payload_bytes,omitempty"`
	// OfferedOrders and Offered are how many orders or events a second were asked for;
	// absent for a closed loop.
	OfferedOrders int     `json:"offered_per_second,omitempty"`
	Offered       int     `json:"offered_events_per_second,omitempty"`
	Seconds       float64 `json:"seconds"`
	// Load is the machine's load average of the last minute, the run included.
	Load string `json:"load_average,omitempty"`

	// OrderCounts is there for orders and reports.
	*OrderCounts
	// Events were submitted, Deliveries arrived within the measured time.
	Events     uint64 `json:"events,omitempty"`
	Deliveries uint64 `json:"deliveries,omitempty"`
	// DeliveriesPerSecond counts events or, for reports, execution reports.
	DeliveriesPerSecond float64 `json:"deliveries_per_second,omitempty"`
	// PerResponse is how many events a response carried.
	PerResponse float64 `json:"deliveries_per_response,omitempty"`

	// Latencies: of requests; for reports from submitting to the report; for feeds from
	// when an event was due to its arrival at each client.
	P50  float64 `json:"p50_ms,omitempty"`
	P99  float64 `json:"p99_ms,omitempty"`
	P999 float64 `json:"p999_ms,omitempty"`
	Most float64 `json:"max_ms,omitempty"`
	// LateP99 is the generator's own error: how late a request was sent.
	LateP99 float64 `json:"generator_late_p99_ms,omitempty"`

	// CPU by million orders or deliveries; the server's only where its process is known.
	ServerCPU *float64 `json:"server_cpu_seconds_per_million,omitempty"`
	OwnCPU    *float64 `json:"generator_cpu_seconds_per_million,omitempty"`
	// Cores say how busy either was: CPU-seconds a second.
	ServerCores *float64 `json:"server_cores,omitempty"`
	OwnCores    *float64 `json:"generator_cores,omitempty"`

	// Failed requests were not answered or answered with an error.
	Failed       uint64 `json:"failed"`
	FirstFailure string `json:"first_failure,omitempty"`
	// Ended streams were ended by the server without a request to do so.
	Ended    uint64 `json:"ended,omitempty"`
	FirstEnd string `json:"first_end,omitempty"`
	// Lost orders were acknowledged and are not listed, Duplicated ones are listed twice
	// or under another id. Lost deliveries were acknowledged and did not arrive,
	// Duplicated ones arrived again. Absent if that was not checked.
	Lost       *uint64 `json:"lost,omitempty"`
	Duplicated *uint64 `json:"duplicated,omitempty"`
	// Disordered deliveries arrived after a later one. Broken are responses that do not
	// follow on the one before: their previous_cursor or number is another. Resets are
	// resumes that could not be replayed.
	Disordered uint64 `json:"disordered,omitempty"`
	Broken     uint64 `json:"broken_chain,omitempty"`
	Resets     uint64 `json:"resets,omitempty"`

	// IdleBytes is the server's resident memory for each connection.
	IdleBytes *int64 `json:"idle_bytes_per_connection,omitempty"`
	// Storm is there for a storm, Frozen for a client that stopped reading,
	// FrozenMemory for what such clients cost.
	Storm        *StormResult  `json:"storm,omitempty"`
	Frozen       *FrozenResult `json:"frozen,omitempty"`
	FrozenMemory *FrozenMemory `json:"frozen_memory,omitempty"`
}

// OrderCounts are figures of orders only.
type OrderCounts struct {
	// Orders were acknowledged within the measured time.
	Orders          uint64  `json:"orders"`
	OrdersPerSecond float64 `json:"orders_per_second"`
	// Rejected orders were acknowledged and rejected, at any time.
	Rejected uint64 `json:"rejected"`
}

// resultOf sums the lanes up.
func resultOf(config OrdersConfig, lanes []*lane, m *meter) Result {
	r := Result{
		Work: "orders", Client: config.Client, Connections: config.Connections, InFlight: config.InFlight, Batch: config.Batch,
		OfferedOrders: config.Rate, Seconds: config.Duration.Seconds(), OrderCounts: &OrderCounts{},
	}
	var latency, late histogram
	for _, l := range lanes {
		latency.add(&l.latency)
		late.add(&l.late)
		r.Orders += l.orders
		r.Rejected += l.rejected
		r.Failed += l.failed
		if r.FirstFailure == "" && l.firstErr != nil {
			r.FirstFailure = l.firstErr.Error()
		}
	}
	r.P50, r.P99, r.P999, r.Most = latency.summary()
	if config.Rate > 0 {
		_, r.LateP99, _, _ = late.summary()
	}
	r.OrdersPerSecond = float64(r.Orders) / r.Seconds
	r.cpu(m, r.Orders)
	return r
}

// cpu enters the CPU that was used for so many orders or deliveries.
func (r *Result) cpu(m *meter, count uint64) {
	const million = 1e6
	share := func(used time.Duration, by float64) *float64 {
		if by == 0 {
			return nil
		}
		v := used.Seconds() / by
		return &v
	}
	r.OwnCores, r.OwnCPU = share(m.own, r.Seconds), share(m.own, float64(count)/million)
	if m.pid != 0 {
		r.ServerCores, r.ServerCPU = share(m.server, r.Seconds), share(m.server, float64(count)/million)
	}
}

// Good says whether everything was answered and arrived once and in order.
func (r *Result) Good() bool {
	return r.Failed == 0 && r.Ended == 0 && r.Disordered == 0 && r.Broken == 0 && r.Resets == 0 &&
		orZero(r.Lost) == 0 && orZero(r.Duplicated) == 0
}

// WriteTable prints the result for people.
func (r *Result) WriteTable(out io.Writer) error {
	var b strings.Builder
	row := func(shown bool, name, format string, args ...any) {
		if shown {
			fmt.Fprintf(&b, "%-18s "+format+"\n", append([]any{name}, args...)...)
		}
	}
	offered := "as many as possible"
	if rate := max(r.OfferedOrders, r.Offered); rate > 0 {
		offered = fmt.Sprintf("%d a second", rate)
	}
	unit := "deliveries"
	if r.OrderCounts != nil {
		unit = "orders"
		row(true, "work", "%s, %s, %d connections for %g s", r.Work, offered, r.Connections, r.Seconds)
		row(r.Client != "", "requests", "of %d orders, %d in flight on each connection, client %s", r.Batch, r.InFlight, r.Client)
		row(true, unit, "%.0f a second (%d), %d rejected", r.OrdersPerSecond, r.Orders, r.Rejected)
	} else {
		row(true, "work", "%s, %s, %d streams on %d connections", r.Work, r.Server, r.Streams, r.Connections)
	}
	row(r.Payload > 0, "events", "%s, %d at once, %d bytes, for %g s", offered, r.Burst, r.Payload, r.Seconds)
	row(r.Payload > 0 && r.InFlight > 0, "in flight", "%d bursts", r.InFlight)
	row(r.DeliveriesPerSecond > 0, "deliveries", "%.0f a second", r.DeliveriesPerSecond)
	row(r.PerResponse > 0, "response", "%.2f deliveries", r.PerResponse)
	row(r.Most > 0, "latency", "p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, longest %.3f ms", r.P50, r.P99, r.P999, r.Most)
	row(r.LateP99 > 0, "generator late", "p99 %.3f ms", r.LateP99)
	row(r.ServerCPU != nil, "server CPU", "%.2f s per million %s, %.2f cores", orZero(r.ServerCPU), unit, orZero(r.ServerCores))
	row(r.OwnCPU != nil, "generator CPU", "%.2f s per million %s, %.2f cores", orZero(r.OwnCPU), unit, orZero(r.OwnCores))
	row(r.IdleBytes != nil, "idle memory", "%.1f KB for each connection", float64(orZero(r.IdleBytes))/1e3)
	if s := r.Storm; s != nil {
		row(true, "caught up", "%.0f ms for all, %d events missed; attached after %.0f ms", s.CaughtUp, s.Missed, s.Attached)
		row(s.ServerCPU != nil, "CPU", "server %.2f s, generator %.2f s", orZero(s.ServerCPU), s.OwnCPU)
	}
	if f := r.Frozen; f != nil {
		row(true, "frozen client", "%s; ended %s after %.1f s, its send blocked for %.2f s; resumed after %.0f ms",
			f.How, f.Reason, f.EndedAfter, f.Blocked, f.Resumed)
		row(true, "the others", "p50 %.1f ms, p99 %.1f ms (%.2f times the p99 before), longest %.1f ms",
			f.P50, f.P99, f.P99/r.P99, f.Most)
	}
	if f := r.FrozenMemory; f != nil {
		last := f.Rounds[len(f.Rounds)-1]
		row(true, "frozen clients", "%s, %d rounds; the last one ended %s after %.1f s", f.How, len(f.Rounds), last.Reason, last.EndedAfter)
		for _, g := range growthFigures() {
			least, median, most := f.spread(g.of)
			row(true, g.name, "%+.2f MB, %+.2f to %+.2f", float64(median)/1e6, float64(least)/1e6, float64(most)/1e6)
		}
	}
	row(r.Failed > 0 || r.Ended > 0, "failed", "%d requests %s; %d streams ended %s", r.Failed, r.FirstFailure, r.Ended, r.FirstEnd)
	row(r.Lost != nil, "lost, duplicated", "%d, %d; disordered %d, broken chain %d, resets %d",
		orZero(r.Lost), orZero(r.Duplicated), r.Disordered, r.Broken, r.Resets)
	row(r.Load != "", "load average", "%s", r.Load)
	_, err := io.WriteString(out, b.String())
	return err
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
