package push_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

// encoder writes the hub's own messages as plain words.
type encoder struct{}

func (encoder) Heartbeat(i push.HeartbeatInfo) []byte {
	return fmt.Appendf(nil, "heartbeat %d at %s, conflated %d", i.Number, i.Cursor, i.Conflated)
}

func (encoder) Reconnect(i push.ReconnectInfo) []byte {
	return fmt.Appendf(nil, "reconnect %s within %s", i.Reason, i.Within)
}

func (encoder) Expiry(at time.Time) []byte {
	return fmt.Appendf(nil, "expiry in %s", time.Until(at))
}

func (encoder) StateBegin(t push.Topic) []byte { return []byte("begin " + t) }

// start runs a hub for the length of the test.
func start(t *testing.T, config push.Config) *push.Hub {
	t.Helper()
	if config.Epoch == "" {
		config.Epoch = "e"
	}
	if config.Encoder == nil {
		config.Encoder = encoder{}
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	h := push.NewHub(config)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return h
}

func event(sequence uint64, index uint32, topic push.Topic, size int) *push.Message {
	return &push.Message{Sequence: sequence, Index: index, Topic: topic, Kind: "event", Data: []byte(strings.Repeat("e", size))}
}

func level(sequence uint64, topic push.Topic, key, value string) *push.Message {
	return &push.Message{Sequence: sequence, Topic: topic, Key: key, Gone: value == "", Kind: "level", Data: []byte(value)}
}

func publish(t *testing.T, h *push.Hub, sequence uint64, messages ...*push.Message) {
	t.Helper()
	if err := h.Publish(push.Publication{Sequence: sequence, Time: time.Now(), Messages: messages}); err != nil {
		t.Fatal(err)
	}
}

func attach(t *testing.T, h *push.Hub, r push.AttachRequest) *push.Stream {
	t.Helper()
	if r.Connection == "" {
		r.Connection = "c"
	}
	if r.User == "" {
		r.User = "alice"
	}
	s, err := h.Attach(r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receiver is the far end of a stream: it records what arrives and keeps the
// state as a client would.
type receiver struct {
	stream *push.Stream
	hold   func() // Called in every send, before recording.
	ended  chan struct{}
	err    error // After ended.

	mu     sync.Mutex
	record pushtest.Stream
	own    []string // The hub's own messages.
	times  []time.Time
	state  map[push.Topic]map[string]string
	count  uint64 // State values received.
	skips  uint64
}

// receive serves the stream to a new receiver until the stream or ctx ends.
func receive(ctx context.Context, s *push.Stream, resume uint64, hold func()) *receiver {
	r := &receiver{
		stream: s, hold: hold, ended: make(chan struct{}),
		record: pushtest.Stream{Resume: resume}, state: make(map[push.Topic]map[string]string),
	}
	go func() {
		defer close(r.ended)
		r.err = s.Serve(ctx, r.send)
	}()
	return r
}

// pull serves the stream one response at a time: each call of the returned function
// ends the send of the response before and returns the next response.
func pull(t *testing.T, s *push.Stream) func() *push.Response {
	t.Helper()
	responses, sent := make(chan *push.Response), make(chan struct{})
	started := false
	return func() *push.Response {
		if !started {
			started = true
			if err := s.Start(func(r *push.Response) error {
				responses <- r
				select {
				case <-sent:
				case <-t.Context().Done():
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		} else {
			sent <- struct{}{}
		}
		return <-responses
	}
}

var errStopped = errors.New("stopped receiving")

func (r *receiver) send(response *push.Response) error {
	if r.hold != nil {
		r.hold()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := pushtest.Response{Number: response.Number, Previous: response.Previous, Cursor: response.Cursor, Fragment: response.Fragment}
	for _, m := range response.Messages {
		switch {
		case m.Topic == "":
			r.own = append(r.own, string(m.Bytes()))
			r.times = append(r.times, time.Now())
			if topic, begins := strings.CutPrefix(string(m.Bytes()), "begin "); begins {
				r.state[push.Topic(topic)] = make(map[string]string)
			}
		case m.Key == "":
			out.Events = append(out.Events, pushtest.Event{Sequence: m.Sequence, Index: m.Index})
		case m.Gone:
			r.count++
			delete(r.state[m.Topic], m.Key)
		default:
			r.count++
			r.state[m.Topic][m.Key] = string(m.Bytes())
		}
	}
	r.skips += response.Conflated
	r.record.Responses = append(r.record.Responses, out)
	return nil
}

func (r *receiver) snapshot() pushtest.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return pushtest.Stream{Resume: r.record.Resume, Fresh: r.record.Fresh, Responses: append([]pushtest.Response(nil), r.record.Responses...)}
}

func (r *receiver) cursor() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return last(r.record)
}

func (r *receiver) received() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.own...)
}

func wantReason(t *testing.T, r *receiver, want push.Reason) {
	t.Helper()
	<-r.ended
	if got := push.ReasonOf(r.err); got != want {
		t.Fatalf("ended with %q (%v), want %q", got, r.err, want)
	}
}
