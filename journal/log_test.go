package journal_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"todoku/journal"
	"todoku/journal/journaltest"
)

// openLog makes a Log over a store that fails when asked to.
func openLog(t testing.TB, options journal.Options) (*journal.Log, *journaltest.Faulty) {
	t.Helper()
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	log, err := journal.Open(t.Context(), store, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log, store
}

// appendTo adds count records in one batch.
func appendTo(t testing.TB, log *journal.Log, count int) {
	t.Helper()
	head := log.Head()
	if err := log.Append(t.Context(), head, journaltest.Records(head, count)); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyReadsBeforeTheAppendIsDurable(t *testing.T) {
	t.Parallel()
	log, store := openLog(t, journal.Options{})
	appendTo(t, log, 2)
	entered, release := store.Hang()
	done := make(chan error)
	go func() { done <- log.Append(t.Context(), 2, journaltest.Records(2, 3)) }()
	<-entered
	// The append is inside its sync: readers go on and see what was there.
	if records, err := log.Read(t.Context(), 0, 10); err != nil || len(records) != 2 || log.Head() != 2 {
		t.Fatalf("during an append: %d records, %v, head %d", len(records), err, log.Head())
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if records, err := log.Read(t.Context(), 2, 10); err != nil || len(records) != 3 {
		t.Fatalf("after it: %d records, %v", len(records), err)
	}
}

func TestAFailedLogTakesNothingUntilReopened(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault journaltest.Fault
		head  uint64 // what is there in the end
	}{
		"before the write": {journaltest.FaultBefore, 2},
		"after the write":  {journaltest.FaultAfter, 5},
		"at sync":          {journaltest.FaultSync, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, store := openLog(t, journal.Options{})
			appendTo(t, log, 2)
			cause := errors.New("the disk is on fire")
			store.Fail(test.fault, 1, cause)
			err := log.Append(t.Context(), 2, journaltest.Records(2, 3))
			if !errors.Is(err, journal.ErrFailed) || !errors.Is(err, cause) {
				t.Fatalf("failing append: %v", err)
			}
			store.Heal()
			if err := log.Append(t.Context(), 2, journaltest.Records(2, 1)); !errors.Is(err, journal.ErrFailed) {
				t.Fatalf("append while failed: %v", err)
			}
			if !errors.Is(log.Err(), cause) {
				t.Fatalf("Err: %v", log.Err())
			}
			if records, err := log.Read(t.Context(), 0, 10); err != nil || len(records) != 2 {
				t.Fatalf("reading while failed: %d records, %v", len(records), err)
			}
			if err := log.Reopen(t.Context()); err != nil || log.Err() != nil {
				t.Fatalf("Reopen: %v, %v", err, log.Err())
			}
			if log.Head() != test.head {
				t.Fatalf("head %d, want %d", log.Head(), test.head)
			}
			appendTo(t, log, 1)
			records, err := log.Read(t.Context(), 0, 10)
			for err == nil && uint64(len(records)) <= test.head {
				var more []journal.Record
				more, err = log.Read(t.Context(), uint64(len(records)), 10)
				records = append(records, more...)
			}
			if err != nil || uint64(len(records)) != test.head+1 {
				t.Fatalf("in the end: %d records, %v", len(records), err)
			}
		})
	}
}

// TestAnUnknownOutcomeIsNotShown reads from the store, which has the batch of a
// failed append, past the window.
func TestAnUnknownOutcomeIsNotShown(t *testing.T) {
	t.Parallel()
	log, store := openLog(t, journal.Options{MaxRecords: 1})
	appendTo(t, log, 2)
	store.Fail(journaltest.FaultAfter, 1, nil)
	if err := log.Append(t.Context(), 2, journaltest.Records(2, 3)); err == nil {
		t.Fatal("the append did not fail")
	}
	if records, err := log.Read(t.Context(), 0, 10); err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if err := log.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if records, err := log.Read(t.Context(), 0, 10); err != nil || len(records) != 5 {
		t.Fatalf("reopened: %d records, %v", len(records), err)
	}
}

func TestReopenRefusesAStoreThatLostWhatWasShown(t *testing.T) {
	t.Parallel()
	full := journaltest.NewMemoryStore()
	journaltest.Fill(t, full, 3, 2)
	lost := &swapped{Store: full}
	log, err := journal.Open(t.Context(), lost, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	lost.Store = journaltest.NewMemoryStore()
	journaltest.Fill(t, lost.Store, 3)
	var corrupt *journal.CorruptError
	if err := log.Reopen(t.Context()); !errors.As(err, &corrupt) || corrupt.Sequence != 4 {
		t.Fatalf("got %v, want record 4", err)
	}
	if err := log.Append(t.Context(), 5, journaltest.Records(5, 1)); !errors.Is(err, journal.ErrFailed) {
		t.Fatalf("append: %v", err)
	}
}

// swapped is a Store whose contents a test exchanges.
type swapped struct{ journal.Store }

func TestAWriterThatIsNotAtTheHeadIsRefusedAndHarmless(t *testing.T) {
	t.Parallel()
	log, store := openLog(t, journal.Options{})
	appendTo(t, log, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx     context.Context //nolint:containedctx // a row of a table
		prev    uint64
		records []journal.Record
		want    error
	}{
		"behind":    {t.Context(), 1, journaltest.Records(1, 1), journal.ErrStale},
		"ahead":     {t.Context(), 3, journaltest.Records(3, 1), journal.ErrStale},
		"gap":       {t.Context(), 2, journaltest.Records(3, 1), journal.ErrInvalid},
		"empty":     {t.Context(), 2, nil, journal.ErrInvalid},
		"cancelled": {ctx, 2, journaltest.Records(2, 1), context.Canceled},
	} {
		if err := log.Append(test.ctx, test.prev, test.records); !errors.Is(err, test.want) || errors.Is(err, journal.ErrFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	appendTo(t, log, 1)
	// Another process appends: now the store itself refuses.
	journaltest.Fill(t, store.Store, 1)
	err := log.Append(t.Context(), 3, journaltest.Records(3, 1))
	if !errors.Is(err, journal.ErrStale) || !errors.Is(err, journal.ErrFailed) {
		t.Fatalf("behind another process: %v", err)
	}
	if err := log.Reopen(t.Context()); err != nil || log.Head() != 4 {
		t.Fatalf("Reopen: %v, head %d", err, log.Head())
	}
	appendTo(t, log, 1)
}

func TestTheDoorbellRingsForEveryChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := openLog(t, journal.Options{})
		const batches = 50
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				var after uint64
				for after < batches*2 {
					if _, err := log.Wait(t.Context(), after); err != nil {
						t.Errorf("Wait: %v", err)
						return
					}
					records, err := log.Read(t.Context(), after, 3)
					if err != nil || len(records) == 0 {
						t.Errorf("rung for nothing: %d records, %v", len(records), err)
						return
					}
					after = records[len(records)-1].Sequence
				}
			})
		}
		for i := range batches {
			if i%2 == 0 {
				synctest.Wait() // all readers wait at the door, or are in the middle
			}
			appendTo(t, log, 2)
		}
		wg.Wait() // a lost ring is a deadlock, which synctest reports
	})
}

func TestWaitEndsWithItsContextAndWithTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := openLog(t, journal.Options{})
		appendTo(t, log, 1)
		if head, err := log.Wait(t.Context(), 0); err != nil || head != 1 {
			t.Fatalf("no need to wait: %d, %v", head, err)
		}
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 2)
		go func() { _, err := log.Wait(ctx, 1); ended <- err }()
		synctest.Wait()
		cancel(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Fatalf("cancelled: %v", err)
		}
		go func() { _, err := log.Wait(t.Context(), 1); ended <- err }()
		synctest.Wait()
		log.Close()
		log.Close()
		if err := <-ended; !errors.Is(err, journal.ErrClosed) {
			t.Fatalf("closed: %v", err)
		}
		if err := log.Append(t.Context(), 1, journaltest.Records(1, 1)); !errors.Is(err, journal.ErrClosed) {
			t.Fatalf("append: %v", err)
		}
		if _, err := log.Read(t.Context(), 0, 1); !errors.Is(err, journal.ErrClosed) {
			t.Fatalf("read: %v", err)
		}
	})
}

// TestWhatFitsInMemoryIsReadFromThere takes the store away from the reader.
func TestWhatFitsInMemoryIsReadFromThere(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]journal.Options{
		"by count": {MaxRecords: 10},
		"by bytes": {MaxBytes: 10 * (64 + 9)}, // "record 99" and its overhead
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, store := openLog(t, options)
			for range 33 {
				appendTo(t, log, 3)
			}
			away := errors.New("the store is away")
			store.FailReads(away)
			records, err := log.Read(t.Context(), 89, 20)
			if err != nil || len(records) != 10 || records[0].Sequence != 90 {
				t.Fatalf("newest ten: %d, %v", len(records), err)
			}
			if records, err := log.Read(t.Context(), 95, 2); err != nil || len(records) != 2 {
				t.Fatalf("limit: %d, %v", len(records), err)
			}
			if records, err := log.Read(t.Context(), 99, 2); err != nil || len(records) != 0 {
				t.Fatalf("at the head: %d, %v", len(records), err)
			}
			if _, err := log.Read(t.Context(), 88, 20); !errors.Is(err, away) {
				t.Fatalf("one further back: %v", err)
			}
			if _, err := log.Read(t.Context(), 95, 0); !errors.Is(err, journal.ErrInvalid) {
				t.Fatalf("limit 0: %v", err)
			}
		})
	}
}

func TestABatchLargerThanMemoryIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	log, _ := openLog(t, journal.Options{MaxRecords: 4})
	appendTo(t, log, 3)
	appendTo(t, log, 9)
	appendTo(t, log, 1)
	wantAll(t, log, 13)
}

func TestOldCursorsAreToldThatHistoryIsGone(t *testing.T) {
	t.Parallel()
	log, _ := openLog(t, journal.Options{MaxRecords: 2})
	for range 5 {
		appendTo(t, log, 2)
	}
	if err := log.Compact(t.Context(), 7); !errors.Is(err, journal.ErrNeedsSnapshot) {
		t.Fatalf("without a snapshot: %v", err)
	}
	if err := log.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 6, Data: []byte("state")}); err != nil {
		t.Fatal(err)
	}
	if err := log.Compact(t.Context(), 7); err != nil || log.Oldest() != 7 {
		t.Fatalf("Compact: %v, oldest %d", err, log.Oldest())
	}
	if _, err := log.Read(t.Context(), 5, 1); !errors.Is(err, journal.ErrCompacted) {
		t.Fatalf("old cursor: %v", err)
	}
	if records, err := log.Read(t.Context(), 6, 1); err != nil || records[0].Sequence != 7 {
		t.Fatalf("from the snapshot: %v", err)
	}
	if snapshot, err := log.LoadSnapshot(t.Context(), journal.MaxSequence); err != nil || snapshot.Sequence != 6 {
		t.Fatalf("snapshot %d, %v", snapshot.Sequence, err)
	}
}

// TestReadersKeepWhatTheyHaveRead holds slices of the window while it moves on,
// beside concurrent appends (the race detector watches).
func TestReadersKeepWhatTheyHaveRead(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	log, _ := openLog(t, journal.Options{MaxRecords: 20})
	const total = 3000
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { followAll(t, log, total) })
	}
	random := rand.New(rand.NewPCG(seed, 2))
	for log.Head() < total {
		appendTo(t, log, min(1+random.IntN(8), int(total-log.Head())))
	}
	wg.Wait()
}

// followAll follows the log to the end and then checks everything it was given.
func followAll(t *testing.T, log *journal.Log, total uint64) {
	t.Helper()
	var kept [][]journal.Record
	for after := uint64(0); after < total; {
		if _, err := log.Wait(t.Context(), after); err != nil {
			t.Errorf("Wait: %v", err)
			return
		}
		records, err := log.Read(t.Context(), after, 16)
		if err != nil || len(records) == 0 {
			t.Errorf("Read after %d: %d records, %v", after, len(records), err)
			return
		}
		kept = append(kept, records)
		after = records[len(records)-1].Sequence
	}
	want := journaltest.Records(0, int(total))
	at := 0
	for _, records := range kept {
		for _, record := range records {
			if record.Sequence != want[at].Sequence || string(record.Data) != string(want[at].Data) {
				t.Errorf("kept record %d is now %d", at+1, record.Sequence)
				return
			}
			at++
		}
	}
}

func wantAll(t *testing.T, log *journal.Log, count uint64) {
	t.Helper()
	for after := uint64(0); after < count; {
		records, err := log.Read(t.Context(), after, 5)
		if err != nil || len(records) == 0 {
			t.Fatalf("Read after %d: %d records, %v", after, len(records), err)
		}
		for _, record := range records {
			if after++; record.Sequence != after {
				t.Fatalf("got %d, want %d", record.Sequence, after)
			}
		}
	}
}
