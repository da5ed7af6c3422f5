package push_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// What a client may make a hub send or hold, beyond what time bounds.

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
			t.Errorf("who acknowledges got %d of 30", got)
		}
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
		attach(t, h, request("b", "n/4")) // A take-over from next door is not one more.
		first.Close()
		attach(t, h, request("d", "n/3"))
	})
}
