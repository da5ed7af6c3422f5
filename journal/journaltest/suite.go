// Package journaltest helps to test stores: [Run] is the contract of journal.Store as a
// suite, [MemoryStore] a Store in memory, and [Faulty] a Store that fails or hangs on
// request. Used from tests only.
package journaltest

import (
	"errors"
	"fmt"
	"testing"

	"todoku/journal"
)

// Open opens one journal: each call returns another handle on the same records,
// as another process or a restart would have. The suite closes what it opens.
type Open func(t testing.TB) journal.Store

// Run checks a Store. Fresh is called for each test and returns how to open a
// new, empty journal.
func Run(t *testing.T, fresh func(t testing.TB) Open) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, open Open)
	}{
		{"AnEmptyJournalHasNothing", emptyJournal},
		{"WhatWasAppendedIsReadBack", roundTrip},
		{"AppendedRecordsSurviveReopen", survivesReopen},
		{"AStaleWriterIsRefused", staleWriter},
		{"GapsAreRefused", gaps},
		{"FallingTimeIsRefused", fallingTime},
		{"AnEmptyBatchIsRefused", emptyBatch},
		{"AHugeRecordFits", hugeRecord},
		{"ATooLargeRecordIsRefused", tooLarge},
		{"TheCallersSlicesAreItsOwn", ownership},
		{"ReadStopsAtABatchsEnd", wholeBatches},
		{"ReadStartsInsideABatch", insideBatch},
		{"ReadersNeverSeeHalfABatch", concurrentReaders},
		{"OfManyWritersOneWins", concurrentWriters},
		{"ACancelledContextChangesNothing", cancelled},
		{"ClosedIsClosed", closed},
		{"TheNewestSnapshotIsLoaded", snapshots},
		{"OldSnapshotsAreDropped", prunedSnapshots},
		{"ALargeSnapshotFits", largeSnapshot},
		{"ASnapshotPastTheHeadIsRefused", snapshotPastHead},
		{"CompactNeedsASnapshot", compactNeedsSnapshot},
		{"CompactDropsWholeBatchesOnly", compact},
		{"CompactKeepsTheNewestBatch", compactKeepsNewest},
		{"TheStoreAndAModelAgree", agreesWithModel},
		{"VerifyWalksEverything", verify},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opener := fresh(t)
			test.run(t, func(t testing.TB) journal.Store {
				t.Helper()
				store := opener(t)
				t.Cleanup(func() {
					if err := store.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
				return store
			})
		})
	}
}

// Records makes count records after prev, each with its own content.
func Records(prev uint64, count int) []journal.Record {
	records := make([]journal.Record, count)
	for i := range records {
		sequence := prev + 1 + uint64(i)
		records[i] = journal.Record{
			Sequence: sequence,
			Time:     int64(sequence) * 1000,
			Data:     fmt.Appendf(nil, "record %d", sequence),
		}
	}
	return records
}

// Fill appends batches of the given sizes behind the head.
func Fill(t testing.TB, store journal.Store, sizes ...int) {
	t.Helper()
	_, head, err := store.Bounds(t.Context())
	if err != nil {
		t.Fatalf("Bounds: %v", err)
	}
	for _, size := range sizes {
		if err := store.Append(t.Context(), head, Records(head, size)); err != nil {
			t.Fatalf("Append behind %d: %v", head, err)
		}
		head += uint64(size)
	}
}

// ReadAll reads every record after the sequence after, limit records at a time.
func ReadAll(t testing.TB, store journal.Store, after uint64, limit int) []journal.Record {
	t.Helper()
	var all []journal.Record
	for {
		records, err := store.Read(t.Context(), after, limit)
		if err != nil {
			t.Fatalf("Read after %d: %v", after, err)
		}
		if len(records) == 0 {
			return all
		}
		all = append(all, records...)
		after = records[len(records)-1].Sequence
	}
}

// want fails the test unless err is target.
func want(t testing.TB, doing string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got error %v, want %v", doing, err, target)
	}
}

// wantBounds fails the test unless the store has exactly these bounds.
func wantBounds(t testing.TB, store journal.Store, oldest, head uint64) {
	t.Helper()
	gotOldest, gotHead, err := store.Bounds(t.Context())
	if err != nil || gotOldest != oldest || gotHead != head {
		t.Fatalf("Bounds: got %d..%d, %v, want %d..%d", gotOldest, gotHead, err, oldest, head)
	}
}

// wantRecords fails the test unless both are the same, field by field.
func wantRecords(t testing.TB, got, want []journal.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Sequence != want[i].Sequence || got[i].Time != want[i].Time || string(got[i].Data) != string(want[i].Data) {
			t.Fatalf("record at %d: got %d at %d, want %d at %d, or other data",
				i, got[i].Sequence, got[i].Time, want[i].Sequence, want[i].Time)
		}
	}
}
