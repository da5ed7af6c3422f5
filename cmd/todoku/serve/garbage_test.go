package serve

import (
	"testing"
)

func TestGarbageIsCollectedInQuietMomentsOnly(t *testing.T) {
	var g garbage
	const live = 100 << 20
	for i, c := range []struct {
		cycles, objects uint64
		worth           bool
	}{
		{1, 2 * live, false},     // A collection has run since.
		{1, 2 * live, true},      // None has, and there is much.
		{2, 2 * live, false},     // That one.
		{2, live + 1<<20, false}, // Hardly anything.
		{2, live + 20<<20, true},
		{5, 3 * live, false}, // Busy: the runtime collects by itself.
	} {
		if worth := g.worth(c.cycles, live, c.objects); worth != c.worth {
			t.Errorf("look %d: %v", i, worth)
		}
	}
}
