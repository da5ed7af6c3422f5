package server

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"todoku/push"
)

// Metrics and log of streams: how many, how they end, how far behind they are, and
// how old what they carry is.

type streamMetrics struct {
	attached prometheus.Counter
	ended    *prometheus.CounterVec
	gone     *prometheus.CounterVec
	age      prometheus.Histogram
	acks     prometheus.Histogram
}

func newStreamMetrics() streamMetrics {
	m := streamMetrics{
		attached: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "todoku_streams_attached_total", Help: "Streams that were attached.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "todoku_streams_ended_total", Help: "Streams that ended, by reason.",
		}, []string{"reason"}),
		gone: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "todoku_streams_disconnected_total", Help: "Streams that ended because the client went away, by how.",
		}, []string{"cause"}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_stream_lifetime_seconds", Help: "How long streams had lived when they ended.",
			Buckets: []float64{1, 10, 30, 60, 75, 90, 120, 300, 600, 1200, 1800, 3600},
		}),
		acks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_stream_acknowledge_duration_seconds", Help: "From handing a response to the transport to its acknowledgement.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 15, 30, 45},
		}),
	}
	for _, word := range departures() {
		m.gone.WithLabelValues(word)
	}
	return m
}

func (m *streamMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.attached, m.ended, m.gone, m.age, m.acks}
}

// streamLog writes down how streams begin and end.
type streamLog struct{ server *Server }

// Attached implements [push.Listener].
func (l *streamLog) Attached(i push.StreamInfo) {
	l.server.metrics.streams.attached.Inc()
	l.server.config.Logger.Info("stream attached", slog.String("user", i.User), slog.String("connection", short(i.Connection)),
		slog.Uint64("attach", i.Attach), slog.String("remote", i.Remote))
}

// Ended implements [push.Listener].
func (l *streamLog) Ended(r push.EndRecord) {
	m := &l.server.metrics.streams
	m.ended.WithLabelValues(string(r.Reason)).Inc()
	m.age.Observe(r.Age.Seconds())
	if r.Cause != "" {
		m.gone.WithLabelValues(r.Cause).Inc()
	}
	l.server.config.Logger.Info("stream ended", slog.String("reason", string(r.Reason)), slog.String("cause", r.Cause),
		slog.String("detail", r.Message), slog.String("user", r.User), slog.String("remote", r.Remote),
		slog.String("connection", short(r.Connection)), slog.Uint64("attach", r.Attach), slog.Duration("age", r.Age),
		slog.Duration("idle", r.Idle), slog.Uint64("responses", r.Responses), slog.Uint64("bytes", r.Bytes),
		slog.Uint64("cursor", r.Cursor), slog.Uint64("acknowledged", r.AckCursor), slog.Duration("ack_idle", r.AckIdle))
}

// Acknowledged implements [push.Listener].
func (l *streamLog) Acknowledged(e push.AckEvent) {
	l.server.metrics.streams.acks.Observe(e.Since.Seconds())
}

// short cuts a connection id to what tells it from others: whole, it is a key
// that does not belong in logs.
func short(id string) string {
	const shown = 8
	return id[:min(len(id), shown)]
}

// streamCollector reads a hub's totals once for all their metrics.
type streamCollector struct{ hub *push.Hub }

// streamTotals are the metrics of a hub's totals.
func streamTotals() []streamTotal {
	of := func(name, help string, kind prometheus.ValueType, value func(*push.Totals) float64) streamTotal {
		return streamTotal{prometheus.NewDesc(name, help, nil, nil), kind, value}
	}
	const now, ever = prometheus.GaugeValue, prometheus.CounterValue
	return []streamTotal{
		of("todoku_streams", "Streams attached now.", now, func(t *push.Totals) float64 { return float64(t.Streams) }),
		of("todoku_stream_queued_events", "Events that wait for their streams.", now, func(t *push.Totals) float64 { return float64(t.Queued) }),
		of("todoku_stream_queued_bytes", "Bytes of events that wait for their streams.", now, func(t *push.Totals) float64 { return float64(t.QueuedBytes) }),
		of("todoku_stream_queued_events_max", "Events that wait for the stream with most.", now, func(t *push.Totals) float64 { return float64(t.QueuedMost) }),
		of("todoku_stream_unacknowledged_bytes", "Bytes handed to transports and not acknowledged.", now, func(t *push.Totals) float64 { return float64(t.UnackedBytes) }),
		of("todoku_stream_blocked_sends", "Sends that have lasted for a second.", now, func(t *push.Totals) float64 { return float64(t.Blocked) }),
		of("todoku_stream_gather_seconds", "How long events wait for others before a send, at present.", now, func(t *push.Totals) float64 { return t.Gather.Seconds() }),
		of("todoku_stream_responses_total", "Responses handed to transports.", ever, func(t *push.Totals) float64 { return float64(t.Responses) }),
		of("todoku_stream_sent_bytes_total", "Bytes of messages handed to transports.", ever, func(t *push.Totals) float64 { return float64(t.Bytes) }),
		of("todoku_stream_conflated_total", "Updates of state that were skipped because newer ones replaced them.", ever, func(t *push.Totals) float64 { return float64(t.Conflated) }),
	}
}

type streamTotal struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*push.Totals) float64
}

// Describe implements prometheus.Collector.
func (c *streamCollector) Describe(to chan<- *prometheus.Desc) {
	for _, t := range streamTotals() {
		to <- t.desc
	}
}

// Collect implements prometheus.Collector.
func (c *streamCollector) Collect(to chan<- prometheus.Metric) {
	totals := c.hub.Totals()
	for _, t := range streamTotals() {
		to <- prometheus.MustNewConstMetric(t.desc, t.kind, t.value(&totals))
	}
}

// ageCollector shows how old messages are, by kind and stage.
type ageCollector struct {
	hub  *push.Hub
	desc *prometheus.Desc
}

func newAgeCollector(hub *push.Hub) *ageCollector {
	return &ageCollector{hub, prometheus.NewDesc("todoku_message_age_seconds",
		"Age of live messages from their command's decision, by kind, when sent (each message), acknowledged and painted (each response).",
		[]string{"kind", "stage"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *ageCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c *ageCollector) Collect(to chan<- prometheus.Metric) {
	bounds := push.HistogramBounds()
	for _, stage := range []struct {
		stage push.Stage
		word  string
	}{{push.StageSent, "sent"}, {push.StageAcknowledged, "acknowledged"}, {push.StagePainted, "painted"}} {
		for _, k := range c.hub.Freshness(stage.stage) {
			if k.Count == 0 {
				continue
			}
			buckets, below := make(map[float64]uint64, len(bounds)), uint64(0)
			for i, bound := range bounds {
				below += k.Buckets[i]
				buckets[bound.Seconds()] = below
			}
			to <- prometheus.MustNewConstHistogram(c.desc, k.Count, k.Sum.Seconds(), buckets, k.Kind, stage.word)
		}
	}
}
