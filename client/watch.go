package client

import (
	"cmp"
	"time"
)

// Intervals until the stream's Hello names the venue's own.
const (
	helloDeadline = 5 * time.Second
	watchdog      = 15 * time.Second
	stale         = 8 * time.Second
)

const (
	// clockJump is by how much a reading of the clock must be late to show that the
	// machine slept.
	clockJump = 30 * time.Second
	// look is the longest time between two readings.
	look = time.Second
)

// watch measures the silence of a stream, only while the loop waits for it: the time that
// a program takes for an update does not count.
type watch struct {
	stale, watchdog time.Duration
	helloSeen       bool      // Hello has come.
	isStale         bool      // It was silent for too long, and that was reported.
	since           time.Time // When the silence began.
	looked          time.Time // The wall clock when it was last read.
}

// set takes the venue's intervals and ignores those that are not positive.
func (w *watch) set(stale, watchdog time.Duration) {
	w.helloSeen = true
	w.stale, w.watchdog = cmp.Or(max(0, stale), w.stale), cmp.Or(max(0, watchdog), w.watchdog)
}

// begin starts the measurement.
func (w *watch) begin(now time.Time) { w.since, w.looked = now, now.Round(0) }

// limit is the silence after which the stream ends.
func (w *watch) limit() time.Duration {
	if !w.helloSeen {
		return helloDeadline
	}
	return w.watchdog
}

// next returns how long to wait before the next judge.
func (w *watch) next(now time.Time) time.Duration {
	silent := now.Sub(w.since)
	wait := min(look, w.limit()-silent)
	if !w.isStale {
		wait = min(wait, w.stale-silent)
	}
	return max(wait, 0)
}

// judge reports once that the stream became stale, and why it must end, or "".
func (w *watch) judge(now time.Time) (becameStale bool, end string) {
	// The wall clock: the monotonic one stands still while the machine sleeps.
	wall := now.Round(0)
	jump := wall.Sub(w.looked)
	w.looked = wall
	silent := now.Sub(w.since)
	switch {
	case jump > clockJump || jump < -clockJump:
		return false, ReasonClockJump
	case silent >= w.limit() && !w.helloSeen:
		return false, ReasonNoHello
	case silent >= w.limit():
		return false, ReasonWatchdog
	}
	becameStale = !w.isStale && silent >= w.stale
	w.isStale = w.isStale || becameStale
	return becameStale, ""
}
