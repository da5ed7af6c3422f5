package push_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

// TestEverySequenceIsWholeAndNoWakeIsLost runs publisher and consumers against
// each other in real time, without a heartbeat that would cover a lost wake.
func TestEverySequenceIsWholeAndNoWakeIsLost(t *testing.T) {
	const rounds, topics = 4000, 12
	h := start(t, push.Config{
		HeartbeatInterval: time.Hour, SendTimeout: time.Hour, AckTimeout: -1, StreamAge: -1, QueueMessages: 1 << 30, QueueBytes: 1 << 40,
		HasState: func(push.Topic) bool { return false },
	})
	names := make([]push.Topic, topics)
	for i := range names {
		names[i] = push.Topic(strconv.Itoa(i))
	}
	receivers := make([]*receiver, 3)
	for i := range receivers {
		receivers[i] = receive(t.Context(), attach(t, h, push.AttachRequest{Connection: strconv.Itoa(i), Topics: names}), 0, nil)
	}
	caughtUp := func(head uint64) bool {
		for _, r := range receivers {
			if r.cursor() < head {
				return false
			}
		}
		return true
	}
	var truth []pushtest.Event
	for n := uint64(1); n <= rounds; n++ {
		var messages []*push.Message
		for i := range uint32(topics) {
			messages = append(messages, event(n, i, names[i], 1))
			truth = append(truth, pushtest.Event{Sequence: n, Index: i})
		}
		publish(t, h, n, messages...)
		// Every second publication comes while the consumers become idle; it must wake all
		// of them.
		limit := time.Now().Add(30 * time.Second) // A consumer that was not woken sleeps for an hour.
		for n%2 == 0 && !caughtUp(n) {
			if time.Now().After(limit) {
				t.Fatalf("a stream sleeps behind %d", n)
			}
			runtime.Gosched()
		}
	}
	for _, r := range receivers {
		r.stream.Close()
		<-r.ended
		r.stream.Wait()
		if v := pushtest.CheckAll(truth, []pushtest.Stream{r.snapshot()}, rounds); len(v) > 0 {
			t.Fatal(v[:min(len(v), 5)])
		}
	}
}
