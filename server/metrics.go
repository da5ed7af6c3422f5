package server

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"todoku/trade"
)

// What Prometheus reads. Names and units follow its conventions: base units,
// _total for what only rises. Labels come from closed lists only, so that no client
// can make series: methods, codes, reasons, causes, kinds and stages. The table in
// docs/operations.md has every name, and a test compares.

// metrics are the counters that somebody must count; what can be read from the
// parts is read when Prometheus asks (metricsparts.go, metricsstreams.go).
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	streams  streamMetrics
	journal  journalMetrics
	publish  prometheus.Histogram
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "todoku_call_duration_seconds", Help: "Duration of unary calls by method and gRPC code.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "code"}),
		streams: newStreamMetrics(),
		journal: newJournalMetrics(),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_feed_publish_age_seconds", Help: "From a command's decision to its events in the queues of all streams.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "todoku_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.calls, m.publish, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.streams.all()...)
	m.registry.MustRegister(m.journal.all()...)
	return m
}

// observe adds what is read from the parts when Prometheus asks.
func (m *metrics) observe(s *Server) {
	m.registry.MustRegister(&streamCollector{hub: s.hub}, newAgeCollector(s.hub))
	m.observeParts(s)
}

// published measures how old records are when they have been published.
func (m *metrics) published(records []*trade.Record) {
	now := time.Now().UnixNano()
	for _, r := range records {
		m.publish.Observe(time.Duration(max(0, now-r.Time)).Seconds())
	}
}

// interceptor times unary calls. It stands before the services' own, so that it
// sees the status that the client gets.
func (m *metrics) interceptor(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	began := time.Now()
	response, err := handler(ctx, request)
	method := info.FullMethod[strings.LastIndexByte(info.FullMethod, '/')+1:]
	m.calls.WithLabelValues(method, status.Code(err).String()).Observe(time.Since(began).Seconds())
	return response, err
}
