package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/feed"
	"todoku/feed/feedtest"
	"todoku/history"
	"todoku/history/historytest"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/sqlite"
	"todoku/trade"
	"todoku/trade/record"
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
	historytest.Run(t, func(t *testing.T, dir string) history.Store {
		t.Helper()
		return openHistory(t, dir)
	})
}

func TestHistoryKeepsTheIndexThroughAReset(t *testing.T) {
	dir := t.TempDir()
	var h *sqlite.History
	reopen := func(t *testing.T) feed.IndexStore {
		t.Helper()
		if h != nil {
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
		}
		h = openHistory(t, dir)
		return h
	}
	feedtest.RunIndex(t, reopen)
	if err := h.SaveIndex(t.Context(), 7, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := h.Reset(t.Context(), journal.Position{Epoch: "other"}, nil); err != nil {
		t.Fatal(err)
	}
	if at, blob, err := h.LoadIndex(t.Context()); err != nil || at != 7 || string(blob) != "kept" {
		t.Fatalf("after a reset the index of %d is %q (%v)", at, blob, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkHistory applies records in transactions of 2,000, as the follower does
// under load.
func BenchmarkHistory(b *testing.B) {
	h := openHistory(b, b.TempDir())
	defer func() { _ = h.Close() }()
	if err := h.Reset(b.Context(), journal.Position{Epoch: "0123456789abcdef"}, nil); err != nil {
		b.Fatal(err)
	}
	venue := historytest.NewVenue(1)
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

// TestHistoryIsBuiltAgainWhileItIsRead follows a journal into a file that is of
// another journal, while others query, save and compact, and holds that the
// answers are whole in the end.
func TestHistoryIsBuiltAgainWhileItIsRead(t *testing.T) {
	ctx := t.Context()
	h := openHistory(t, t.TempDir())
	t.Cleanup(func() { _ = h.Close() })
	if err := h.Reset(ctx, journal.Position{Epoch: "another", Sequence: 7}, nil); err != nil {
		t.Fatal(err)
	}
	log, err := journal.Open(ctx, journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	follower := history.NewFollower(log, h, history.Options{MaxRecords: 50, Linger: time.Millisecond})
	running, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return follower.Run(running) })
	group.Go(func() error {
		for i := uint64(1); running.Err() == nil; i++ {
			page, err := h.Orders(ctx, history.OrderQuery{Account: historytest.Account(0), State: history.WorkingOrder})
			if err != nil {
				return err
			}
			for _, o := range page.Items {
				if !o.Status.Working() {
					return fmt.Errorf("order %d is %v", o.ID, o.Status)
				}
			}
			if _, err := h.Audit(ctx, history.AuditQuery{User: "user-1"}); err != nil {
				return err
			}
			if err := h.SaveIndex(ctx, i, []byte("index")); err != nil {
				return err
			}
			if err := h.Compact(ctx, historytest.Begin-1); err != nil {
				return err
			}
		}
		return nil
	})
	const total = 2000
	reports := 0
	for _, r := range historytest.NewVenue(9).Next(total) {
		for _, event := range r.Events {
			if e, ok := event.(*trade.ExecutionReport); ok && e.Order.Account == historytest.Account(0) {
				reports++
			}
		}
		data, err := record.Encode(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Append(ctx, log.Head(), []journal.Record{{Sequence: r.Sequence, Time: r.Time, Data: data}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := follower.WaitFor(ctx, total); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	query := history.ExecutionQuery{Account: historytest.Account(0)}
	for {
		page, err := h.Executions(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		reports -= len(page.Items)
		if query.Token = page.Next; query.Token == "" {
			break
		}
	}
	if reports != 0 {
		t.Errorf("%d reports are missing", reports)
	}
}

func TestClosingAHistoryTwiceIsQuiet(t *testing.T) {
	h := openHistory(t, t.TempDir())
	for range 2 {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := h.Reset(t.Context(), journal.Position{}, nil); err == nil {
		t.Error("a closed history was written to")
	}
}
