package journaltest_test

import (
	"errors"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
)

func TestMemoryStoreKeepsTheStoreContract(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(testing.TB) journaltest.Open {
		store := journaltest.NewMemoryStore()
		return func(testing.TB) journal.Store { return store.Reopen() }
	})
}

func TestAFaultyStoreFailsAsAsked(t *testing.T) {
	t.Parallel()
	store := journaltest.NewFaulty(journaltest.NewMemoryStore())
	head := func() uint64 {
		t.Helper()
		_, head, err := store.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return head
	}
	store.Fail(journaltest.FaultBefore, 1, nil)
	if err := store.Append(t.Context(), 0, journaltest.Records(0, 1)); !errors.Is(err, journal.ErrFull) || head() != 0 {
		t.Fatalf("before: %v, head %d", err, head())
	}
	store.Fail(journaltest.FaultAfter, 1, nil)
	if err := store.Append(t.Context(), 0, journaltest.Records(0, 1)); err == nil || head() != 1 {
		t.Fatalf("after: %v, head %d", err, head())
	}
	journaltest.Fill(t, store, 1)
	store.Fail(journaltest.FaultSync, 1, nil)
	for range 3 {
		if err := store.Append(t.Context(), 2, journaltest.Records(2, 1)); err == nil || head() != 2 {
			t.Fatalf("sync: %v, head %d", err, head())
		}
	}
	store.Heal()
	entered, release := store.Hang()
	done := make(chan error)
	go func() { done <- store.Append(t.Context(), 2, journaltest.Records(2, 1)) }()
	<-entered
	if head() != 2 {
		t.Fatal("written while hanging")
	}
	release()
	if err := <-done; err != nil || head() != 3 {
		t.Fatalf("released: %v, head %d", err, head())
	}
	if store.Appends() != 7 {
		t.Fatalf("counted %d appends", store.Appends())
	}
}
