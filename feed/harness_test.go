package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/feed"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/push"
	"todoku/push/pushtest"
	"todoku/trade"
	"todoku/trade/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for an expected message.
const patience = time.Minute

// words encodes a message as JSON with all its fields: data that a test finds there could
// have been sent.
type words struct{}

func (words) Encode(m feed.Message) []byte {
	out, err := json.Marshal(struct {
		Sequence uint64
		Index    uint32
		Time     int64
		Type     string
		Body     any
	}{m.Sequence, m.Index, m.Time, strings.TrimPrefix(fmt.Sprintf("%T", m.Body), "*"), m.Body})
	if err != nil {
		return []byte(err.Error())
	}
	return out
}

// marks records where a topic's state begins.
type marks struct{}

func (marks) Heartbeat(push.HeartbeatInfo) []byte { return nil }
func (marks) Reconnect(push.ReconnectInfo) []byte { return nil }
func (marks) Expiry(time.Time) []byte             { return nil }
func (marks) StateBegin(topic push.Topic) []byte  { return []byte("begin " + topic) }

// kept is an IndexStore in memory.
type kept struct {
	mu       sync.Mutex
	position uint64
	blob     []byte
	saves    int
	err      error
}

func (k *kept) SaveIndex(_ context.Context, position uint64, blob []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.position, k.blob = position, blob
		k.saves++
	}
	return k.err
}

func (k *kept) LoadIndex(context.Context) (uint64, []byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.position, k.blob, k.err
}

// server is a feed and a hub over a journal, and the venue that writes it.
type server struct {
	t     testing.TB
	venue *venue
	store *journaltest.MemoryStore
	log   *journal.Log
	hub   *push.Hub
	feed  *feed.Feed
	index *kept
	stop  func()
}

func newServer(t testing.TB, seed uint64, options feed.Options) *server {
	t.Helper()
	s := &server{t: t, venue: newVenue(seed), store: journaltest.NewMemoryStore(), index: &kept{}}
	s.start(options)
	return s
}

// start opens everything over the same store again.
func (s *server) start(options feed.Options) {
	s.t.Helper()
	log, err := journal.Open(s.t.Context(), s.store, journal.Options{MaxRecords: 512})
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = log
	s.hub = push.NewHub(push.Config{
		Epoch: log.Epoch(), Encoder: marks{}, TopicsPerStream: 2000, AckTimeout: -1, StreamAge: -1,
		Gone: func(context.Context) string { return "GONE" },
	})
	s.feed = feed.New(log, s.hub, s.index, words{}, options)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.feed.Run(ctx); err != nil {
			s.t.Error("feed:", err)
		}
	})
	running.Go(func() {
		if err := s.hub.Run(ctx); err != nil {
			s.t.Error("hub:", err)
		}
	})
	stopped := false
	s.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			running.Wait()
			log.Close()
		}
	}
	s.t.Cleanup(s.stop)
	<-s.feed.Ready()
}

// restart stops and starts again; the index is saved in between.
func (s *server) restart() {
	s.t.Helper()
	s.stop()
	s.start(feed.Options{})
}

// write appends records and does not wait for the feed.
func (s *server) write(records ...*trade.Record) {
	s.t.Helper()
	batch := make([]journal.Record, len(records))
	for i, r := range records {
		data, err := record.Encode(nil, r)
		if err != nil {
			s.t.Fatal(err)
		}
		batch[i] = journal.Record{Sequence: r.Sequence, Time: r.Time, Data: data}
	}
	if err := s.log.Append(s.t.Context(), batch[0].Sequence-1, batch); err != nil {
		s.t.Fatal(err)
	}
}

// play appends records and waits until they are published.
func (s *server) play(records ...*trade.Record) {
	s.t.Helper()
	s.write(records...)
	if err := s.feed.WaitFor(s.t.Context(), records[len(records)-1].Sequence); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) steps(n int) {
	s.t.Helper()
	for range n {
		s.play(s.venue.step())
	}
}

// snapshot stores the venue's as the engine does.
func (s *server) snapshot() {
	s.t.Helper()
	snapshot := s.venue.snapshot()
	data, err := record.EncodeSnapshot(snapshot)
	if err != nil {
		s.t.Fatal(err)
	}
	err = s.log.SaveSnapshot(s.t.Context(), journal.Snapshot{Sequence: snapshot.Sequence, Time: snapshot.Time, Data: data})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) attach(request feed.AttachRequest) *client {
	s.t.Helper()
	c, err := s.tryAttach(request)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *server) tryAttach(request feed.AttachRequest) (*client, error) {
	if request.Connection == "" {
		request.Connection = string(request.User)
	}
	ctx, cancel := context.WithCancel(context.Background())
	attached, err := s.feed.Attach(ctx, request)
	if err != nil {
		cancel()
		return nil, err
	}
	c := &client{attached: attached, state: make(map[push.Topic]map[string]string), changed: make(chan struct{}, 1)}
	c.seen.Resume = attached.Head
	c.seen.Fresh = request.Resume != nil && attached.Start == feed.StartReset
	c.seen.Snapshot = attached.Start != feed.StartReplay
	if !c.seen.Snapshot {
		c.seen.Resume = request.Resume.Sequence
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.end = attached.Stream.Serve(ctx, c.receive)
		attached.Close()
		attached.Stream.Wait() // A send may still be recording.
	}()
	c.cut = func() { cancel(); <-done }
	c.done = done
	s.t.Cleanup(c.cut)
	return c, nil
}

func (s *server) cursor(sequence uint64) *push.Cursor {
	c := s.feed.Cursor(sequence)
	return &c
}

// client is the far end of one stream.
type client struct {
	attached *feed.Attached
	cut      func() // Breaks the stream and waits.
	done     chan struct{}
	end      error // After done.
	changed  chan struct{}

	mu     sync.Mutex
	seen   pushtest.Stream
	events []string // Data of events, by publication; in order.
	first  []string // Data of messages in snapshots and at changes of subscription.
	state  map[push.Topic]map[string]string
}

func (c *client) receive(r *push.Response) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := pushtest.Response{Number: r.Number, Previous: r.Previous, Cursor: r.Cursor, Fragment: r.Fragment}
	for _, m := range r.Messages {
		switch topic, begins := strings.CutPrefix(string(m.Bytes()), "begin "); {
		case begins:
			c.state[push.Topic(topic)] = make(map[string]string)
		case m.Topic == "":
			c.first = append(c.first, string(m.Bytes()))
		case m.Key == "":
			out.Events = append(out.Events, pushtest.Event{Sequence: m.Sequence, Index: m.Index})
			c.events = append(c.events, string(m.Bytes()))
		case m.Gone:
			delete(c.state[m.Topic], m.Key)
		default:
			c.state[m.Topic][m.Key] = string(m.Bytes())
		}
	}
	c.seen.Responses = append(c.seen.Responses, out)
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

// cursor returns the cursor after which the client may resume; false if it was cut off
// before its snapshot was complete.
func (c *client) cursor() (sequence uint64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.seen.Responses); n > 0 {
		return c.seen.Responses[n-1].Cursor, c.seen.Finished()
	}
	return c.seen.Resume, c.seen.Finished()
}

// texts returns all messages that were ever received.
func (c *client) texts() (first, events []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.first...), append([]string(nil), c.events...)
}

// until waits for something to arrive.
func (c *client) until(t testing.TB, what string, arrived func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		c.mu.Lock()
		ok := arrived()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.changed:
		case <-c.done:
			c.mu.Lock()
			ok := arrived()
			c.mu.Unlock()
			if !ok {
				t.Errorf("the stream ended (%v) before %s", c.end, what)
			}
			return
		case <-late.C:
			t.Errorf("%s never came", what)
			return
		}
	}
}

// snapshotOver reports whether the snapshot is complete. The caller holds mu.
func (c *client) snapshotOver() bool {
	n := len(c.first)
	return n > 0 && strings.Contains(c.first[n-1], `"feed.SnapshotEnd"`)
}

func (c *client) wantEnd(t testing.TB, want push.Reason) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-c.done:
	case <-late.C:
		t.Fatalf("the stream did not end with %q", want)
	}
	if got := push.ReasonOf(c.end); got != want {
		t.Fatalf("ended with %q (%v), want %q", got, c.end, want)
	}
}

func trader(id trade.UserID) trade.User {
	return trade.User{
		ID: id, DisplayName: "Name of " + strings.ToUpper(string(id)), Roles: trade.RoleTrader,
		Accounts: []trade.AccountID{trade.AccountID(id)},
	}
}

func withRole(id trade.UserID, roles trade.Role) trade.User {
	user := trader(id)
	user.Roles = roles
	return user
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
