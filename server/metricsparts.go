package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"todoku/account"
	"todoku/journal"
)

// Metrics of the parts behind the doors: journal, engine, feed, history, accounts,
// and the disk that they live on.

// journalMetrics watch the one thing that every command waits for.
type journalMetrics struct {
	append  prometheus.Histogram
	records prometheus.Histogram
	bytes   prometheus.Histogram
	failed  prometheus.Counter
}

func newJournalMetrics() journalMetrics {
	return journalMetrics{
		append: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_journal_append_duration_seconds", Help: "Duration of appends to the journal, the sync included.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}),
		records: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_journal_append_records", Help: "Records of one append: commands that were committed together.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000},
		}),
		bytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "todoku_journal_append_bytes", Help: "Bytes of the records of one append.",
			Buckets: prometheus.ExponentialBuckets(128, 4, 9),
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "todoku_journal_append_failures_total", Help: "Appends that failed.",
		}),
	}
}

func (m *journalMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.append, m.records, m.bytes, m.failed}
}

// store returns the store with its appends watched.
func (m *journalMetrics) store(s journal.Store) journal.Store { return &watchedStore{s, m} }

type watchedStore struct {
	journal.Store
	metrics *journalMetrics
}

// Append implements [journal.Store].
func (s *watchedStore) Append(ctx context.Context, prev uint64, batch []journal.Record) error {
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
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value()) }))
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
	gauge("todoku_feed_lag_records", "Durable records that are not published yet.", func() float64 { return behind(log.Head(), s.feed.Position()) })
	gauge("todoku_history_sequence", "Latest sequence in the history.", func() float64 { return float64(s.follower.Position()) })
	gauge("todoku_history_lag_records", "Durable records that are not in the history yet.", func() float64 { return behind(log.Head(), s.follower.Position()) })

	stats := func(value func(account.Stats) float64) func() float64 {
		return func() float64 { return value(s.accounts.Stats()) }
	}
	gauge("todoku_sessions", "Sessions that live.", stats(func(a account.Stats) float64 { return float64(a.Sessions) }))
	gauge("todoku_sign_ins_waiting", "Sign-ins that wait to have a password checked.", stats(func(a account.Stats) float64 { return float64(a.SignInsWaiting) }))
	gauge("todoku_access_log_queued_entries", "Entries of the access log that wait to be written.", stats(func(a account.Stats) float64 { return float64(a.LogQueued) }))
	gauge("todoku_receipts_queued", "Receipts that wait to be written.", stats(func(a account.Stats) float64 { return float64(a.ReceiptsQueued) }))
	counter("todoku_access_log_lost_entries_total", "Entries of the access log that were never written.", func() uint64 { return s.accounts.Stats().LogLost })
	counter("todoku_receipts_lost_total", "Receipts that were never written.", func() uint64 { return s.accounts.Stats().ReceiptsLost })
	m.registry.MustRegister(&accessCollector{accounts: s.accounts, desc: prometheus.NewDesc(
		"todoku_access_events_total", "What the access log was told, by kind: sign-ins, failures, lock-outs, ends of sessions.", []string{"kind"}, nil)})

	gauge("todoku_connections", "TCP connections open now, on both ports.", func() float64 {
		open, _ := s.turnstile.counts()
		return float64(open)
	})
	counter("todoku_connections_refused_total", "TCP connections that were one too many.", func() uint64 {
		_, refused := s.turnstile.counts()
		return refused
	})
}

// accessCollector counts what the access log was told.
type accessCollector struct {
	accounts *account.Service
	desc     *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *accessCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c *accessCollector) Collect(to chan<- prometheus.Metric) {
	for kind, count := range c.accounts.Stats().Logged {
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(count), string(kind))
	}
}

// behind is how far a follower is behind, which may have overtaken a head that was
// read before it.
func behind(head, position uint64) float64 {
	if position >= head {
		return 0
	}
	return float64(head - position)
}
