package push

import (
	"strconv"
	"testing"
	"time"
)

// BenchmarkFreshness measures what counting costs a response of several live messages, to
// compare with a send, which takes microseconds. It must not allocate.
func BenchmarkFreshness(b *testing.B) {
	for _, messages := range []int{1, 16} {
		b.Run(strconv.Itoa(messages), func(b *testing.B) {
			h := NewHub(Config{Epoch: "e"})
			c, s := h.borrowCollector(), &Stream{hub: h}
			for range messages {
				c.addPart(h.freshness.kind("event"), 1, h.since(time.Now()))
			}
			c.sent(s, h.now())
			b.ReportAllocs()
			for b.Loop() {
				c.sent(s, h.now())
			}
		})
	}
}
