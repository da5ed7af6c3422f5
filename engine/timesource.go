package engine

import "time"

const (
	// smallStep is how far the wall clock may move against the monotonic clock between two
	// readings and be followed at once, as it does when it is slewed or a leap second is
	// smeared.
	smallStep = int64(time.Second)
	// stepHeld is how long a larger step must hold before it is followed.
	stepHeld = time.Minute
	// lookEvery is how often the engine reads the clocks at least, so that it sees a step
	// and the time that it has held.
	lookEvery = 30 * time.Second
)

// timeSource gives the time at which the engine decides. It follows the wall clock, but a
// step only after it has held for a minute: until then time passes as on the monotonic
// clock. So a clock that is wrong for some seconds ends no day and no order. A machine that
// slept sees a step too, and follows it a minute after it woke.
//
// Its time can go back, by a step that held. The times of records cannot; see Engine.now.
// docs/adr/0021-steps-of-the-wall-clock.md has the reasons.
type timeSource struct {
	read    func() time.Time
	elapsed func() time.Duration // nil: the difference of what read returns
	opened  time.Time

	wall int64         // the time that was followed last, in nanoseconds since 1970
	at   time.Duration // when that was, since the engine was opened
	last time.Duration // the last reading

	stepping bool
	step     int64         // the step that is not followed yet
	since    time.Duration // when it was first seen
}

func newTimeSource(options Options) *timeSource {
	t := &timeSource{read: options.Clock, elapsed: options.Elapsed, opened: options.Clock()}
	t.restart()
	return t
}

// restart follows the wall clock whatever it shows: an engine that begins to decide has
// nothing to compare it with.
func (t *timeSource) restart() {
	read, at := t.readings()
	t.wall, t.at, t.last, t.stepping = read, at, at, false
}

func (t *timeSource) readings() (int64, time.Duration) {
	read := t.read()
	if t.elapsed != nil {
		return read.UnixNano(), t.elapsed()
	}
	// Both times of time.Now have a monotonic reading, which Sub takes.
	return read.UnixNano(), read.Sub(t.opened)
}

// now returns the time in nanoseconds since 1970.
func (t *timeSource) now() int64 {
	read, at := t.readings()
	t.last = at
	expected := t.wall + int64(at-t.at)
	step := read - expected
	switch {
	case -smallStep <= step && step <= smallStep:
	case !t.stepping || step-t.step < -smallStep || step-t.step > smallStep:
		t.stepping, t.step, t.since = true, step, at
		return expected
	case at-t.since < stepHeld:
		return expected
	}
	t.wall, t.at, t.stepping = read, at, false
	return read
}
