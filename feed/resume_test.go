package feed_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/feed"
	"todoku/feed/feedtest"
	"todoku/journal"
	"todoku/push"
	"todoku/trade"
)

func TestAReplayIsTheBytesOfTheLiveStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 21, feed.Options{})
		s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("rick", trade.RoleRisk))...)
		begin := s.venue.sequence
		subscription := feed.Subscription{AllSymbols: true, Presence: true, AllAccounts: true}
		live := s.attach(feed.AttachRequest{User: "rick", Subscription: subscription})
		s.steps(700)
		synctest.Wait()
		_, want := live.texts()

		check := func(when string) {
			t.Helper()
			c := s.attach(feed.AttachRequest{User: "rick", Connection: when, Subscription: subscription, Resume: s.cursor(begin)})
			if c.attached.Start != feed.StartReplay {
				t.Fatalf("%s: %s %s", when, c.attached.Start, c.attached.Cause)
			}
			synctest.Wait()
			if _, got := c.texts(); !slices.Equal(got, want) {
				t.Errorf("%s: %d events replayed, %d were live, or their bytes differ", when, len(got), len(want))
			}
		}
		check("at once")
		s.snapshot()
		s.restart()
		check("after a restart")
	})
}

// A read that fails because the client left is recorded with its disconnect cause.
func TestLeavingDuringAReplayRecordsTheDisconnectCause(t *testing.T) {
	s := newServer(t, 26, feed.Options{})
	s.play(s.venue.opening(trader("alice"))...)
	begin := s.venue.sequence
	s.steps(700) // More than the journal keeps in memory.
	ctx, leave := context.WithCancel(t.Context())
	attached, err := s.feed.Attach(ctx, feed.AttachRequest{
		User: "alice", Connection: "c", Subscription: feed.Subscription{AllSymbols: true}, Resume: s.cursor(begin),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer attached.Close()
	leave()
	err = attached.Stream.Serve(t.Context(), func(*push.Response) error { return nil })
	var end *push.End
	if !errors.As(err, &end) || end.Reason != push.ReasonDisconnected || end.Cause != "GONE" || !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %#v, want DISCONNECTED because of GONE", err)
	}
}

// A client that got an answer before it attached must find the answer's events there.
func TestAStreamBeginsNoEarlierThanTheJournalsHeadWhenItWasAskedFor(t *testing.T) {
	s := newServer(t, 20, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	for range 200 {
		r := s.venue.step()
		s.write(r)
		c := s.attach(feed.AttachRequest{User: "alice"})
		if c.attached.Head < r.Sequence {
			t.Fatalf("a stream that was attached after record %d began at %d", r.Sequence, c.attached.Head)
		}
		c.cut()
	}
}

func TestAReplayThatIsNotPossibleSaysWhyAndSendsASnapshot(t *testing.T) {
	options := feed.Options{ReplayEvents: 300, ReplayAge: time.Hour}
	s := newServer(t, 22, options)
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	early := s.venue.sequence
	s.steps(600)
	s.venue.time += int64(30 * time.Minute)
	quiet := s.venue.sequence
	s.steps(100)
	s.venue.time += int64(45 * time.Minute)
	s.steps(100)
	changed := s.venue.sequence
	s.play(s.venue.user(trader("bob")))
	s.snapshot()
	s.steps(50)

	all := feed.Subscription{AllSymbols: true, Presence: true}
	want := func(user trade.UserID, cursor push.Cursor, start feed.Start, cause feed.Cause) {
		t.Helper()
		c := s.attach(feed.AttachRequest{User: user, Subscription: all, Resume: &cursor})
		if got := c.attached; got.Start != start || got.Cause != cause {
			t.Errorf("%s after %s begins with %s %s, want %s %s", user, cursor, got.Start, got.Cause, start, cause)
		} else if start == feed.StartReset {
			c.until(t, "the snapshot", c.snapshotOver)
			if first, _ := c.texts(); !strings.Contains(first[0], "feed.Reset") || !strings.Contains(first[1], "feed.SnapshotBegin") {
				t.Errorf("a reset begins with %.200q", first[:2])
			}
		}
		c.cut()
	}
	want("alice", push.Cursor{Epoch: "other", Sequence: 5}, feed.StartReset, feed.CauseUnknownEpoch)
	want("alice", s.feed.Cursor(early), feed.StartReset, feed.CauseTooFarBehind)
	want("alice", s.feed.Cursor(changed), feed.StartReplay, feed.CauseNone)
	want("bob", s.feed.Cursor(changed), feed.StartReset, feed.CauseUserChanged)
	want("bob", s.feed.Cursor(changed+1), feed.StartReplay, feed.CauseNone)
	_, err := s.tryAttach(feed.AttachRequest{User: "alice", Resume: s.cursor(s.venue.sequence + 1)})
	wantError(t, err, feed.ErrBadCursor)
	wantError(t, err, push.ErrBadCursor)

	// Compacted records are known to be gone, before a restart and after.
	if err := s.log.Compact(t.Context(), changed-20); err != nil {
		t.Fatal(err)
	}
	want("alice", s.feed.Cursor(quiet+90), feed.StartReset, feed.CauseCompacted)
	want("alice", s.feed.Cursor(changed), feed.StartReplay, feed.CauseNone)
	s.index.blob = nil
	s.stop()
	s.index.blob = nil
	s.start(options)
	want("alice", s.feed.Cursor(quiet+90), feed.StartReset, feed.CauseCompacted)
	want("alice", s.feed.Cursor(changed), feed.StartReplay, feed.CauseNone)
	_, _, _, err = s.feed.Notifications(t.Context(), "alice", &feed.Place{Cursor: *s.cursor(quiet)}, 10, all)
	wantError(t, err, feed.ErrCompacted)
	if _, _, end, err := s.feed.Notifications(t.Context(), "alice", nil, 1000, all); err != nil || !end {
		t.Errorf("the oldest that are kept: %v", err)
	}
}

func TestASnapshotIsTheStateOfItsPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 23, feed.Options{})
		s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("rick", trade.RoleRisk))...)
		s.steps(800)
		for _, all := range []bool{false, true} {
			c := s.attach(feed.AttachRequest{User: "rick", Subscription: feed.Subscription{AllAccounts: all, Presence: true}})
			synctest.Wait()
			first, events := c.texts()
			kinds := make(map[string]int)
			for i, m := range parse(t, first) {
				kinds[m.Type]++
				if m.Sequence != s.venue.sequence || int(m.Index) != i {
					t.Fatalf("message %d is %d-%d, the snapshot %d", i, m.Sequence, m.Index, s.venue.sequence)
				}
			}
			want := s.venue.snapshot()
			sees := func(account trade.AccountID) bool { return all || account == "rick" }
			orders := slices.DeleteFunc(want.Orders, func(o trade.Order) bool { return !sees(o.Account) })
			positions := slices.DeleteFunc(want.Positions, func(p trade.Position) bool { return !sees(p.Account) })
			limits := slices.DeleteFunc(want.Accounts, func(a trade.AccountState) bool { return !sees(a.Account) })
			online := slices.DeleteFunc(want.Users, func(u trade.User) bool { return !u.Online })
			for kind, n := range map[string]int{
				"feed.SnapshotBegin": 1, "feed.Instrument": 2, "feed.User": 1, "feed.OrderState": len(orders),
				"feed.Position": len(positions), "feed.AccountLimits": len(limits), "feed.Presence": len(online), "feed.SnapshotEnd": 1,
			} {
				if kinds[kind] != n {
					t.Errorf("all accounts %t: %d of %s, want %d", all, kinds[kind], kind, n)
				}
			}
			if last := c.seen.Responses[len(c.seen.Responses)-1]; last.Cursor != s.venue.sequence || len(events) != 0 {
				t.Errorf("the snapshot ends at %d with %d events", last.Cursor, len(events))
			}
			c.cut()
		}
	})
}

// counting counts reads from the store, as opposed to memory.
type counting struct {
	journal.Store

	lowest uint64
	reads  int
}

func (c *counting) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	c.reads++
	c.lowest = min(c.lowest, after)
	return c.Store.Read(ctx, after, limit)
}

func TestARestartReadsTheJournalsTailOnly(t *testing.T) {
	s := newServer(t, 24, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.steps(200)
	older := s.venue.sequence
	s.restart() // Stopping saves the index.
	early := s.index.blob
	s.steps(300)
	s.snapshot()
	s.steps(20)
	s.stop()
	loaded := s.venue.sequence - 20

	for _, test := range []struct {
		name   string
		spoil  func(blob []byte) []byte
		lowest uint64
	}{
		{"good", func(blob []byte) []byte { return blob }, loaded},
		{"older than the snapshot", func([]byte) []byte { return early }, older},
		{"missing", func([]byte) []byte { return nil }, 0},
		{"damaged", func(blob []byte) []byte { blob[len(blob)/2] ^= 1; return blob }, 0},
		{"of another version", func(blob []byte) []byte { blob[0]++; return blob }, 0},
	} {
		store := &counting{Store: s.store, lowest: journal.MaxSequence}
		log, err := journal.Open(t.Context(), store, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		index := &kept{blob: test.spoil(slices.Clone(s.index.blob))}
		hub := push.NewHub(push.Config{Epoch: log.Epoch()})
		f := feed.New(log, hub, index, words{}, feed.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- f.Run(ctx) }()
		<-f.Ready()
		if store.lowest != test.lowest {
			t.Errorf("%s: the journal was read after %d, want %d", test.name, store.lowest, test.lowest)
		}
		attached, err := f.Attach(t.Context(), feed.AttachRequest{
			User: "alice", Resume: &push.Cursor{Epoch: log.Epoch(), Sequence: 10},
		})
		if err != nil || attached.Start != feed.StartReplay {
			t.Errorf("%s: a resume begins with %+v, %v", test.name, attached, err)
		} else {
			attached.Close()
		}
		page, _, _, err := f.Notifications(t.Context(), "alice", &feed.Place{Cursor: push.Cursor{Epoch: log.Epoch()}}, 2000, feed.Subscription{AllSymbols: true})
		want := 0
		for sequence := uint64(1); sequence <= s.venue.sequence; sequence++ {
			want += len(feedtest.Observer{User: trader("alice"), Symbols: []trade.Symbol{"AAA", "BBB"}}.Concerns(s.venue.records[sequence]))
		}
		if err != nil || len(page) != want {
			t.Errorf("%s: %d past events, want %d (%v)", test.name, len(page), want, err)
		}
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		log.Close()
	}
}

func TestTheIndexIsSavedAtIntervalsAndAtTheEnd(t *testing.T) {
	s := newServer(t, 25, feed.Options{CheckpointEvery: 10})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.steps(100)
	s.stop()
	if s.index.saves < 2 || s.index.position != s.venue.sequence {
		t.Errorf("%d saves, the last of %d, head %d", s.index.saves, s.index.position, s.venue.sequence)
	}
	failed := make(chan error, 100)
	s.index.err = context.DeadlineExceeded
	s.start(feed.Options{CheckpointFailed: func(err error) { failed <- err }})
	s.stop()
	wantError(t, <-failed, context.DeadlineExceeded)
}

func TestPagesOfNotificationsAreTheReplay(t *testing.T) {
	s := newServer(t, 26, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.steps(500)
	subscription := feed.Subscription{Symbols: []trade.Symbol{"AAA"}}
	var got []feed.Message
	cursor := s.feed.Cursor(0)
	for {
		page, next, end, err := s.feed.Notifications(t.Context(), "alice", &feed.Place{Cursor: cursor}, 7, subscription)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got); n > 0 && len(page) > 0 && got[n-1].Sequence == page[0].Sequence {
			t.Fatalf("record %d is split over two pages", page[0].Sequence)
		}
		got = append(got, page...)
		cursor = next
		if end {
			break
		}
	}
	look := feedtest.Observer{User: trader("alice"), Symbols: subscription.Symbols}
	i := 0
	for sequence := uint64(1); sequence <= s.venue.sequence; sequence++ {
		for _, event := range look.Concerns(s.venue.records[sequence]) {
			if i == len(got) || got[i].Sequence != event.Sequence || got[i].Index != event.Index {
				t.Fatalf("event %v is missing at %d of %d", event, i, len(got))
			}
			i++
		}
	}
	if i != len(got) || cursor.Sequence != s.venue.sequence {
		t.Errorf("%d events more than concern alice; ends at %s", len(got)-i, cursor)
	}
	_, _, _, err := s.feed.Notifications(t.Context(), "alice", &feed.Place{Cursor: *s.cursor(s.venue.sequence + 1)}, 7, subscription)
	wantError(t, err, feed.ErrBadCursor)
	_, _, _, err = s.feed.Notifications(t.Context(), "alice", &feed.Place{Cursor: push.Cursor{Epoch: "other"}}, 7, subscription)
	wantError(t, err, feed.ErrUnknownEpoch)
}
