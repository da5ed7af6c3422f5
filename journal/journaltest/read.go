package journaltest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"todoku/journal"
)

func wholeBatches(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 3, 4, 2)
	for _, test := range []struct {
		after uint64
		limit int
		last  uint64
	}{{0, 1, 3}, {0, 3, 3}, {0, 4, 7}, {3, 1, 7}, {3, 5, 9}, {7, 100, 9}} {
		records, err := store.Read(t.Context(), test.after, test.limit)
		if err != nil || len(records) == 0 {
			t.Fatalf("Read after %d: %d records, %v", test.after, len(records), err)
		}
		if first := records[0].Sequence; first != test.after+1 {
			t.Fatalf("Read after %d begins at %d", test.after, first)
		}
		if last := records[len(records)-1].Sequence; last != test.last {
			t.Fatalf("Read after %d, limit %d: ends at %d, want %d", test.after, test.limit, last, test.last)
		}
	}
}

func insideBatch(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 4, 4)
	wantRecords(t, ReadAll(t, store, 2, 1), Records(2, 6))
	wantRecords(t, ReadAll(t, store, 5, 1), Records(5, 3))
}

func concurrentReaders(t *testing.T, open Open) {
	const size, batches = 5, 30
	writer, reader := open(t), open(t)
	written := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var after uint64
			for last := false; ; {
				select {
				case <-written:
					last = true
				default:
				}
				records, err := reader.Read(t.Context(), after, 12)
				if err != nil {
					t.Errorf("Read after %d: %v", after, err)
					return
				}
				for _, record := range records {
					if after++; record.Sequence != after {
						t.Errorf("got %d, want %d", record.Sequence, after)
						return
					}
				}
				if after%size != 0 {
					t.Errorf("half a batch: head %d", after)
					return
				}
				if last && len(records) == 0 {
					if after != size*batches {
						t.Errorf("ended at %d", after)
					}
					return
				}
			}
		})
	}
	for range batches {
		Fill(t, writer, size)
	}
	close(written)
	wg.Wait()
}

func verify(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 3, 1, 4)
	calls := 0
	summary, err := journal.Verify(t.Context(), store, func(r journal.Record, sofar journal.Summary) error {
		if calls++; sofar.LastTime != r.Time {
			t.Errorf("record %d at %d: summary %+v", r.Sequence, r.Time, sofar)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if summary.Records != 8 || summary.Oldest != 1 || summary.Head != 8 || summary.FirstTime != 1000 ||
		summary.LastTime != 8000 || calls != 8 {
		t.Fatalf("summary %+v after %d calls", summary, calls)
	}
	stop := errors.New("stop")
	_, err = journal.Verify(t.Context(), store, func(journal.Record, journal.Summary) error { return stop })
	want(t, "Verify with an error of its caller", err, stop)
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for since, first := range map[int64]uint64{0: 1, 1000: 1, 1001: 2, 4500: 5, 8000: 8, 8001: 9} {
		got, err := log.FirstSince(t.Context(), since, 8)
		if err != nil || got != first {
			t.Errorf("first since %d: got %d, %v, want %d", since, got, err, first)
		}
	}
}

func snapshots(t *testing.T, open Open) {
	store := open(t)
	_, err := store.LoadSnapshot(t.Context(), journal.MaxSequence)
	want(t, "LoadSnapshot of nothing", err, journal.ErrNoSnapshot)
	Fill(t, store, 4, 4)
	save(t, store, 3, "three")
	save(t, store, 6, "six")
	store = open(t)
	wantSnapshot(t, store, journal.MaxSequence, 6, "six")
	wantSnapshot(t, store, 6, 6, "six")
	wantSnapshot(t, store, 5, 3, "three")
	_, err = store.LoadSnapshot(t.Context(), 2)
	want(t, "LoadSnapshot before the first", err, journal.ErrNoSnapshot)
	save(t, store, 6, "six")
	wantSnapshot(t, store, 6, 6, "six")
}

func prunedSnapshots(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 9)
	for sequence := range uint64(5) {
		save(t, store, sequence, "state")
	}
	wantSnapshot(t, store, journal.MaxSequence, 4, "state")
	wantSnapshot(t, store, 3, 3, "state")
	_, err := store.LoadSnapshot(t.Context(), 2)
	want(t, "LoadSnapshot of a dropped one", err, journal.ErrNoSnapshot)
}

func largeSnapshot(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 1)
	data := string(bytes.Repeat([]byte("0123456789abcdef"), 100_000))
	save(t, store, 1, data)
	wantSnapshot(t, open(t), 1, 1, data)
	save(t, store, 0, "")
	wantSnapshot(t, store, 0, 0, "")
}

func snapshotPastHead(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 2)
	want(t, "SaveSnapshot", store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 3}), journal.ErrInvalid)
}

func compactNeedsSnapshot(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 3, 3, 3)
	want(t, "Compact without a snapshot", store.Compact(t.Context(), 4), journal.ErrNeedsSnapshot)
	save(t, store, 3, "three")
	want(t, "Compact past the snapshot", store.Compact(t.Context(), 5), journal.ErrNeedsSnapshot)
	wantBounds(t, store, 1, 9)
	if err := store.Compact(t.Context(), 1); err != nil {
		t.Fatalf("dropping nothing: %v", err)
	}
}

func compact(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 3, 3, 3)
	save(t, store, 8, "eight")
	for before, oldest := range map[uint64]uint64{2: 1, 3: 1} {
		if err := store.Compact(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		wantBounds(t, store, oldest, 9)
	}
	if err := store.Compact(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	store = open(t)
	wantBounds(t, store, 4, 9)
	_, err := store.Read(t.Context(), 0, 10)
	want(t, "Read from the beginning", err, journal.ErrCompacted)
	_, err = store.Read(t.Context(), 2, 10)
	want(t, "Read of a dropped record", err, journal.ErrCompacted)
	wantRecords(t, ReadAll(t, store, 3, 1), Records(3, 6))
	Fill(t, store, 2)
	wantRecords(t, ReadAll(t, store, 3, 100), Records(3, 8))
}

func compactKeepsNewest(t *testing.T, open Open) {
	store := open(t)
	for range 150 {
		Fill(t, store, 2)
	}
	save(t, store, 300, "all")
	if err := store.Compact(t.Context(), 301); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, store, 299, 300)
	Fill(t, store, 1)
	wantRecords(t, ReadAll(t, store, 298, 10), Records(298, 3))
}

func save(t testing.TB, store journal.Store, sequence uint64, data string) {
	t.Helper()
	err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: sequence, Time: 7, Data: []byte(data)})
	if err != nil {
		t.Fatalf("SaveSnapshot of %d: %v", sequence, err)
	}
}

func wantSnapshot(t testing.TB, store journal.Store, atMost, sequence uint64, data string) {
	t.Helper()
	snapshot, err := store.LoadSnapshot(t.Context(), atMost)
	if err != nil {
		t.Fatalf("LoadSnapshot of %d: %v", atMost, err)
	}
	if snapshot.Sequence != sequence || snapshot.Time != 7 || string(snapshot.Data) != data {
		t.Fatalf("LoadSnapshot of %d: got %d with %d bytes, want %d with %d bytes",
			atMost, snapshot.Sequence, len(snapshot.Data), sequence, len(data))
	}
}
