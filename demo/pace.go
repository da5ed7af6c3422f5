package demo

import (
	"context"
	"time"
)

// pace lets one command through per interval. Time that was lost is not made up
// for: a venue that was away is not flooded when it is back.
type pace struct {
	interval time.Duration
	next     time.Time
	timer    *time.Timer
}

func newPace(interval time.Duration) *pace {
	return &pace{interval: interval, next: time.Now(), timer: time.NewTimer(0)}
}

func (p *pace) stop() { p.timer.Stop() }

// wait returns when the next command is due, or ctx's error.
func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	p.next = p.next.Add(p.interval)
	if p.next.Before(now) {
		p.next = now
	}
	p.timer.Reset(p.next.Sub(now))
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
