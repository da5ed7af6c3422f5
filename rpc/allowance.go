package rpc

import (
	"fmt"
	"sync"
	"time"
)

// An allowance is a token bucket for each key, kept as one number: when the bucket
// will be full again (the generic cell rate algorithm, ITU-T I.371). A key whose
// bucket is full is as good as one that was never seen, and is forgotten.

// maxKeys bounds what an allowance remembers. Beyond it, keys that come anew share
// one bucket: a flood from very many places leaves those who are known unharmed.
const maxKeys = 1 << 16

// everyoneElse is the key of those who share.
const everyoneElse = ""

// allowance bounds how often something happens for each key. Safe for concurrent
// use.
type allowance struct {
	rate    Rate
	every   time.Duration // Between two, in the long run.
	burst   time.Duration // How far ahead of that one may be.
	maxKeys int
	started time.Time // Origin of the times below; a jump of the wall clock changes nothing.

	mu    sync.Mutex               // Protects what follows.
	full  map[string]time.Duration // When the bucket of a key is full again.
	swept time.Duration            // When full ones were last forgotten.
}

// newAllowance returns one with full buckets; nil, which admits all, if the rate has
// no bound.
func newAllowance(rate Rate) *allowance {
	if rate.PerSecond < 0 {
		return nil
	}
	every := time.Second / time.Duration(rate.PerSecond)
	return &allowance{
		rate: rate, every: every, burst: every * time.Duration(rate.Burst), maxKeys: maxKeys,
		started: time.Now(), full: map[string]time.Duration{},
	}
}

// admit takes one for key, or says how long there will be none. The error is a
// [*limitError] around refusal; of is what key names.
func (a *allowance) admit(refusal error, of, key string) error {
	if a == nil {
		return nil
	}
	wait := a.take(key, time.Since(a.started))
	if wait == 0 {
		return nil
	}
	limit := fmt.Sprintf("%d a second after %d at once for each %s", a.rate.PerSecond, a.rate.Burst, of)
	return &limitError{err: refusal, limit: limit, after: wait}
}

// take takes one at now and returns 0, or takes nothing and returns after how long
// it would.
func (a *allowance) take(key string, now time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	full, known := a.full[key]
	if !known && len(a.full) >= a.maxKeys && !a.sweep(now) {
		key = everyoneElse
		full = a.full[key]
	}
	full = max(full, now) + a.every
	if wait := full - now - a.burst; wait > 0 {
		return wait
	}
	a.full[key] = full
	return 0
}

// sweep forgets full buckets and says whether there is room then. It walks all of
// them, so it does so at most once a second.
func (a *allowance) sweep(now time.Duration) bool {
	if now-a.swept < time.Second {
		return false
	}
	a.swept = now
	for key, full := range a.full {
		if full <= now {
			delete(a.full, key)
		}
	}
	return len(a.full) < a.maxKeys
}
