package sqlite_test

import (
	"path/filepath"
	"testing"

	"todoku/feed"
	"todoku/feed/feedtest"
	"todoku/push"
	"todoku/sqlite"
)

func openHistory(t testing.TB, dir string) *sqlite.History {
	t.Helper()
	h, err := sqlite.OpenHistory(t.Context(), filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHistoryKeepsThePromisesOfAHistory(t *testing.T) {
	feedtest.RunHistory(t, func(t *testing.T, dir string) feed.History {
		t.Helper()
		return openHistory(t, dir)
	})
}

// BenchmarkHistory applies records in transactions of 2,000, as the follower does
// under load.
func BenchmarkHistory(b *testing.B) {
	h := openHistory(b, b.TempDir())
	defer func() { _ = h.Close() }()
	if err := h.Reset(b.Context(), push.Cursor{Epoch: "0123456789abcdef"}, nil); err != nil {
		b.Fatal(err)
	}
	venue := feedtest.NewVenue(1)
	venue.Accounts, venue.Symbols = 200, 20
	applied := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		records := venue.Next(2000)
		b.StartTimer()
		if err := h.Apply(b.Context(), records); err != nil {
			b.Fatal(err)
		}
		applied += len(records)
	}
	b.ReportMetric(float64(applied)/b.Elapsed().Seconds(), "records/s")
}
