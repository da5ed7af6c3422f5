package live

import (
	"testing"

	"todoku/push"
)

// TestTheLaterOfTwoAttachesIsTheLiveOne tries both orders.
func TestTheLaterOfTwoAttachesIsTheLiveOne(t *testing.T) {
	of := func(attach uint64) *Stream { return &Stream{Entry: Entry{Attach: attach, Connection: "c"}} }
	for _, order := range [][]uint64{{1, 2}, {2, 1}} {
		s := &Streams{streams: map[string]*Stream{}}
		for _, attach := range order {
			s.setLive(of(attach))
		}
		if live := s.stream("c"); live.Attach != 2 {
			t.Errorf("attached in the order %v, live is %d", order, live.Attach)
		}
	}
}

// TestALateRequestToEndAStreamDoesNotEndTheNextOne ends a stream whose connection another
// has taken over.
func TestALateRequestToEndAStreamDoesNotEndTheNextOne(t *testing.T) {
	hub := push.NewHub(push.Config{Epoch: "e"})
	stream, err := hub.Attach(push.AttachRequest{Connection: "c", User: "u"})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	s := &Streams{options: Options{Hub: hub}, streams: map[string]*Stream{}}
	s.setLive(&Stream{Entry: Entry{Attach: stream.Info().Attach, Connection: "c"}})
	s.end(Entry{Attach: stream.Info().Attach - 1, Connection: "c"}, push.ReasonReplaced, "late")
	if len(hub.List()) != 1 {
		t.Error("the later stream was ended")
	}
	s.end(Entry{Attach: stream.Info().Attach, Connection: "c"}, push.ReasonReplaced, "in time")
	if len(hub.List()) != 0 {
		t.Error("the stream was not ended")
	}
}
