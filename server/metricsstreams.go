package server

import (
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"todoku/door"
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

func newStreamMetrics(in promauto.Factory) streamMetrics {
	m := streamMetrics{
		attached: in.NewCounter(counterOpts("todoku_streams_attached_total", "Streams that were attached.")),
		ended:    in.NewCounterVec(counterOpts("todoku_streams_ended_total", "Streams that ended, by reason."), []string{"reason"}),
		gone: in.NewCounterVec(counterOpts("todoku_streams_disconnected_total", "Streams that ended because the client went away, by how."),
			[]string{"cause"}),
		age: in.NewHistogram(histogramOpts("todoku_stream_lifetime_seconds", "How long streams had lived when they ended.",
			1, 10, 30, 60, 75, 90, 120, 300, 600, 1200, 1800, 3600)),
		acks: in.NewHistogram(histogramOpts("todoku_stream_acknowledge_duration_seconds", "From handing a response to the transport to its acknowledgement.",
			.001, .005, .01, .05, .1, .5, 1, 5, 10, 15, 30, 45)),
	}
	for _, cause := range door.DisconnectCauses() {
		m.gone.WithLabelValues(cause)
	}
	return m
}

// streamLog logs and counts how streams begin and end.
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

// short shortens a connection id for logs: the whole id is a secret.
func short(id string) string {
	const shown = 8
	return id[:min(len(id), shown)]
}

// streamTotal is one metric of a hub's totals.
type streamTotal struct {
	name, help string
	value      func(*push.Totals) float64
}

// streamTotals are the metrics of a hub's totals. Counters end with _total.
func streamTotals() []streamTotal {
	return []streamTotal{
		{"todoku_streams", "Streams attached now.", func(t *push.Totals) float64 { return float64(t.Streams) }},
		{"todoku_stream_queued_events", "Events that wait for their streams.", func(t *push.Totals) float64 { return float64(t.Queued) }},
		{"todoku_stream_queued_bytes", "Bytes of events that wait for their streams.", func(t *push.Totals) float64 { return float64(t.QueuedBytes) }},
		{"todoku_stream_queued_events_max", "Events that wait for the stream with most.", func(t *push.Totals) float64 { return float64(t.QueuedMost) }},
		{"todoku_stream_unacknowledged_bytes", "Bytes handed to transports and not acknowledged.", func(t *push.Totals) float64 { return float64(t.UnackedBytes) }},
		{"todoku_stream_blocked_sends", "Sends that have lasted for a second.", func(t *push.Totals) float64 { return float64(t.Blocked) }},
		{"todoku_stream_gather_seconds", "How long events wait for others before a send, at present.", func(t *push.Totals) float64 { return t.Gather.Seconds() }},
		{"todoku_stream_responses_total", "Responses handed to transports.", func(t *push.Totals) float64 { return float64(t.Responses) }},
		{"todoku_stream_sent_bytes_total", "Bytes of messages handed to transports.", func(t *push.Totals) float64 { return float64(t.Bytes) }},
		{"todoku_stream_conflated_total", "Updates of state that were skipped because newer ones replaced them.", func(t *push.Totals) float64 { return float64(t.Conflated) }},
	}
}

// observeStreams adds the metrics that the hub counts, reading its totals once for all.
func (m *metrics) observeStreams(hub *push.Hub) {
	totals := streamTotals()
	descs := make([]*prometheus.Desc, len(totals))
	for i, t := range totals {
		descs[i] = prometheus.NewDesc(t.name, t.help, nil, nil)
	}
	age := prometheus.NewDesc("todoku_message_age_seconds",
		"Age of live messages from their command's decision, by kind, when sent (each message), acknowledged and painted (each response).",
		[]string{"kind", "stage"}, nil)
	m.registry.MustRegister(
		&collector{descs, func(to chan<- prometheus.Metric) {
			now := hub.Totals()
			for i, t := range totals {
				kind := prometheus.GaugeValue
				if strings.HasSuffix(t.name, "_total") {
					kind = prometheus.CounterValue
				}
				to <- prometheus.MustNewConstMetric(descs[i], kind, t.value(&now))
			}
		}},
		&collector{[]*prometheus.Desc{age}, func(to chan<- prometheus.Metric) {
			for stage, word := range map[push.Stage]string{push.StageSent: "sent", push.StageAcknowledged: "acknowledged", push.StagePainted: "painted"} {
				for _, kind := range hub.Freshness(stage) {
					if kind.Count > 0 {
						to <- ageMetric(age, kind, word)
					}
				}
			}
		}})
}

// ageMetric is the age of messages of a kind at a stage.
func ageMetric(desc *prometheus.Desc, kind push.KindFreshness, stage string) prometheus.Metric {
	bounds := push.HistogramBounds()
	buckets, below := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, bound := range bounds {
		below += kind.Buckets[i]
		buckets[bound.Seconds()] = below
	}
	return prometheus.MustNewConstHistogram(desc, kind.Count, kind.Sum.Seconds(), buckets, kind.Kind, stage)
}
