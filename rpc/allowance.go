package rpc

import (
	"fmt"
	"maps"
	"sync"
	"time"
)

// maxKeys bounds the keys of an allowance. Beyond it, new keys share one bucket: a flood
// from very many addresses does not affect known callers.
const maxKeys = 1 << 16

// sharedKey is the key of that bucket.
const sharedKey = ""

// allowance bounds how often something happens for each key: a token bucket each, kept
// as the time when it will be full (the generic cell rate algorithm, ITU-T I.371). A full
// bucket equals an unknown key, and is deleted. Safe for concurrent use.
type allowance struct {
	rate    Rate
	of      string // What a key names.
	refusal error
	every   time.Duration // The average time between two.
	burst   time.Duration // How far ahead of that a key may be.
	maxKeys int
	started time.Time // Origin of the times below; a jump of the wall clock changes nothing.

	mu    sync.Mutex               // Protects what follows.
	full  map[string]time.Duration // When the bucket of a key is full again.
	swept time.Duration            // When full buckets were last deleted.
}

// newAllowance returns one with full buckets; nil, which admits all, if the rate has
// no bound.
func newAllowance(rate Rate, of string, refusal error) *allowance {
	if rate.PerSecond < 0 {
		return nil
	}
	every := time.Second / time.Duration(rate.PerSecond)
	return &allowance{
		rate: rate, of: of, refusal: refusal, every: every, burst: every * time.Duration(rate.Burst), maxKeys: maxKeys,
		started: time.Now(), full: map[string]time.Duration{},
	}
}

// admit takes one for key, or returns a [*limitError] around the refusal.
func (a *allowance) admit(key string) error {
	if a == nil {
		return nil
	}
	wait := a.take(key, time.Since(a.started))
	if wait == 0 {
		return nil
	}
	limit := fmt.Sprintf("%d a second after %d at once for each %s", a.rate.PerSecond, a.rate.Burst, a.of)
	return &limitError{err: a.refusal, limit: limit, after: wait}
}

// reserve takes one for key in any case, and returns how long to wait before it is used.
func (a *allowance) reserve(key string) (wait time.Duration) {
	if a == nil {
		return 0
	}
	now := time.Since(a.started)
	a.mu.Lock()
	defer a.mu.Unlock()
	full := max(a.bucket(&key, now), now) + a.every
	a.full[key] = full
	return max(full-now-a.burst, 0)
}

// ahead returns how long the key has to wait until there is one, and takes none.
func (a *allowance) ahead(key string) time.Duration {
	if a == nil {
		return 0
	}
	now := time.Since(a.started)
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(a.full[key]-now-a.burst, 0)
}

// bucket returns when the bucket of a key is full again. Without room for another key, the
// key becomes the shared one.
func (a *allowance) bucket(key *string, now time.Duration) time.Duration {
	full, known := a.full[*key]
	if !known && len(a.full) >= a.maxKeys && !a.sweep(now) {
		*key = sharedKey
		full = a.full[*key]
	}
	return full
}

// take takes one at now and returns 0, or takes none and returns how long to wait.
func (a *allowance) take(key string, now time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	full := max(a.bucket(&key, now), now) + a.every
	if wait := full - now - a.burst; wait > 0 {
		return wait
	}
	a.full[key] = full
	return 0
}

// sweep deletes full buckets, at most once a second because it visits all of them, and
// reports whether there is room now.
func (a *allowance) sweep(now time.Duration) bool {
	if now-a.swept < time.Second {
		return false
	}
	a.swept = now
	maps.DeleteFunc(a.full, func(_ string, full time.Duration) bool { return full <= now })
	return len(a.full) < a.maxKeys
}
