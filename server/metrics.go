package server

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"todoku/trade"
)

// Metrics for Prometheus. Names and units follow its conventions: base units, _total for
// counters. Labels come from closed lists, so that no client can make series: methods,
// codes, reasons, causes, kinds and stages. The table in docs/operations.md has every
// name, as a test ensures.

// metrics are the values that are counted here; others are read from the parts when
// Prometheus asks (metricsparts.go, metricsstreams.go).
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	streams  streamMetrics
	journal  journalMetrics
	publish  prometheus.Histogram
}

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	in := promauto.With(m.registry)
	m.calls = in.NewHistogramVec(histogramOpts("todoku_call_duration_seconds", "Duration of unary calls by method and gRPC code.",
		.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10), []string{"method", "code"})
	m.publish = in.NewHistogram(histogramOpts("todoku_feed_publish_age_seconds", "From a command's decision to its events in the queues of all streams.",
		.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30))
	m.streams, m.journal = newStreamMetrics(in), newJournalMetrics(in)
	in.NewGauge(prometheus.GaugeOpts{
		Name: "todoku_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	}).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogramOpts(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
}

func counterOpts(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Name: name, Help: help}
}

// collector returns the metrics of some descriptions together, when Prometheus asks.
type collector struct {
	descs   []*prometheus.Desc
	collect func(chan<- prometheus.Metric)
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(to chan<- prometheus.Metric) { c.collect(to) }

// published measures how old records are when they have been published.
func (m *metrics) published(records []*trade.Record) {
	now := time.Now().UnixNano()
	for _, r := range records {
		m.publish.Observe(time.Duration(max(0, now-r.Time)).Seconds())
	}
}

// interceptor times unary calls. It runs before the services' interceptors, so that it
// gets the status that the client gets.
func (m *metrics) interceptor(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	began := time.Now()
	response, err := handler(ctx, request)
	method := info.FullMethod[strings.LastIndexByte(info.FullMethod, '/')+1:]
	m.calls.WithLabelValues(method, status.Code(err).String()).Observe(time.Since(began).Seconds())
	return response, err
}
