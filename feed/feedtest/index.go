package feedtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"todoku/feed"
)

// RunIndex tests a store by the contract of [feed.IndexStore]. reopen must return a
// new store at its first call, and the same one, closed and opened again, at each
// later call.
func RunIndex(t *testing.T, reopen func(t *testing.T) feed.IndexStore) {
	t.Helper()
	store := reopen(t)
	if at, blob, err := store.LoadIndex(t.Context()); err != nil || at != 0 || blob != nil {
		t.Fatalf("a new store has an index of %d: %x (%v)", at, blob, err)
	}
	for _, want := range []string{strings.Repeat("long", 100_000), "short", ""} {
		if err := store.SaveIndex(t.Context(), uint64(len(want)), []byte(want)); err != nil {
			t.Fatal(err)
		}
		store = reopen(t)
		at, blob, err := store.LoadIndex(t.Context())
		if err != nil || at != uint64(len(want)) || string(blob) != want {
			t.Fatalf("the index of %d has %d bytes of %d (%v)", at, len(blob), len(want), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.SaveIndex(ctx, 1, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("saved with a context that is done: %v", err)
	}
}
