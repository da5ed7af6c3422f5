package client

import "time"

// Intervals until the stream's Hello names the venue's own.
const (
	helloDeadline = 5 * time.Second
	watchdog      = 15 * time.Second
	stale         = 8 * time.Second
)

const (
	// clockJump is how much later than planned the clock is read when the machine
	// slept.
	clockJump = 30 * time.Second
	// look is how often it is read at least.
	look = time.Second
)

// watch judges the silence of a stream. It counts only while somebody waits for
// the stream: a program that takes its time with an update is slow, not dead.
type watch struct {
	stale, watchdog time.Duration
	greeted         bool      // Hello has come.
	isStale         bool      // It has been silent for too long, and that was told.
	since           time.Time // When the silence began.
	looked          time.Time // The wall clock when it was last read.
}

// set takes the venue's intervals; those that make no sense are passed over.
func (w *watch) set(stale, watchdog time.Duration) {
	w.greeted = true
	if stale > 0 {
		w.stale = stale
	}
	if watchdog > 0 {
		w.watchdog = watchdog
	}
}

// begin says that waiting begins.
func (w *watch) begin(now time.Time) { w.since, w.looked = now, now.Round(0) }

// limit is how much silence ends the stream.
func (w *watch) limit() time.Duration {
	if !w.greeted {
		return helloDeadline
	}
	return w.watchdog
}

// next returns how long to wait before judging.
func (w *watch) next(now time.Time) time.Duration {
	silent := now.Sub(w.since)
	wait := min(look, w.limit()-silent)
	if !w.isStale {
		wait = min(wait, w.stale-silent)
	}
	return max(wait, 0)
}

// judge says once when the stream becomes stale, and why it must end, if it must.
func (w *watch) judge(now time.Time) (becameStale bool, end string) {
	// The wall clock: the monotonic one stands still while the machine sleeps.
	wall := now.Round(0)
	jump := wall.Sub(w.looked)
	w.looked = wall
	silent := now.Sub(w.since)
	switch {
	case jump > clockJump || jump < -clockJump:
		return false, ReasonClockJump
	case silent >= w.limit() && !w.greeted:
		return false, ReasonNoHello
	case silent >= w.limit():
		return false, ReasonWatchdog
	}
	becameStale = !w.isStale && silent >= w.stale
	w.isStale = w.isStale || becameStale
	return becameStale, ""
}
