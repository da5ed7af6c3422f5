package push_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
	"todoku/push/pushtest"
)

// world is the naive model: all publications, and per client the topics it had at each
// sequence.
type world struct {
	hub     *push.Hub
	random  *rand.Rand
	log     []push.Publication
	state   map[push.Topic]map[string]string
	clients []*modelClient
}

type modelClient struct {
	name    string
	topics  map[push.Topic]bool
	truth   []pushtest.Event
	streams []pushtest.Stream
	live    *receiver
	cancel  context.CancelFunc
}

func (w *world) topic() push.Topic { return push.Topic(fmt.Sprintf("t%d", w.random.IntN(6))) }

func (w *world) publish(t *testing.T) {
	t.Helper()
	sequence := w.hub.Published() + 1 + uint64(w.random.IntN(2))
	p := push.Publication{Sequence: sequence, Time: time.Now()}
	for i := range w.random.IntN(5) {
		topic := w.topic()
		if w.random.IntN(2) == 0 {
			key, value := fmt.Sprintf("k%d", w.random.IntN(200)), fmt.Sprint(sequence, i)
			if w.random.IntN(2) == 0 {
				value = ""
			}
			m := level(sequence, topic, key, value)
			m.Index = uint32(i)
			p.Messages = append(p.Messages, m)
			if w.state[topic] == nil {
				w.state[topic] = make(map[string]string)
			}
			if w.state[topic][key] = value; value == "" {
				delete(w.state[topic], key)
			}
			continue
		}
		size := w.random.IntN(300)
		if w.random.IntN(50) == 0 {
			size = 700 << 10
		}
		p.Messages = append(p.Messages, event(sequence, uint32(i), topic, size))
		for _, c := range w.clients {
			if c.topics[topic] {
				c.truth = append(c.truth, pushtest.Event{Sequence: sequence, Index: uint32(i)})
			}
		}
	}
	w.log = append(w.log, p)
	if err := w.hub.Publish(p); err != nil {
		t.Fatal(err)
	}
}

// replay returns the events that the client missed after a cursor, by a search through all
// publications.
func (w *world) replay(c *modelClient, after uint64) push.Source {
	mine := make(map[pushtest.Event]bool, len(c.truth))
	for _, e := range c.truth {
		mine[e] = true
	}
	var groups []push.Group
	for _, p := range w.log {
		g := push.Group{Sequence: p.Sequence}
		for _, m := range p.Messages {
			if p.Sequence > after && m.Key == "" && mine[pushtest.Event{Sequence: m.Sequence, Index: m.Index}] {
				g.Messages = append(g.Messages, m)
			}
		}
		if len(g.Messages) > 0 {
			groups = append(groups, g)
		}
	}
	return push.Groups(groups...)
}

func (w *world) cut(c *modelClient) {
	if c.live == nil {
		return
	}
	c.cancel()
	<-c.live.ended
	c.live.stream.Wait()
	c.streams = append(c.streams, c.live.snapshot())
	c.live = nil
}

func (w *world) attach(t *testing.T, c *modelClient) {
	t.Helper()
	if c.live != nil && w.random.IntN(2) == 0 {
		w.cut(c)
	}
	old := c.live
	resume := uint64(0)
	if old != nil {
		// Make before break: the old stream ends by the take-over. Events that it delivers
		// after the client has named its cursor do not count.
		record := old.snapshot()
		c.streams = append(c.streams, record)
		resume = last(record)
	} else if n := len(c.streams); n > 0 {
		resume = last(c.streams[n-1])
	}
	topics := make([]push.Topic, 0, len(c.topics))
	for topic := range c.topics {
		topics = append(topics, topic)
	}
	s, err := w.hub.Attach(push.AttachRequest{
		Connection: c.name, User: c.name, Topics: topics, After: w.hub.Published(), Resume: resume,
		Opening: w.replay(c, resume), StateInterval: time.Duration(10+w.random.IntN(200)) * time.Millisecond,
		Hello: func(push.HelloInfo) []byte { return []byte("hello") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if old != nil {
		wantReason(t, old, push.ReasonReplaced)
		c.cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	pause := time.Duration(w.random.IntN(30)) * time.Millisecond
	c.cancel = cancel
	c.live = receive(ctx, s, resume, func() { time.Sleep(pause) })
}

func last(s pushtest.Stream) uint64 {
	if n := len(s.Responses); n > 0 {
		return s.Responses[n-1].Cursor
	}
	return s.Resume
}

func (w *world) resubscribe(t *testing.T, c *modelClient) {
	t.Helper()
	if c.live == nil {
		return
	}
	add, remove := w.topic(), w.topic()
	if err := w.hub.Subscribe(c.name, c.name, []push.Topic{add}, []push.Topic{remove}, nil); err != nil {
		t.Fatal(err)
	}
	delete(c.topics, remove)
	c.topics[add] = true
}

// TestRandomLivesKeepTheSixGuarantees drives the hub with random publications,
// attaches, resumes and changes of subscriptions beside the naive model.
func TestRandomLivesKeepTheSixGuarantees(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { live(t, seed) })
		})
	}
}

func live(t *testing.T, seed uint64) {
	t.Helper()
	w := &world{
		random: rand.New(rand.NewPCG(seed, 1)),
		state:  make(map[push.Topic]map[string]string),
	}
	w.hub = start(t, push.Config{QueueMessages: 1 << 20, QueueBytes: 1 << 30, AckTimeout: -1, Gather: time.Duration(seed%3) * time.Millisecond})
	for i := range 8 {
		w.clients = append(w.clients, &modelClient{name: fmt.Sprint("client", i), topics: map[push.Topic]bool{w.topic(): true}})
	}
	for range 600 {
		c := w.clients[w.random.IntN(len(w.clients))]
		switch w.random.IntN(12) {
		case 0:
			w.attach(t, c)
		case 1:
			w.resubscribe(t, c)
		case 2:
			time.Sleep(time.Duration(w.random.IntN(100)) * time.Millisecond)
		case 3:
			w.cut(c)
		default:
			w.publish(t)
		}
	}
	for _, c := range w.clients {
		if c.live == nil {
			w.attach(t, c)
		}
	}
	time.Sleep(30 * time.Second) // Until everything is delivered and a heartbeat follows.
	synctest.Wait()
	for _, c := range w.clients {
		for topic := range c.topics {
			c.live.mu.Lock()
			got := c.live.state[topic]
			c.live.mu.Unlock()
			if !maps.Equal(got, w.state[topic]) {
				t.Errorf("%s, topic %s: state is %v, want %v", c.name, topic, got, w.state[topic])
			}
		}
		w.cut(c)
		if violations := pushtest.CheckAll(c.truth, c.streams, w.hub.Published()); len(violations) > 0 {
			t.Errorf("%s: %v", c.name, violations[:min(5, len(violations))])
		}
	}
}
