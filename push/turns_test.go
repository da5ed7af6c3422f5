package push_test

import (
	"io"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

// manyStreams is larger than any number of lanes that a hub can have here.
func manyStreams() int { return 4*runtime.GOMAXPROCS(0) + 10 }

func TestStuckSendsAndOpeningsTakeNobodysTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamsPerUser: -1})
		stuck, release := manyStreams(), make(chan struct{})
		for i := range stuck {
			receive(t.Context(), attach(t, h, push.AttachRequest{Connection: "sending" + strconv.Itoa(i), Topics: []push.Topic{"x"}}), 0, func() { <-release })
			receive(t.Context(), attach(t, h, push.AttachRequest{
				Connection: "opening" + strconv.Itoa(i), Topics: []push.Topic{"x"},
				Opening: func() (push.Group, error) { <-release; return push.Group{}, io.EOF },
			}), 0, nil)
		}
		free := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}}), 0, nil)
		for n := uint64(1); n <= 3; n++ {
			publish(t, h, n, event(n, 0, "x", 1))
			synctest.Wait()
			if free.cursor() != n {
				t.Fatalf("event %d waits for streams that are stuck", n)
			}
		}
		close(release)
	})
}

func TestWhatComesDuringASendGoesInOneResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages = 100
		h := start(t, push.Config{HeartbeatInterval: time.Hour, AckTimeout: -1, StreamAge: -1})
		turn := make(chan struct{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}, Hello: func(push.HelloInfo) []byte { return nil }}), 0, func() { <-turn })
		turn <- struct{}{} // The first response.
		var truth []pushtest.Event
		for n := uint64(1); n <= messages; n++ {
			publish(t, h, n, event(n, 0, "x", 1))
			truth = append(truth, pushtest.Event{Sequence: n})
			synctest.Wait()
		}
		close(turn)
		synctest.Wait()
		got := r.snapshot()
		if n := len(got.Responses); n != 3 {
			t.Errorf("%d responses, want the first, the one being sent, and one for the others", n)
		}
		if v := pushtest.CheckAll(truth, []pushtest.Stream{got}, messages); len(v) > 0 {
			t.Error(v)
		}
	})
}
