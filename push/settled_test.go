package push_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// topical records the topics that each heartbeat names.
type topical struct {
	encoder

	mu    sync.Mutex
	beats []beat
}

type beat struct {
	cursor uint64
	topics []push.Topic // nil: the stream was behind
}

func (e *topical) Heartbeat(i push.HeartbeatInfo) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := beat{cursor: i.Cursor.Sequence}
	if i.Topics != nil {
		b.topics = slices.Collect(i.Topics)
	}
	e.beats = append(e.beats, b)
	return e.encoder.Heartbeat(i)
}

// last returns the topics of the latest heartbeat.
func (e *topical) last(t *testing.T) beat {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.beats) == 0 {
		t.Fatal("no heartbeat")
	}
	return e.beats[len(e.beats)-1]
}

// TestAHeartbeatNamesTheTopicsThatAreWholeAtItsCursor checks that a heartbeat of a stream
// that is behind names no topics: its client does not have everything that was published.
func TestAHeartbeatNamesTheTopicsThatAreWholeAtItsCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &topical{}
		h := start(t, push.Config{Encoder: e, HeartbeatInterval: time.Second, AckTimeout: -1, StreamAge: -1, SendTimeout: time.Hour})
		publish(t, h, 5)
		large := []*push.Message{event(5, 0, "a", push.FragmentBytes-1), event(5, 1, "a", push.FragmentBytes-1)}
		s := attach(t, h, push.AttachRequest{After: 5, Topics: []push.Topic{"a", "b"}, Opening: push.Groups(
			push.Group{Messages: large[:1], Sequence: 5, Unfinished: true}, push.Group{Messages: large[1:], Sequence: 5},
		)})
		pulled := pull(t, s)
		next := func() *push.Response {
			time.Sleep(2 * time.Second) // A heartbeat is due.
			return pulled()
		}
		want := func(when string, r *push.Response, topics ...push.Topic) {
			t.Helper()
			if b := e.last(t); b.cursor != r.Cursor || !slices.Equal(b.topics, topics) {
				t.Errorf("%s: the heartbeat at %d, of a response at %d, names %v, want %v", when, b.cursor, r.Cursor, b.topics, topics)
			}
		}
		r := next()
		if !r.Fragment {
			t.Fatalf("the opening is not in fragments: %v", r)
		}
		want("within the opening", r)
		next()
		want("behind the opening", next(), "a", "b")
		// More than fits into one response: the stream is behind after the first.
		for sequence := uint64(6); sequence < 9; sequence++ {
			publish(t, h, sequence, event(sequence, 0, "a", push.PackBytes))
		}
		for range 2 {
			want("behind", next())
		}
		next()
		want("again at the head", next(), "a", "b")
		// A new topic's first messages must have been taken.
		publish(t, h, 9, event(9, 0, "a", push.PackBytes))
		if err := h.Subscribe("c", "alice", []push.Topic{"c"}, []push.Topic{"a"}, []*push.Message{event(9, 0, "", push.PackBytes)}); err != nil {
			t.Fatal(err)
		}
		if r = next(); r.Cursor != 9 {
			t.Fatalf("the response is at %d", r.Cursor)
		}
		want("before the new topic's first messages", r)
		next()
		want("behind the new topic's first messages", next(), "b", "c")
	})
}
