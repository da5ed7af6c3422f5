package push

import (
	"strconv"
	"testing"
	"time"
)

// BenchmarkReceipts is what counting costs a response of so many live messages, to
// be held against a send, which takes microseconds. It must not allocate.
func BenchmarkReceipts(b *testing.B) {
	for _, messages := range []int{1, 16} {
		b.Run(strconv.Itoa(messages), func(b *testing.B) {
			h := NewHub(Config{Epoch: "e"})
			c, s := h.newCollector(), &Stream{hub: h}
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
