package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Result is what a benchmark measured. Fields that do not apply are absent from
// its JSON.
type Result struct {
	// Work names the benchmark: "orders" or "reports".
	Work        string `json:"work"`
	Client      Client `json:"client,omitempty"`
	Connections int    `json:"connections"`
	InFlight    int    `json:"in_flight,omitempty"`
	Batch       int    `json:"batch,omitempty"`
	// OfferedPerSecond is the rate that was asked for; absent for a closed loop.
	OfferedPerSecond int     `json:"offered_per_second,omitempty"`
	Seconds          float64 `json:"seconds"`

	// Orders were acknowledged within the measured time.
	Orders          uint64  `json:"orders"`
	OrdersPerSecond float64 `json:"orders_per_second"`
	// DeliveriesPerSecond counts execution reports that arrived.
	DeliveriesPerSecond float64 `json:"deliveries_per_second,omitempty"`

	// Latencies, of requests or, for reports, from submitting to the report.
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Most float64 `json:"max_ms"`
	// LateP99 is the generator's own error: how late a request was sent.
	LateP99 float64 `json:"generator_late_p99_ms,omitempty"`

	// CPU by million orders; the server's only where its process is known.
	ServerCPU *float64 `json:"server_cpu_seconds_per_million,omitempty"`
	OwnCPU    float64  `json:"generator_cpu_seconds_per_million"`

	// Rejected orders were answered with a no, Failed requests not at all.
	Rejected uint64 `json:"rejected"`
	Failed   uint64 `json:"failed"`
	// FirstFailure says why the first failed.
	FirstFailure string `json:"first_failure,omitempty"`
	// Lost were acknowledged and are not there, Duplicated are there twice or
	// under another id; absent if that was not checked.
	Lost       *uint64 `json:"lost,omitempty"`
	Duplicated *uint64 `json:"duplicated,omitempty"`
}

// resultOf sums the lanes up.
func resultOf(config OrdersConfig, lanes []*lane, m *meter) Result {
	r := Result{
		Work: "orders", Client: config.Client, Connections: config.Connections, InFlight: config.InFlight, Batch: config.Batch,
		OfferedPerSecond: config.Rate, Seconds: config.Duration.Seconds(),
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
	r.latencies(&latency)
	if config.Rate > 0 {
		r.LateP99 = milliseconds(late.quantile(9900))
	}
	r.cpu(m)
	return r
}

func (r *Result) latencies(h *histogram) {
	r.P50, r.P99 = milliseconds(h.quantile(5000)), milliseconds(h.quantile(9900))
	r.P999, r.Most = milliseconds(h.quantile(9990)), milliseconds(h.most)
}

func (r *Result) cpu(m *meter) {
	r.OrdersPerSecond = float64(r.Orders) / r.Seconds
	if r.Orders == 0 {
		return
	}
	perMillion := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(r.Orders) }
	r.OwnCPU = perMillion(m.own)
	if m.known {
		server := perMillion(m.server)
		r.ServerCPU = &server
	}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// Good says whether nothing was lost, doubled or left unanswered.
func (r *Result) Good() bool {
	return r.Failed == 0 && (r.Lost == nil || *r.Lost == 0) && (r.Duplicated == nil || *r.Duplicated == 0)
}

// WriteTable prints the result for people.
func (r *Result) WriteTable(out io.Writer) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-24s "+format+"\n", append([]any{name}, args...)...)
	}
	offered := "as many as go"
	if r.OfferedPerSecond > 0 {
		offered = fmt.Sprintf("%d a second", r.OfferedPerSecond)
	}
	row("work", "%s, %s, %d connections for %g s", r.Work, offered, r.Connections, r.Seconds)
	if r.Client != "" {
		row("requests", "of %d orders, %d in flight on each connection, client %s", r.Batch, r.InFlight, r.Client)
	}
	row("orders", "%.0f a second (%d)", r.OrdersPerSecond, r.Orders)
	if r.DeliveriesPerSecond > 0 {
		row("reports", "%.0f a second", r.DeliveriesPerSecond)
	}
	row("latency", "p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, longest %.3f ms", r.P50, r.P99, r.P999, r.Most)
	if r.OfferedPerSecond > 0 {
		row("generator late", "p99 %.3f ms", r.LateP99)
	}
	if r.ServerCPU != nil {
		row("server CPU", "%.2f s per million orders", *r.ServerCPU)
	}
	row("generator CPU", "%.2f s per million orders", r.OwnCPU)
	row("rejected, failed", "%d, %d %s", r.Rejected, r.Failed, r.FirstFailure)
	if r.Lost != nil && r.Duplicated != nil {
		row("lost, duplicated", "%d, %d", *r.Lost, *r.Duplicated)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
