package engine

import "testing"

// TestStreamsCarryThePublishedBooks holds the benchmark's streams to the figures
// that were published with them: the fills of a run, and the orders that stand in
// the book, on average and at most.
func TestStreamsCarryThePublishedBooks(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("one million orders for each stream: run without -race and -short")
	}
	for _, want := range []struct {
		name                 string
		fills, average, peak int
	}{
		{"static", 800, 20_900, 41_800},
		{"normal", 62_000, 2_700, 5_500},
		{"swing-25", 67_000, 1_300, 2_600},
		{"swing-40", 69_000, 700, 1_400},
		{"flash-crash", 70_000, 240, 500},
	} {
		t.Run(want.name, func(t *testing.T) {
			for _, w := range workloads() {
				if w.name != want.name {
					continue
				}
				messages := w.stream(streamOrders)
				v := newBookVenue()
				sum, peak := 0, 0
				for i := range messages {
					v.do(&messages[i])
					sum += v.book.Len()
					peak = max(peak, v.book.Len())
				}
				average := sum / len(messages)
				t.Logf("%d messages, %d fills, %d orders on average, %d at most", len(messages), v.fills, average, peak)
				near := func(what string, got, want int) {
					if got < want-want/8 || got > want+want/8 {
						t.Errorf("%s: %d, published about %d", what, got, want)
					}
				}
				near("fills", v.fills, want.fills)
				near("average", average, want.average)
				near("peak", peak, want.peak)
			}
		})
	}
}
