package client

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestTheClockDifferenceStaysWithinItsBounds lets two clocks drift, with messages
// that take random times, and sets one of them at times.
func TestTheClockDifferenceStaysWithinItsBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	took := func() time.Duration { return time.Duration(random.Int64N(int64(20 * time.Millisecond))) }
	var c clocks
	ahead := 90 * time.Millisecond
	now := time.Unix(1_700_000_000, 0)
	if _, _, known := c.ahead(now); known {
		t.Fatal("known before anything came")
	}
	for i := range 10_000 {
		now = now.Add(5 * time.Second)
		ahead += 500 * time.Microsecond // 100 ppm.
		if i%1000 == 999 {
			ahead = -ahead
		}
		there := now.Add(took())
		received := there.Add(took())
		if i%100 == 0 || i%1000 == 999 {
			c.hello(now, there.Add(ahead), received)
		} else {
			c.heartbeat(there.Add(ahead), received)
		}
		got, give, known := c.ahead(received)
		if off := got - ahead; !known || off < -give || off > give {
			t.Fatalf("at %d: %s give or take %s, want %s", i, got, give, ahead)
		}
		if give > 150*time.Millisecond {
			t.Fatalf("at %d: give or take %s", i, give)
		}
		now = received
	}
}
