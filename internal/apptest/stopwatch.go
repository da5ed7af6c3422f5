package apptest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Promises such as "within two seconds" are about what a venue does with the time that
// it has. A busy machine may leave a whole process none for longer than that, and the
// clock on the wall goes on meanwhile.

// Stopwatch measures the time that this process had: a pause in which nothing of it ran
// counts for next to nothing. Safe for concurrent use.
type Stopwatch struct {
	ticks atomic.Int64
}

// tick is how finely a stopwatch measures.
const tick = 10 * time.Millisecond

// NewStopwatch returns one that runs until the test ends.
func NewStopwatch(t testing.TB) *Stopwatch {
	t.Helper()
	w := &Stopwatch{}
	over := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(tick) // It drops the ticks that nobody was there for.
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.ticks.Add(1)
			case <-over:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(over)
		running.Wait()
	})
	return w
}

// Elapsed returns how long it has run, to a hundredth of a second.
func (w *Stopwatch) Elapsed() time.Duration { return time.Duration(w.ticks.Load()) * tick }
