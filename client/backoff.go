package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// Waits between attempts to open a stream, with full jitter, so that clients that were
// disconnected together do not reconnect together.
const (
	firstBackoff = 200 * time.Millisecond
	mostBackoff  = 10 * time.Second
	// healthy is the age from which a stream counts as a success.
	healthy = time.Minute
)

type backoff struct{ most time.Duration }

// reset makes the next wait a short one.
func (b *backoff) reset() { b.most = 0 }

// next doubles the bound and returns a random wait up to it.
func (b *backoff) next() time.Duration {
	b.most = min(max(2*b.most, firstBackoff), mostBackoff)
	return rand.N(b.most) //nolint:gosec // Jitter is no secret.
}

// pause waits for d, or until done is closed or ctx ends.
func pause(ctx context.Context, d time.Duration, done <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
