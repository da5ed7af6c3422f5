package push_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

// gathering attaches so many streams to one topic of a hub that gathers for 5 ms.
func gathering(t *testing.T, streams int) (*push.Hub, []*receiver) {
	t.Helper()
	h := start(t, push.Config{Gather: 5 * time.Millisecond, HeartbeatInterval: time.Hour, AckTimeout: -1, StreamAge: -1, StreamsPerUser: -1})
	receivers := make([]*receiver, streams)
	for i := range receivers {
		receivers[i] = receive(t.Context(), attach(t, h, push.AttachRequest{Connection: strconv.Itoa(i), Topics: []push.Topic{"x"}}), 0, nil)
	}
	synctest.Wait()
	return h, receivers
}

func TestFirstMessageAfterAPauseIsNeverHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, receivers := gathering(t, 1000)
		for n := uint64(1); n <= 20; n++ {
			time.Sleep(5 * time.Millisecond)
			publish(t, h, n, event(n, 0, "x", 1))
			synctest.Wait()
			for _, r := range receivers {
				if r.cursor() != n {
					t.Fatalf("message %d was held back on an idle hub", n)
				}
			}
		}
	})
}

func TestUnderLoadMessagesAreGatheredAndNoneWaitsLong(t *testing.T) {
	const interval, messages = 100 * time.Microsecond, 400
	for _, load := range []struct {
		streams int
		wait    time.Duration // The longest that is right.
		most    int           // Responses of a stream.
	}{
		{1, 5 * time.Microsecond, messages},
		{200, time.Millisecond, 50},
		{1000, 5 * time.Millisecond, 12},
	} {
		t.Run(strconv.Itoa(load.streams), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, receivers := gathering(t, load.streams)
				first := receivers[0]
				before := len(first.snapshot().Responses)
				bound := uint64(load.wait / interval)
				var truth []pushtest.Event
				for n := uint64(1); n <= messages; n++ {
					publish(t, h, n, event(n, 0, "x", 1))
					truth = append(truth, pushtest.Event{Sequence: n})
					time.Sleep(interval)
					synctest.Wait()
					if lag := n - first.cursor(); lag > bound {
						t.Fatalf("%d messages wait, one of them for longer than %s", lag, load.wait)
					}
				}
				time.Sleep(load.wait)
				synctest.Wait()
				if n := len(first.snapshot().Responses) - before; n > load.most {
					t.Errorf("%d responses for %d messages, want at most %d", n, messages, load.most)
				}
				for _, r := range receivers {
					if v := pushtest.CheckAll(truth, []pushtest.Stream{r.snapshot()}, messages); len(v) > 0 {
						t.Fatal(v[:min(len(v), 5)])
					}
				}
			})
		})
	}
}
