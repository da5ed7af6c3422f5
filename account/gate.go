package account

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// stripes is how many groups of users have a place of their own in the gate.
const stripes = 256

// gate decides who may hash a password now. It bounds three things: how many
// hashes run at once (each takes megabytes), how many calls wait for that, and
// how long. It also admits one check at a time per user, so that a failure is
// counted before the next guess is looked at: a hundred guesses sent at once are
// worth no more than a hundred sent one after the other.
type gate struct {
	seed    maphash.Seed
	users   [stripes]chan struct{}
	running chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

func newGate(concurrency, queue int, wait time.Duration) *gate {
	g := &gate{
		seed:    maphash.MakeSeed(),
		running: make(chan struct{}, concurrency),
		queue:   int64(queue),
		wait:    wait,
	}
	for i := range g.users {
		g.users[i] = make(chan struct{}, 1)
	}
	return g
}

// enter waits for the user's turn and then for a free hash. The caller must call
// leave. Errors: ErrBusy when too many wait or it takes too long, or ctx's cause.
//
// Users share a turn when their names fall on the same stripe. That costs them
// some milliseconds, and saves a map that a flood of names could fill.
func (g *gate) enter(ctx context.Context, user string) (leave func(), err error) {
	if g.waiting.Add(1) > g.queue {
		g.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer g.waiting.Add(-1)
	timer := time.NewTimer(g.wait)
	defer timer.Stop()

	turn := g.users[maphash.String(g.seed, user)%stripes]
	if err := take(ctx, turn, timer); err != nil {
		return nil, err
	}
	if err := take(ctx, g.running, timer); err != nil {
		<-turn
		return nil, err
	}
	return func() { <-g.running; <-turn }, nil
}

func take(ctx context.Context, slot chan struct{}, timer *time.Timer) error {
	select {
	case slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ErrBusy
	}
}
