package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"todoku/push"
)

// metrics are what Prometheus reads. Labels come from closed lists only: methods,
// codes, reasons.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	attaches prometheus.Counter
	ends     *prometheus.CounterVec
	acks     prometheus.Histogram
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "todoku_call_duration_seconds", Help: "Duration of unary calls by method and gRPC code.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "code"}),
		attaches: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "todoku_streams_attached_total", Help: "Streams that were attached.",
		}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "todoku_streams_ended_total", Help: "Streams that ended, by reason.",
		}, []string{"reason"}),
		acks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_acknowledge_seconds", Help: "From handing a response to the transport to its acknowledgement.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 15, 30, 45},
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "todoku_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.calls, m.attaches, m.ends, m.acks, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe adds what is read from the parts when Prometheus asks.
func (m *metrics) observe(s *Server) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("todoku_journal_head_sequence", "Latest durable sequence.", func() float64 { return float64(s.storage.log.Head()) })
	gauge("todoku_feed_sequence", "Latest sequence that was published.", func() float64 { return float64(s.feed.Position()) })
	gauge("todoku_history_sequence", "Latest sequence in the history.", func() float64 { return float64(s.follower.Position()) })
	gauge("todoku_streams", "Streams attached now.", func() float64 { return float64(len(s.hub.List())) })
	gauge("todoku_connections", "TCP connections open now, on both ports.", func() float64 {
		open, _ := s.turnstile.counts()
		return float64(open)
	})
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "todoku_connections_refused_total", Help: "TCP connections that were one too many.",
	}, func() float64 {
		_, refused := s.turnstile.counts()
		return float64(refused)
	}))
	gauge("todoku_accepting_commands", "1 while the journal takes commands.", func() float64 {
		if s.engine.Health() != nil {
			return 0
		}
		return 1
	})
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

// streamLog writes down how streams begin and end.
type streamLog struct{ server *Server }

// Attached implements [push.Listener].
func (l *streamLog) Attached(i push.StreamInfo) {
	l.server.metrics.attaches.Inc()
	l.server.config.Logger.Info("stream attached", slog.String("user", i.User), slog.String("connection", short(i.Connection)),
		slog.Uint64("attach", i.Attach), slog.String("remote", i.Remote))
}

// Ended implements [push.Listener].
func (l *streamLog) Ended(r push.EndRecord) {
	l.server.metrics.ends.WithLabelValues(string(r.Reason)).Inc()
	l.server.config.Logger.Info("stream ended", slog.String("reason", string(r.Reason)), slog.String("user", r.User),
		slog.String("connection", short(r.Connection)), slog.Uint64("attach", r.Attach), slog.Duration("age", r.Age),
		slog.Duration("idle", r.Idle), slog.Uint64("responses", r.Responses), slog.Uint64("bytes", r.Bytes),
		slog.Uint64("cursor", r.Cursor), slog.Uint64("acknowledged", r.AckCursor))
}

// Acknowledged implements [push.Listener].
func (l *streamLog) Acknowledged(e push.AckEvent) { l.server.metrics.acks.Observe(e.Since.Seconds()) }

// short cuts a connection id to what tells it from others: whole, it is a key
// that does not belong in logs.
func short(id string) string {
	const shown = 8
	return id[:min(len(id), shown)]
}
