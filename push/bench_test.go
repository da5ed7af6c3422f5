package push_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"todoku/push"
)

// benchHub returns a hub with streams whose messages are thrown away, and a function that
// waits until all have caught up.
func benchHub(b *testing.B, streams int) (*push.Hub, func()) {
	b.Helper()
	h := push.NewHub(push.Config{Epoch: "e", QueueMessages: 1 << 30, QueueBytes: 1 << 40, AckTimeout: -1, StreamsPerUser: -1})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = h.Run(ctx) })
	served := make([]*push.Stream, streams)
	for i := range streams {
		s, err := h.Attach(push.AttachRequest{Connection: strconv.Itoa(i), User: "u", Topics: []push.Topic{"x"}})
		if err != nil {
			b.Fatal(err)
		}
		served[i] = s
		all.Go(func() { _ = s.Serve(ctx, func(*push.Response) error { return nil }) })
	}
	b.Cleanup(func() { cancel(); all.Wait() })
	return h, func() {
		for _, s := range served {
			for s.Info().Queued > 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
}

// BenchmarkPublishEvent is one event to n streams, hub and consumers together.
func BenchmarkPublishEvent(b *testing.B) {
	for _, streams := range []int{1, 1000, 10000} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			h, settle := benchHub(b, streams)
			message := []*push.Message{{Topic: "x", Kind: "event", Data: make([]byte, 200)}}
			b.ReportAllocs()
			for b.Loop() {
				if err := h.Publish(push.Publication{Sequence: h.Published() + 1, Time: time.Now(), Messages: message}); err != nil {
					b.Fatal(err)
				}
			}
			settle()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(streams), "ns/delivery")
		})
	}
}

// BenchmarkPublishState must not depend on the number of subscribers.
func BenchmarkPublishState(b *testing.B) {
	for _, streams := range []int{1, 1000, 10000} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			h, _ := benchHub(b, streams)
			messages := make([]*push.Message, 64)
			for i := range messages {
				messages[i] = &push.Message{Topic: "x", Key: strconv.Itoa(i), Kind: "level", Data: make([]byte, 60)}
			}
			n := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				n++
				if err := h.Publish(push.Publication{Sequence: n, Messages: messages[n%64 : n%64+1]}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdleStream reports what a quiet stream costs beside its transport:
// the hub's tables, the stream, and the stack of the handler that waits in Serve.
func BenchmarkIdleStream(b *testing.B) {
	const streams = 10000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h, settle := benchHub(b, streams)
		if err := h.Publish(push.Publication{Sequence: 1, Messages: []*push.Message{{Topic: "x", Data: make([]byte, 200)}}}); err != nil {
			b.Fatal(err)
		}
		settle()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/streams, "heap-B/stream")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/streams, "stack-B/stream")
		runtime.KeepAlive(h)
	}
}
