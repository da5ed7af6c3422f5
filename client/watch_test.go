package client

import (
	"testing"
	"time"
)

// TestAMachineThatSleptReconnects moves the wall clock: the monotonic one, which
// measures silence, stops while a machine sleeps.
func TestAMachineThatSleptReconnects(t *testing.T) {
	for _, slept := range []time.Duration{31 * time.Second, -31 * time.Second, time.Hour} {
		w := watch{stale: stale, watchdog: watchdog}
		w.set(0, 0)
		now := time.Now()
		w.begin(now)
		if stale, end := w.judge(now.Add(time.Second)); stale || end != "" {
			t.Fatalf("ended by %q after a second", end)
		}
		if _, end := w.judge(now.Round(0).Add(time.Second + slept)); end != ReasonClockJump {
			t.Errorf("after %s of sleep: %q", slept, end)
		}
	}
}

func TestSilenceIsFoundInTime(t *testing.T) {
	w := watch{stale: stale, watchdog: watchdog}
	w.set(2500*time.Millisecond, 4200*time.Millisecond)
	began := time.Now()
	w.begin(began)
	var stale, end time.Duration
	for now := began; end == 0; {
		now = now.Add(w.next(now))
		becameStale, reason := w.judge(now)
		if becameStale {
			stale = now.Sub(began)
		}
		if reason != "" {
			end = now.Sub(began)
		}
	}
	if stale != 2500*time.Millisecond || end != 4200*time.Millisecond {
		t.Errorf("stale after %s, ended after %s", stale, end)
	}
}

func TestBackoffIsBoundedAndSpread(t *testing.T) {
	var b backoff
	for range 2 {
		for most := firstBackoff; ; most = min(2*most, mostBackoff) {
			if wait := b.next(); wait < 0 || wait >= most {
				t.Fatalf("waits %s, at most %s", wait, most)
			}
			if most == mostBackoff {
				break
			}
		}
		b.reset()
	}
}
