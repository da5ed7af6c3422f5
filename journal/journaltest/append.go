package journaltest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"todoku/journal"
)

func emptyJournal(t *testing.T, open Open) {
	store := open(t)
	wantBounds(t, store, 1, 0)
	if records := ReadAll(t, store, 0, 10); len(records) != 0 {
		t.Fatalf("got %d records", len(records))
	}
	first, err := store.Epoch(t.Context())
	if err != nil || first == "" {
		t.Fatalf("Epoch: %q, %v", first, err)
	}
	again, err := open(t).Epoch(t.Context())
	if err != nil || again != first {
		t.Fatalf("Epoch of a second handle: %q, %v, want %q", again, err, first)
	}
}

func roundTrip(t *testing.T, open Open) {
	store := open(t)
	records := Records(0, 5)
	records[1].Data = nil
	records[2].Data = []byte{0, 0xff, 0}
	records[3].Time = records[2].Time
	if err := store.Append(t.Context(), 0, records[:2]); err != nil {
		t.Fatal(err)
	}
	if err := store.Append(t.Context(), 2, records[2:]); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, store, 1, 5)
	wantRecords(t, ReadAll(t, store, 0, 1), records)
	wantRecords(t, ReadAll(t, store, 0, 100), records)
	wantRecords(t, ReadAll(t, store, 5, 100), nil)
	wantRecords(t, ReadAll(t, store, 99, 100), nil)
	wantRecords(t, ReadAll(t, store, journal.MaxSequence+5, 100), nil)
	_, err := store.Read(t.Context(), 0, 0)
	want(t, "Read with limit 0", err, journal.ErrInvalid)
}

func survivesReopen(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 3, 1)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t)
	wantBounds(t, store, 1, 4)
	Fill(t, store, 2)
	wantRecords(t, ReadAll(t, store, 0, 10), Records(0, 6))
}

func staleWriter(t *testing.T, open Open) {
	one, two := open(t), open(t)
	Fill(t, one, 2)
	want(t, "second writer", two.Append(t.Context(), 0, Records(0, 1)), journal.ErrStale)
	Fill(t, two, 1) // having looked, it may
	want(t, "first writer", one.Append(t.Context(), 2, Records(2, 1)), journal.ErrStale)
	want(t, "writer ahead", one.Append(t.Context(), 9, Records(9, 1)), journal.ErrStale)
	wantRecords(t, ReadAll(t, one, 0, 10), Records(0, 3))
}

func gaps(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 2)
	want(t, "batch that skips", store.Append(t.Context(), 2, Records(3, 1)), journal.ErrInvalid)
	want(t, "batch that repeats", store.Append(t.Context(), 2, Records(1, 2)), journal.ErrInvalid)
	torn := Records(2, 3)
	torn[1].Sequence++
	want(t, "batch with a gap", store.Append(t.Context(), 2, torn), journal.ErrInvalid)
	wantBounds(t, store, 1, 2)
	Fill(t, store, 1)
}

func fallingTime(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 2)
	earlier := Records(2, 1)
	earlier[0].Time = 1999
	want(t, "time before the last batch's", store.Append(t.Context(), 2, earlier), journal.ErrInvalid)
	within := Records(2, 2)
	within[1].Time = within[0].Time - 1
	want(t, "time falling within", store.Append(t.Context(), 2, within), journal.ErrInvalid)
	negative := Records(0, 1)
	negative[0].Time = -1
	want(t, "negative time", open(t).Append(t.Context(), 2, negative), journal.ErrInvalid)
	wantBounds(t, store, 1, 2)
}

func emptyBatch(t *testing.T, open Open) {
	store := open(t)
	want(t, "nil batch", store.Append(t.Context(), 0, nil), journal.ErrInvalid)
	want(t, "empty batch", store.Append(t.Context(), 0, []journal.Record{}), journal.ErrInvalid)
	wantBounds(t, store, 1, 0)
}

func hugeRecord(t *testing.T, open Open) {
	store := open(t)
	records := Records(0, 3)
	records[1].Data = bytes.Repeat([]byte("huge "), journal.MaxRecordSize/5)
	if err := store.Append(t.Context(), 0, records); err != nil {
		t.Fatal(err)
	}
	Fill(t, store, 1)
	wantRecords(t, ReadAll(t, store, 0, 1)[:3], records)
}

func tooLarge(t *testing.T, open Open) {
	store := open(t)
	records := Records(0, 6)
	records[0].Data = make([]byte, journal.MaxRecordSize+1)
	want(t, "record", store.Append(t.Context(), 0, records[:1]), journal.ErrTooLarge)
	shared := records[0].Data[:journal.MaxRecordSize]
	for i := range records {
		records[i].Data = shared
	}
	want(t, "batch", store.Append(t.Context(), 0, records), journal.ErrTooLarge)
	wantBounds(t, store, 1, 0)
}

func ownership(t *testing.T, open Open) {
	store := open(t)
	batch := Records(0, 3)
	if err := store.Append(t.Context(), 0, batch); err != nil {
		t.Fatal(err)
	}
	for i := range batch {
		clear(batch[i].Data)
		batch[i].Sequence = 77
	}
	wantRecords(t, ReadAll(t, store, 0, 10), Records(0, 3))
}

func concurrentWriters(t *testing.T, open Open) {
	const writers, each = 4, 15
	var wg sync.WaitGroup
	for range writers {
		store := open(t)
		wg.Go(func() {
			for done := 0; done < each; {
				_, head, err := store.Bounds(t.Context())
				if err != nil {
					t.Errorf("Bounds: %v", err)
					return
				}
				switch err := store.Append(t.Context(), head, Records(head, 2)); {
				case err == nil:
					done++
				case !errors.Is(err, journal.ErrStale):
					t.Errorf("Append: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantRecords(t, ReadAll(t, open(t), 0, 7), Records(0, writers*each*2))
}

func cancelled(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, "Append", store.Append(ctx, 2, Records(2, 1)), context.Canceled)
	_, err := store.Read(ctx, 0, 1)
	want(t, "Read", err, context.Canceled)
	_, _, err = store.Bounds(ctx)
	want(t, "Bounds", err, context.Canceled)
	want(t, "SaveSnapshot", store.SaveSnapshot(ctx, journal.Snapshot{Sequence: 2}), context.Canceled)
	want(t, "Compact", store.Compact(ctx, 2), context.Canceled)
	wantBounds(t, store, 1, 2)
	Fill(t, store, 1)
}

func closed(t *testing.T, open Open) {
	store := open(t)
	Fill(t, store, 1)
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
	want(t, "Append", store.Append(t.Context(), 1, Records(1, 1)), journal.ErrClosed)
	_, err := store.Read(t.Context(), 0, 1)
	want(t, "Read", err, journal.ErrClosed)
	_, _, err = store.Bounds(t.Context())
	want(t, "Bounds", err, journal.ErrClosed)
	_, err = store.Epoch(t.Context())
	want(t, "Epoch", err, journal.ErrClosed)
	_, err = store.LoadSnapshot(t.Context(), 1)
	want(t, "LoadSnapshot", err, journal.ErrClosed)
	want(t, "SaveSnapshot", store.SaveSnapshot(t.Context(), journal.Snapshot{}), journal.ErrClosed)
	want(t, "Compact", store.Compact(t.Context(), 1), journal.ErrClosed)
}

// agreesWithModel runs random appends and reads against a plain slice.
func agreesWithModel(t *testing.T, open Open) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	store := open(t)
	var model []journal.Record
	for range 60 {
		head := uint64(len(model))
		if random.IntN(3) > 0 {
			batch := Records(head, 1+random.IntN(9))
			for i := range batch {
				batch[i].Data = bytes.Repeat(batch[i].Data, random.IntN(400))
			}
			if err := store.Append(t.Context(), head, batch); err != nil {
				t.Fatal(err)
			}
			model = append(model, batch...)
			continue
		}
		after, limit := random.Uint64N(head+1), 1+random.IntN(20)
		records, err := store.Read(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 && after < head {
			t.Fatalf("nothing behind %d of %d", after, head)
		}
		wantRecords(t, records, model[after:after+uint64(len(records))])
	}
	wantRecords(t, ReadAll(t, store, 0, 13), model)
}
