package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// schedule says when requests are due. All connections share one.
type schedule struct {
	begin, measure, end time.Time
	// interval is the time between two requests; 0 for a closed loop.
	interval time.Duration
	tickets  atomic.Int64
}

// newSchedule begins now. rate is how many orders or events a second are due, 0
// for a closed loop, and batch how many of them are due together.
func newSchedule(now time.Time, warmup, duration time.Duration, rate, batch int) *schedule {
	s := &schedule{begin: now, measure: now.Add(warmup)}
	s.end = s.measure.Add(duration)
	if rate > 0 {
		s.interval = time.Second * time.Duration(batch) / time.Duration(rate)
	}
	return s
}

// open says whether there is a rate to keep.
func (s *schedule) open() bool { return s.interval > 0 }

// next returns when the next request is due, or false when the run is over. The
// time is absolute: a late request does not delay the others. Requests that were due and
// not sent when the run is over are never sent; the result's rate shows that.
func (s *schedule) next() (time.Time, bool) {
	now := time.Now()
	due := now
	if s.open() {
		due = s.begin.Add(time.Duration(s.tickets.Add(1)-1) * s.interval)
	}
	return due, due.Before(s.end) && now.Before(s.end)
}

// waitFor waits until done is closed, for a limited time.
func waitFor(ctx context.Context, done <-chan struct{}, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleeper waits for absolute times. Timers fire late by up to a millisecond; what is late
// is then sent at once and counted as late. The zero value is ready.
type sleeper struct{ timer *time.Timer }

// until returns at a time or, with its error, when ctx ends.
func (s *sleeper) until(ctx context.Context, at time.Time) error {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err()
	}
	if s.timer == nil {
		s.timer = time.NewTimer(wait)
	} else {
		s.timer.Reset(wait)
	}
	select {
	case <-s.timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
