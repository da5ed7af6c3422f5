package push_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// fresh returns the counts of a kind at a stage.
func fresh(h *push.Hub, stage push.Stage, kind string) push.KindFreshness {
	list := h.Freshness(stage)
	if i := slices.IndexFunc(list, func(k push.KindFreshness) bool { return k.Kind == kind }); i >= 0 {
		return list[i]
	}
	return push.KindFreshness{}
}

func committed(t *testing.T, h *push.Hub, sequence uint64, age time.Duration, messages ...*push.Message) {
	t.Helper()
	if err := h.Publish(push.Publication{Sequence: sequence, Time: time.Now().Add(-age), Messages: messages}); err != nil {
		t.Fatal(err)
	}
}

func TestEveryLiveMessageIsCountedByItsAgeOnceAStageAndStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamAge: -1})
		for _, connection := range []string{"a", "b"} {
			receive(t.Context(), attach(t, h, push.AttachRequest{
				Connection: connection, Topics: []push.Topic{"x", "book"},
				Opening: push.Groups(push.Group{Messages: []*push.Message{event(0, 0, "x", 1)}}),
			}), 0, nil)
		}
		synctest.Wait()
		committed(t, h, 1, 3*time.Millisecond, event(1, 0, "x", 1), event(1, 1, "x", 1), level(1, "book", "k", "v"))
		time.Sleep(time.Second)
		sent := fresh(h, push.StageSent, "event")
		if sent.Count != 4 || sent.Sum != 4*3*time.Millisecond || sent.Quantile(1) != 5*time.Millisecond {
			t.Errorf("sent: %+v, want 2 events on each of 2 streams after 3 ms, and nothing of the opening", sent)
		}
		if state := fresh(h, push.StageSent, "level"); state.Count != 2 {
			t.Errorf("state sent: %+v", state)
		}
		if early := fresh(h, push.StageAcknowledged, "event"); early.Count != 0 {
			t.Errorf("acknowledged before anybody did: %+v", early)
		}

		info := h.List()[0]
		acknowledge(t, h, info, info.Responses)
		acked := fresh(h, push.StageAcknowledged, "event")
		if acked.Count != 1 || acked.Sum != time.Second+3*time.Millisecond {
			t.Errorf("acknowledged: %+v, want one response after 1.003 s", acked)
		}
	})
}

func TestWhatAClientPaintedIsCountedFromItsSecondWordOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamAge: -1})
		s := attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}})
		receive(t.Context(), s, 0, nil)
		synctest.Wait()
		tell := func(sequence uint64) uint64 {
			committed(t, h, sequence, 0, event(sequence, 0, "x", 1))
			synctest.Wait()
			info := s.Info()
			time.Sleep(100 * time.Millisecond)
			acknowledge(t, h, info, info.Responses)
			return info.Responses
		}
		paint := func(number uint64, ago time.Duration) {
			t.Helper()
			if err := h.Painted("c", "alice", s.Info().Attach, number, ago); err != nil {
				t.Fatal(err)
			}
		}
		paint(tell(1), 0)
		number := tell(2)
		paint(number, 40*time.Millisecond)
		paint(number, 0) // Repeated: not counted.
		if painted := fresh(h, push.StagePainted, "event"); painted.Count != 1 || painted.Sum != 60*time.Millisecond {
			t.Errorf("painted: %+v, want once after 60 ms", painted)
		}
		paint(tell(3), time.Hour) // Before it was sent: ignored.
		if painted := fresh(h, push.StagePainted, "event"); painted.Count != 2 || painted.Sum != 60*time.Millisecond {
			t.Errorf("painted: %+v, want a second time at once", painted)
		}
		if err := h.Painted("c", "alice", s.Info().Attach, number+100, 0); !errors.Is(err, push.ErrFuture) {
			t.Errorf("painted an unacknowledged response: %v", err)
		}
		if d, ok := h.Delivery("c"); !ok || d.Painted != number+1 || d.Stages[push.StagePainted].Count != 2 ||
			d.Stages[push.StageSent].Count != 3 || len(d.Recent) != 3 || d.Stages[push.StageAcknowledged].Quantile(.5) != 100*time.Millisecond {
			t.Errorf("delivery: %+v, %t", d, ok)
		}
	})
}

func TestKindsPastTheBoundAreCountedTogether(t *testing.T) {
	h := start(t, push.Config{})
	receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}}), 0, nil)
	for sequence := uint64(1); sequence <= 100; sequence++ {
		m := event(sequence, 0, "x", 1)
		m.Kind = "kind " + time.Duration(sequence).String()
		committed(t, h, sequence, 0, m)
	}
	if n := len(h.Freshness(push.StageSent)); n != 32 {
		t.Errorf("%d kinds are counted, want 32", n)
	}
}

func acknowledge(t *testing.T, h *push.Hub, info push.StreamInfo, number uint64) {
	t.Helper()
	if _, err := h.Acknowledge(info.Connection, info.User, info.Attach, number); err != nil {
		t.Fatal(err)
	}
}
