package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"todoku/journal"
)

// Metrics of the parts behind the doors: journal, engine, feed, history, accounts,
// and the disk that they live on.

// journalMetrics measure appends, for which every command waits.
type journalMetrics struct {
	append  prometheus.Histogram
	records prometheus.Histogram
	bytes   prometheus.Histogram
	failed  prometheus.Counter
}

func newJournalMetrics(in promauto.Factory) journalMetrics {
	return journalMetrics{
		append: in.NewHistogram(histogramOpts("todoku_journal_append_duration_seconds", "Duration of appends to the journal, the sync included.",
			.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5)),
		records: in.NewHistogram(histogramOpts("todoku_journal_append_records", "Records of one append: commands that were committed together.",
			1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)),
		bytes: in.NewHistogram(histogramOpts("todoku_journal_append_bytes", "Bytes of the records of one append.",
			prometheus.ExponentialBuckets(128, 4, 9)...)),
		failed: in.NewCounter(counterOpts("todoku_journal_append_failures_total", "Appends that failed.")),
	}
}

// measuredStore is a store whose appends are measured.
type measuredStore struct {
	journal.Store
	metrics *journalMetrics
}

// Append implements [journal.Store].
func (s *measuredStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
	began := time.Now()
	err := s.Store.Append(ctx, prev, batch)
	s.metrics.append.Observe(time.Since(began).Seconds())
	if err != nil {
		s.metrics.failed.Inc()
		return err
	}
	size := 0
	for i := range batch {
		size += len(batch[i].Data)
	}
	s.metrics.records.Observe(float64(len(batch)))
	s.metrics.bytes.Observe(float64(size))
	return nil
}

// observeParts adds what is read from the parts when Prometheus asks.
func (m *metrics) observeParts(s *Server) {
	in := promauto.With(m.registry)
	gauge := func(name, help string, value func() float64) {
		in.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	counter := func(name, help string, value func() uint64) {
		in.NewCounterFunc(counterOpts(name, help), func() float64 { return float64(value()) })
	}
	log := s.log
	gauge("todoku_accepting_commands", "1 while the journal takes commands.", func() float64 {
		if s.engine.Health() != nil {
			return 0
		}
		return 1
	})
	gauge("todoku_engine_waiting_submissions", "Submissions that wait for the engine.", func() float64 { return float64(s.engine.Waiting()) })
	gauge("todoku_journal_head_sequence", "Latest durable sequence.", func() float64 { return float64(log.Head()) })
	gauge("todoku_journal_oldest_sequence", "Oldest sequence that is kept.", func() float64 { return float64(log.Oldest()) })
	gauge("todoku_journal_size_bytes", "Size of the journal's file, its write-ahead log included.", func() float64 {
		return float64(s.storage.JournalBytes())
	})
	gauge("todoku_data_free_bytes", "Room left for this process on the file system of the data directory; -1 where that is not known.",
		func() float64 { return float64(s.storage.FreeBytes()) })
	gauge("todoku_feed_sequence", "Latest sequence that was published.", func() float64 { return float64(s.feed.Position()) })
	gauge("todoku_feed_lag_records", "Durable records that are not published yet.", func() float64 { return max(0, float64(log.Head())-float64(s.feed.Position())) })
	gauge("todoku_history_sequence", "Latest sequence in the history.", func() float64 { return float64(s.follower.Position()) })
	gauge("todoku_history_lag_records", "Durable records that are not in the history yet.", func() float64 { return max(0, float64(log.Head())-float64(s.follower.Position())) })

	gauge("todoku_sessions", "Live sessions.", func() float64 { return float64(s.accounts.Stats().Sessions) })
	gauge("todoku_sign_ins_waiting", "Sign-ins that wait for a password check.", func() float64 { return float64(s.accounts.Stats().SignInsWaiting) })
	gauge("todoku_access_log_queued_entries", "Entries of the access log that wait to be written.", func() float64 { return float64(s.accounts.Stats().LogQueued) })
	gauge("todoku_receipts_queued", "Evidence of streams that waits to be written.", func() float64 {
		queued, _ := s.live.EvidenceCounts()
		return float64(queued)
	})
	counter("todoku_access_log_lost_entries_total", "Entries of the access log that were never written.", func() uint64 { return s.accounts.Stats().LogLost })
	counter("todoku_receipts_lost_total", "Evidence of streams that was never written.", func() uint64 {
		_, lost := s.live.EvidenceCounts()
		return lost
	})
	counter("todoku_log_dropped_lines_total", "Lines of the log that its reader did not take.", s.config.DroppedLogLines)
	events := prometheus.NewDesc("todoku_access_events_total",
		"Entries of the access log, by kind: sign-ins, failures, lock-outs, ends of sessions.", []string{"kind"}, nil)
	m.registry.MustRegister(&collector{[]*prometheus.Desc{events}, func(to chan<- prometheus.Metric) {
		for kind, count := range s.accounts.Stats().Logged {
			to <- prometheus.MustNewConstMetric(events, prometheus.CounterValue, float64(count), string(kind))
		}
	}})

	gauge("todoku_connections", "TCP connections open now, on both ports.", func() float64 {
		open, _ := s.connections.Counts()
		return float64(open)
	})
	counter("todoku_connections_refused_total", "TCP connections refused because of a limit.", func() uint64 {
		_, refused := s.connections.Counts()
		return refused
	})
	counter("todoku_connections_unadmitted_total", "TCP connections closed because no call with a valid token came over them.", s.connections.Unadmitted)
}
