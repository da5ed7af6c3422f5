package push_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

func TestRefusalsChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamsPerUser: 2, StreamsPerAddress: 3, TopicsPerStream: 2})
		publish(t, h, 5)
		good := push.AttachRequest{Connection: "a", User: "alice", Remote: "r", After: 5, Topics: []push.Topic{"x", "x", "y"}}
		s, err := h.Attach(good)
		if err != nil {
			t.Fatal(err)
		}
		change := func(f func(*push.AttachRequest)) push.AttachRequest { r := good; f(&r); return r }
		for _, c := range []struct {
			request push.AttachRequest
			want    error
		}{
			{change(func(r *push.AttachRequest) { r.After = 4 }), push.ErrNotCurrent},
			{change(func(r *push.AttachRequest) { r.After = 6 }), push.ErrNotCurrent},
			{change(func(r *push.AttachRequest) { r.StateInterval = time.Millisecond }), push.ErrBadInterval},
			{change(func(r *push.AttachRequest) { r.StateInterval = time.Minute }), push.ErrBadInterval},
			{change(func(r *push.AttachRequest) { r.Topics = []push.Topic{"x", "y", "z"} }), push.ErrTooManyTopics},
		} {
			if _, err := h.Attach(c.request); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		}
		if push.ReasonOf(nil) != "" || len(h.List()) != 1 || s.Info().Topics != 2 {
			t.Error("a refused attach changed something")
		}
		for i := range 2 {
			r := change(func(r *push.AttachRequest) { r.Connection = fmt.Sprint("b", i) })
			if _, err := h.Attach(r); i == 1 && !errors.Is(err, push.ErrTooManyStreams) {
				t.Errorf("the third stream of a user: %v", err)
			}
		}
		for i, user := range []string{"bob", "carol"} {
			r := change(func(r *push.AttachRequest) { r.Connection, r.User = user, user })
			if _, err := h.Attach(r); i == 1 && !errors.Is(err, push.ErrTooManyStreams) {
				t.Errorf("the fourth stream of an address: %v", err)
			}
		}
		if err := h.Subscribe("a", "alice", []push.Topic{"z"}, nil, nil); !errors.Is(err, push.ErrTooManyTopics) {
			t.Errorf("a third topic: %v", err)
		}
		if err := h.Subscribe("a", "alice", []push.Topic{"z"}, []push.Topic{"x"}, nil); err != nil {
			t.Errorf("one for another: %v", err)
		}
		if err := h.Subscribe("a", "bob", nil, nil, nil); !errors.Is(err, push.ErrNotYours) {
			t.Errorf("another's stream: %v", err)
		}
		if err := h.Subscribe("q", "bob", nil, nil, nil); !errors.Is(err, push.ErrNotAttached) {
			t.Errorf("no stream: %v", err)
		}
		if err := h.Publish(push.Publication{Sequence: 5}); !errors.Is(err, push.ErrOutOfOrder) {
			t.Errorf("a sequence twice: %v", err)
		}
		if err := s.Start(func(*push.Response) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(t.Context(), nil); !errors.Is(err, push.ErrConsumed) {
			t.Errorf("served twice: %v", err)
		}
	})
}

func TestASequenceTooBigForOneResponseTravelsInFragments(t *testing.T) {
	for name, opening := range map[string]bool{"live": false, "replayed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, push.Config{})
				var big []*push.Message
				var truth []pushtest.Event
				for i := range uint32(30) {
					big = append(big, event(1, i, "x", 100<<10))
					truth = append(truth, pushtest.Event{Sequence: 1, Index: i})
				}
				truth = append(truth, pushtest.Event{Sequence: 2})
				request := push.AttachRequest{Topics: []push.Topic{"x"}}
				if opening {
					publish(t, h, 1, big...)
					request.After, request.Opening = 1, push.Groups(push.Group{Messages: big, Sequence: 1})
				}
				r := receive(t.Context(), attach(t, h, request), 0, nil)
				if !opening {
					publish(t, h, 1, big...)
				}
				synctest.Wait() // The queue is far beyond its bound until it is sent.
				publish(t, h, 2, event(2, 0, "x", 1))
				time.Sleep(time.Second)
				record := r.snapshot()
				if v := pushtest.CheckAll(truth, []pushtest.Stream{record}, 2); len(v) > 0 {
					t.Fatal(v)
				}
				fragments := 0
				for _, response := range record.Responses {
					if response.Fragment {
						fragments++
					}
				}
				if fragments != 2 {
					t.Errorf("%d fragments before the last, want 2", fragments)
				}
			})
		})
	}
}

func TestAnUnfinishedSnapshotMovesNoCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		publish(t, h, 9)
		var groups []push.Group
		for i := range uint32(100) {
			groups = append(groups, push.Group{Messages: []*push.Message{event(9, i, "x", 10<<10)}, Sequence: 9, Unfinished: i < 99})
		}
		r := receive(t.Context(), attach(t, h, push.AttachRequest{After: 9, Resume: 3, Opening: push.Groups(groups...)}), 3, nil)
		synctest.Wait()
		responses := r.snapshot().Responses
		if len(responses) < 10 {
			t.Fatalf("a megabyte came in %d responses", len(responses))
		}
		for i, response := range responses {
			done := response.Cursor == 9
			if response.Fragment == done || done != (i == len(responses)-1) {
				t.Errorf("response %d of %d: cursor %d, fragment %v", i+1, len(responses), response.Cursor, response.Fragment)
			}
		}
	})
}

func TestSmallThingsTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		var groups []push.Group
		for n := uint64(1); n <= 1000; n++ {
			groups = append(groups, push.Group{Messages: []*push.Message{event(n, 0, "x", 100)}, Sequence: n})
		}
		publish(t, h, 1000)
		r := receive(t.Context(), attach(t, h, push.AttachRequest{After: 1000, Opening: push.Groups(groups...)}), 0, nil)
		synctest.Wait()
		if n := len(r.snapshot().Responses); n != 2 {
			t.Errorf("100 kB of replay came in %d responses", n)
		}
	})
}

func TestAnOpeningThatFailsEndsTheStreamByName(t *testing.T) {
	for _, c := range []struct {
		source push.Source
		want   push.Reason
	}{
		{func() (push.Group, error) { return push.Group{}, io.ErrUnexpectedEOF }, push.ReasonInternal},
		{func() (push.Group, error) { return push.Group{}, fmt.Errorf("read: %w", context.Canceled) }, push.ReasonDisconnected},
		{func() (push.Group, error) { return push.Group{}, &push.End{Reason: push.ReasonBadCursor} }, push.ReasonBadCursor},
		{push.Groups(push.Group{Sequence: 6}), push.ReasonInternal},
		{push.Groups(push.Group{Sequence: 3}, push.Group{Sequence: 2}), push.ReasonInternal},
		{push.Groups(push.Group{Sequence: 3, Unfinished: true}), push.ReasonInternal},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, push.Config{})
			publish(t, h, 5)
			wantReason(t, receive(t.Context(), attach(t, h, push.AttachRequest{After: 5, Opening: c.source}), 0, nil), c.want)
		})
	}
}

func TestSubscribingDeliversTheInitialMessagesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		s := attach(t, h, push.AttachRequest{Topics: []push.Topic{"old"}})
		publish(t, h, 1, event(1, 0, "old", 1), event(1, 1, "new", 1))
		if err := h.Subscribe("c", "alice", []push.Topic{"new"}, []push.Topic{"old"}, []*push.Message{event(1, 7, "new", 1)}); err != nil {
			t.Fatal(err)
		}
		publish(t, h, 2, event(2, 0, "old", 1), event(2, 1, "new", 1))
		r := receive(t.Context(), s, 0, nil)
		synctest.Wait()
		var got []pushtest.Event
		for _, response := range r.snapshot().Responses {
			got = append(got, response.Events...)
		}
		if want := []pushtest.Event{{Sequence: 1}, {Sequence: 1, Index: 7}, {Sequence: 2, Index: 1}}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestTopicsOfOneSequenceArriveMergedByIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		s := attach(t, h, push.AttachRequest{Topics: []push.Topic{"b", "a"}})
		publish(t, h, 1, event(1, 0, "a", 1), event(1, 1, "b", 1), event(1, 2, "a", 1), event(1, 3, "b", 1))
		response := pull(t, s)()
		for len(response.Messages) == 0 || response.Messages[0].Kind != "event" {
			t.Fatalf("unexpected first message %+v", response.Messages)
		}
		for i, m := range response.Messages[:4] {
			if m.Index != uint32(i) {
				t.Errorf("message %d has index %d", i, m.Index)
			}
		}
	})
}

// listener counts the calls it receives, per connection.
type listener struct {
	mu     sync.Mutex
	events []string
}

func (l *listener) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, fmt.Sprintf(format, args...))
}
func (l *listener) Attached(i push.StreamInfo) { l.note("attached %s", i.Connection) }
func (l *listener) Ended(e push.EndRecord)     { l.note("ended %s %s", e.Connection, e.Reason) }
func (l *listener) Acknowledged(e push.AckEvent) {
	l.note("acknowledged %s %d cursor %d", e.Stream.Connection, e.Number, e.Cursor)
}

func TestTheListenerIsToldOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listener{}
		h := start(t, push.Config{Listener: l})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}}), 0, nil)
		publish(t, h, 7, event(7, 0, "x", 1))
		synctest.Wait()
		if _, err := h.Acknowledge("c", "alice", 1, uint64(len(r.snapshot().Responses))); err != nil {
			t.Fatal(err)
		}
		h.End(push.Selector{}, push.ReasonUserSuspended, "")
		wantReason(t, r, push.ReasonUserSuspended)
		r.stream.Close()
		n := len(r.snapshot().Responses)
		want := []string{"attached c", fmt.Sprintf("acknowledged c %d cursor 7", n), "ended c USER_SUSPENDED"}
		if !slices.Equal(l.events, want) {
			t.Errorf("received %q, want %q", l.events, want)
		}
	})
}

func TestEndsKeepsTheLastOnesNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{EndsKept: 3})
		for i := range 7 {
			attach(t, h, push.AttachRequest{Connection: strconv.Itoa(i)}).Close()
		}
		var names []string
		for _, e := range h.Ends() {
			names = append(names, e.Connection)
		}
		if !slices.Equal(names, []string{"6", "5", "4"}) {
			t.Errorf("remembered %v", names)
		}
	})
}
