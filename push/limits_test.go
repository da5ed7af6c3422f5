package push_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// Bounds, other than timeouts, on what a client can make a hub send or hold.

func TestAClientThatNeverAcknowledgesIsSentNoMoreThanItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{UnackedBytes: 1000, HeartbeatInterval: 20 * time.Second, HasState: func(push.Topic) bool { return false }})
		honest := receive(t.Context(), attach(t, h, push.AttachRequest{Connection: "honest", Topics: []push.Topic{"x"}}), 0, nil)
		liar := receive(t.Context(), attach(t, h, push.AttachRequest{Connection: "liar", Topics: []push.Topic{"x"}}), 0, nil)
		for n := uint64(1); n <= 30; n++ {
			publish(t, h, n, event(n, 0, "x", 100))
			synctest.Wait()
			if _, err := h.Acknowledge("honest", "alice", 1, n); err != nil {
				t.Fatal(err)
			}
		}
		wantReason(t, liar, push.ReasonNotAcknowledging)
		if got := len(liar.snapshot().Responses); got < 10 || got > 11 {
			t.Errorf("ended after %d responses of 100 bytes, want it at 1000 bytes", got)
		}
		if got := len(honest.snapshot().Responses); got != 30 {
			t.Errorf("a client that acknowledges got %d of 30", got)
		}
	})
}

// TestChangesOfTopicsCannotFillAQueueBeyondItsBound has a client that does not read change
// its topics again and again without any publication.
func TestChangesOfTopicsCannotFillAQueueBeyondItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{QueueMessages: 4})
		publish(t, h, 7)
		r := receive(t.Context(), attach(t, h, push.AttachRequest{After: 7}), 7, func() { <-t.Context().Done() })
		var initial []*push.Message
		for i := range uint32(3) {
			initial = append(initial, event(7, i, "x", 1))
		}
		most := 0
		for range 10 {
			if err := h.Subscribe("c", "alice", []push.Topic{"x"}, []push.Topic{"x"}, initial); err != nil {
				break // It has ended, as it must.
			}
			most = max(most, r.stream.Info().Queued)
		}
		if most > 4+len(initial) {
			t.Errorf("%d messages waited, the bound is 4", most)
		}
		wantReason(t, r, push.ReasonSlowConsumer)
	})
}

// TestAQueueThatBecomesFullWithinASequenceTakesAllOfIt fills it with the first topic of
// a sequence that has two.
func TestAQueueThatBecomesFullWithinASequenceTakesAllOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{QueueMessages: 2})
		s := attach(t, h, push.AttachRequest{Topics: []push.Topic{"x", "y"}})
		publish(t, h, 1, event(1, 0, "x", 1))
		publish(t, h, 2, event(2, 0, "x", 1), event(2, 1, "y", 1))
		if queued := s.Info().Queued; queued != 3 {
			t.Errorf("%d messages wait, want 3", queued)
		}
		publish(t, h, 3, event(3, 0, "x", 1))
		wantReason(t, receive(t.Context(), s, 0, nil), push.ReasonSlowConsumer)
	})
}

func TestStreamsOfOneNetworkAreCountedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := func(remote string) string { before, _, _ := strings.Cut(remote, "/"); return before }
		h := start(t, push.Config{StreamsPerAddress: 2, Network: network})
		request := func(connection, remote string) push.AttachRequest {
			return push.AttachRequest{Connection: connection, User: connection, Remote: remote}
		}
		first := attach(t, h, request("a", "n/1"))
		attach(t, h, request("b", "n/2"))
		if _, err := h.Attach(request("c", "n/3")); !errors.Is(err, push.ErrTooManyStreams) {
			t.Errorf("the third stream of a network: %v", err)
		}
		attach(t, h, request("c", "m/3"))
		attach(t, h, request("b", "n/4")) // A take-over in the network adds no stream.
		first.Close()
		attach(t, h, request("d", "n/3"))
	})
}

// TestWhatWaitsForOneThatStopsReadingIsBoundedInMemory measures the heap, not the sizes
// that the hub counts: most memory of a small message is in the queue's own structures.
func TestWhatWaitsForOneThatStopsReadingIsBoundedInMemory(t *testing.T) {
	const (
		bound     = 3 << 19
		tolerance = bound / 8 // For other allocations of the test process.
		step      = 128
	)
	for _, size := range []int{1, 100, 245, 1000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			h := start(t, push.Config{QueueMessages: 1 << 20, QueueBytes: bound, SendTimeout: time.Hour, AckTimeout: -1})
			hold, release := stuck()
			r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}}), 0, hold)
			before, most, n := settled(), uint64(0), uint64(0)
			for len(h.List()) > 0 && most < before+2*bound {
				for range step {
					n++
					publish(t, h, n, event(n, 0, "x", size))
				}
				most = max(most, living())
			}
			r.stream.Close()
			release()
			if held := int64(most) - int64(before); held > bound+tolerance || held < bound/2 {
				t.Errorf("%d bytes are held by %d messages, the bound is %d", held, n, bound)
			}
			wantReason(t, r, push.ReasonSlowConsumer)
		})
	}
}

// living returns the bytes of reachable objects on the heap.
func living() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// settled returns living after the garbage of earlier tests is collected; pools, for
// example, take two collections.
func settled() uint64 {
	const enough = 16 << 10
	for last := living(); ; {
		now := living()
		if now+enough > last {
			return now
		}
		last = now
	}
}
