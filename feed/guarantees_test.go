package feed_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/feed"
	"todoku/feed/feedtest"
	"todoku/push"
	"todoku/push/pushtest"
	"todoku/trade"
)

// watcher is a user with a screen: it attaches, is cut off, resumes and changes its
// subscription. The naive table gives the events that it must have received.
type watcher struct {
	observer feedtest.Observer
	truth    []pushtest.Event
	client   *client // nil while cut off.
	streams  []pushtest.Stream
	cursor   *push.Cursor
	resets   int
}

func (w *watcher) subscription() feed.Subscription {
	return feed.Subscription{
		Symbols: w.observer.Symbols, Presence: w.observer.Presence, AllAccounts: w.observer.All,
		StateInterval: 10 * time.Millisecond,
	}
}

func (w *watcher) attach(s *server) {
	s.t.Helper()
	w.client = s.attach(feed.AttachRequest{User: w.observer.User.ID, Subscription: w.subscription(), Resume: w.cursor})
	if w.client.attached.Start == feed.StartReset {
		w.resets++
	}
}

func (w *watcher) cut(s *server) {
	if w.client == nil {
		return
	}
	w.client.cut()
	w.streams = append(w.streams, w.client.seen)
	if sequence, known := w.client.cursor(); known {
		w.cursor = s.cursor(sequence)
	}
	w.client = nil
}

func TestEveryEventThatConcernsAUserArrivesOnceInOrder(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) { guarantees(t, seed) })
	}
}

func guarantees(t *testing.T, seed uint64) {
	t.Helper()
	s := newServer(t, seed, feed.Options{ReplayEvents: 100})
	random := rand.New(rand.NewPCG(seed, 2))
	users := []trade.User{
		trader("alice"), trader("bob"), withRole("carol", trade.RoleViewer),
		withRole("rick", trade.RoleRisk), withRole("root", trade.RoleAdmin),
	}
	s.play(s.venue.opening(users...)...)
	watchers := make([]*watcher, len(users))
	for i, user := range users {
		watchers[i] = &watcher{observer: feedtest.Observer{User: user, Symbols: []trade.Symbol{"AAA"}, Presence: i%2 == 0}}
		watchers[i].attach(s)
		synctest.Wait()
	}
	tell := func(r *trade.Record) {
		for _, w := range watchers {
			w.truth = append(w.truth, w.observer.Concerns(r)...)
		}
	}
	settle := func() {
		time.Sleep(10 * time.Second) // A heartbeat takes every cursor to the head.
		synctest.Wait()
	}
	for range 400 {
		w := watchers[random.IntN(len(watchers))]
		switch n := random.IntN(40); {
		case n < 8 && w.client != nil:
			w.cut(s)
		case n < 16 && w.client == nil:
			w.attach(s)
		case n == 16 && w.client != nil:
			settle()
			w.observer.Presence = random.IntN(2) == 0
			w.observer.All = w.observer.User.Roles.Has(trade.RoleRisk|trade.RoleAdmin) && random.IntN(2) == 0
			w.observer.Symbols = []trade.Symbol{"AAA", "BBB"}[:random.IntN(3)]
			if _, err := s.feed.UpdateSubscription(t.Context(), string(w.observer.User.ID), w.observer.User.ID, w.subscription()); err != nil {
				t.Fatal(err)
			}
		case n == 17 && w.client != nil:
			settle()
			user := w.observer.User
			user.Accounts = []trade.AccountID{"alice", "bob", "carol", "rick", "root"}[:1+random.IntN(4)]
			w.observer.User = user
			r := s.venue.user(user)
			tell(r)
			s.play(r)
		default:
			var batch []*trade.Record
			for range 1 + random.IntN(8) {
				r := s.venue.step()
				tell(r)
				batch = append(batch, r)
			}
			s.write(batch...)
		}
	}
	if err := s.feed.WaitFor(t.Context(), s.venue.sequence); err != nil {
		t.Fatal(err)
	}
	resets := 0
	for _, w := range watchers {
		if w.client == nil {
			w.attach(s)
		}
		settle()
		wantBooks(t, s, w)
		w.cut(s)
		for _, violation := range pushtest.CheckAll(w.truth, w.streams, s.venue.sequence) {
			t.Errorf("seed %d, %s: %s", seed, w.observer.User.ID, violation)
		}
		resets += w.resets
	}
	t.Logf("seed %d: %d records, %d resets", seed, s.venue.sequence, resets)
}

// wantBooks compares the state that a client holds with the naive books.
func wantBooks(t *testing.T, s *server, w *watcher) {
	t.Helper()
	w.client.mu.Lock()
	defer w.client.mu.Unlock()
	for _, symbol := range w.observer.Symbols {
		state := w.client.state[push.Topic("market:"+symbol)]
		levels := 0
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			for _, level := range s.venue.book(symbol, side) {
				levels++
				data := state[feed.LevelKey(side, trade.Price(level[0]))]
				want := fmt.Sprintf(`"Price":%d,"Quantity":%d,"Orders":%d`, level[0], level[1], level[2])
				if !strings.Contains(data, want) {
					t.Errorf("%s holds %q, the book has %s", w.observer.User.ID, data, want)
				}
			}
		}
		best := state["best"]
		if want := fmt.Sprintf(`"BookVersion":%d,"LastPrice":%d`, s.venue.versions[symbol], s.venue.last[symbol]); !strings.Contains(best, want) {
			t.Errorf("%s holds %q, want %s", w.observer.User.ID, best, want)
		}
		if len(state) != levels+1 {
			t.Errorf("%s holds %d keys of %s, want %d", w.observer.User.ID, len(state), symbol, levels+1)
		}
	}
}

// TestAttachBesideAWriterHasNoGapAndNoOverlap runs in real time, so that attaches, records
// and queries run at once under the race detector.
func TestAttachBesideAWriterHasNoGapAndNoOverlap(t *testing.T) {
	s := newServer(t, 7, feed.Options{})
	users := []trade.User{trader("alice"), trader("bob"), withRole("rick", trade.RoleRisk)}
	s.play(s.venue.opening(users...)...)
	begin := s.venue.sequence
	var records []*trade.Record
	for range 1500 {
		records = append(records, s.venue.step())
	}
	last := s.venue.record(trade.CommandAnnounce, &trade.Announced{From: "root", Text: "the end"})
	records = append(records, last)
	watchers := make([]*watcher, len(users))
	var clients sync.WaitGroup
	for i, user := range users {
		w := &watcher{cursor: s.cursor(begin)}
		w.observer = feedtest.Observer{User: user, Symbols: []trade.Symbol{"AAA", "BBB"}, All: user.ID == "rick", Presence: true}
		for _, r := range records {
			w.truth = append(w.truth, w.observer.Concerns(r)...)
		}
		watchers[i] = w
		random := rand.New(rand.NewPCG(3, uint64(i)))
		clients.Go(func() { w.follow(t, s, random, last.Sequence) })
	}
	for batch := range slices.Chunk(records, 7) {
		s.write(batch...)
	}
	clients.Wait()
	for _, w := range watchers {
		for _, violation := range pushtest.CheckAll(w.truth, w.streams, last.Sequence) {
			t.Errorf("%s: %s", w.observer.User.ID, violation)
		}
	}
}

// follow attaches again and again, a few hundred records at a time.
func (w *watcher) follow(t *testing.T, s *server, random *rand.Rand, last uint64) {
	t.Helper()
	for w.cursor.Sequence < last {
		client, err := s.tryAttach(feed.AttachRequest{User: w.observer.User.ID, Subscription: w.subscription(), Resume: w.cursor})
		if err != nil {
			t.Error(err)
			return
		}
		w.client = client
		target := min(last, w.cursor.Sequence+random.Uint64N(400))
		client.until(t, "the next event", func() bool {
			n := len(client.seen.Responses)
			return n > 0 && client.seen.Responses[n-1].Cursor >= target
		})
		s.feed.Book("AAA", 5)
		for range s.feed.WorkingOrders("alice", math.MaxInt64) {
		}
		w.cut(s)
	}
}
