package client

import (
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

// next doubles the bound and returns a random wait up to it.
func (b *backoff) next() time.Duration {
	b.most = min(max(2*b.most, firstBackoff), mostBackoff)
	return rand.N(b.most) //nolint:gosec // Jitter is no secret.
}
