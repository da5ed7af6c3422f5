package push_test

import (
	"testing"
	"testing/synctest"

	"todoku/push"
)

func TestTotalsNeverFallWhenStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamAge: -1, HasState: func(push.Topic) bool { return false }})
		for _, connection := range []string{"a", "b"} {
			receive(t.Context(), attach(t, h, push.AttachRequest{Connection: connection, Topics: []push.Topic{"x"}}), 0, nil)
		}
		publish(t, h, 1, event(1, 0, "x", 100))
		synctest.Wait()
		before := h.Totals()
		if before.Streams != 2 || before.Responses != 2 || before.Bytes != 200 || before.UnackedBytes != 200 {
			t.Errorf("before: %+v", before)
		}
		h.End(push.Selector{Connection: "a"}, push.ReasonInternal, "")
		synctest.Wait()
		if after := h.Totals(); after.Streams != 1 || after.Responses != 2 || after.Bytes != 200 || after.UnackedBytes != 100 {
			t.Errorf("after: %+v", after)
		}
	})
}
