package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// Waits between attempts to get the stream back: full jitter, so that clients that
// were cut together do not come back together.
const (
	firstBackoff = 200 * time.Millisecond
	mostBackoff  = 10 * time.Second
	// healthy is after how long a stream counts as a success.
	healthy = time.Minute
)

// backoff is the wait before the next attempt.
type backoff struct{ most time.Duration }

// reset makes the next wait a short one.
func (b *backoff) reset() { b.most = 0 }

// wait waits a random time up to the present bound and doubles the bound. It
// returns false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	b.most = min(max(2*b.most, firstBackoff), mostBackoff)
	return pause(ctx, rand.N(b.most)) //nolint:gosec // Jitter is no secret.
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
