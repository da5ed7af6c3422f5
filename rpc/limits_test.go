package rpc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/quick"
	"time"
)

var errTestRate = errors.New("too fast")

func TestARateAdmitsItsBurstAndThenItsNumberASecond(t *testing.T) {
	a := newAllowance(Rate{PerSecond: 10, Burst: 3}, "user", errTestRate)
	for i := range 3 {
		if wait := a.take("alice", 0); wait != 0 {
			t.Fatalf("number %d of a burst of 3 must wait %s", i+1, wait)
		}
	}
	if wait := a.take("alice", 0); wait != 100*time.Millisecond {
		t.Errorf("after the burst one waits %s, want 100 ms", wait)
	}
	if wait := a.take("bob", 0); wait != 0 {
		t.Errorf("another key waits %s", wait)
	}
	if wait := a.take("alice", 99*time.Millisecond); wait != time.Millisecond {
		t.Errorf("too early one waits %s, want 1 ms more", wait)
	}
	if wait := a.take("alice", 100*time.Millisecond); wait != 0 {
		t.Errorf("after the time given one still waits %s", wait)
	}
}

// TestAnAllowanceIsATokenBucket compares an allowance with one that counts tokens.
func TestAnAllowanceIsATokenBucket(t *testing.T) {
	type bucket struct {
		tokens time.Duration // In units of 1/rate, times the time between two.
		at     time.Duration
	}
	check := func(seed uint64) bool {
		random := rand.New(rand.NewPCG(seed, 1))
		rate := Rate{PerSecond: 1 + random.IntN(50), Burst: 1 + random.IntN(20)}
		a := newAllowance(rate, "user", errTestRate)
		every := time.Second / time.Duration(rate.PerSecond)
		naive, now := map[string]*bucket{}, time.Duration(0)
		for range 500 {
			now += time.Duration(random.Int64N(int64(every)))
			key := strconv.Itoa(random.IntN(3))
			b := naive[key]
			if b == nil {
				b = &bucket{tokens: every * time.Duration(rate.Burst), at: now}
				naive[key] = b
			}
			b.tokens, b.at = min(b.tokens+now-b.at, every*time.Duration(rate.Burst)), now
			want := max(every-b.tokens, 0)
			if want == 0 {
				b.tokens -= every
			}
			if got := a.take(key, now); got != want {
				t.Logf("%+v at %s: wait %s, want %s", rate, now, got, want)
				return false
			}
		}
		return true
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestAFloodOfKeysDoesNotAffectKnownKeysAndIsDeleted(t *testing.T) {
	a := newAllowance(Rate{PerSecond: 1, Burst: 10}, "user", errTestRate)
	a.maxKeys = 100
	a.take("honest", 0)
	for i := range 1000 {
		a.take(fmt.Sprint("flood", i), 0)
	}
	if len(a.full) > 101 {
		t.Errorf("%d keys are kept, want 100 and the shared one", len(a.full))
	}
	if wait := a.take("stranger", 0); wait == 0 {
		t.Error("new keys are not limited when there is no room")
	}
	if wait := a.take("honest", 0); wait != 0 {
		t.Errorf("a known key waits %s", wait)
	}
	later := time.Minute
	if wait := a.take("stranger", later); wait != 0 || len(a.full) > 2 {
		t.Errorf("a minute later a new key waits %s, and %d keys are kept", wait, len(a.full))
	}
}

func TestALimitOfCallsCountsEachCallerSeparately(t *testing.T) {
	l := newLimiter(Limits{CallsPerUser: 2})
	alice, bob := &caller{}, &caller{}
	alice.User, bob.User = "alice", "bob"
	leave, err := l.call(alice)
	_, err2 := l.call(alice)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	_, err = l.call(alice)
	var limit *limitError
	if !errors.Is(err, errTooManyCalls) || !errors.As(err, &limit) || limit.after == 0 {
		t.Errorf("the third call: %v", err)
	}
	if _, err := l.call(bob); err != nil {
		t.Errorf("a call of another caller: %v", err)
	}
	leave()
	if _, err := l.call(alice); err != nil {
		t.Errorf("a call after one ended: %v", err)
	}
}

func TestLimitsThatWouldAdmitNoCallerAreRefused(t *testing.T) {
	for _, good := range []Limits{{}, {AttachesPerUser: Rate{PerSecond: -1}}, {SignInsPerNetwork: Rate{PerSecond: 1, Burst: 1}}} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []Limits{{AttachesPerUser: Rate{PerSecond: 5}}, {SubscriptionsPerUser: Rate{Burst: 5}}, {SignInsPerNetwork: Rate{PerSecond: 1, Burst: 1 << 40}}} {
		if err := bad.Validate(); !errors.Is(err, ErrLimits) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := newAllowance(Rate{PerSecond: -1}, "user", errTestRate).admit("alice"); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}
