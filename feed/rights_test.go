package feed_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

// accountsTold lists the accounts that appear in a client's messages.
func accountsTold(t *testing.T, texts []string) []string {
	t.Helper()
	var accounts []string
	for _, m := range parse(t, texts) {
		account, ok := m.Body["Account"].(string)
		if order, isOrder := m.Body["Order"].(map[string]any); isOrder {
			account, ok = order["Account"].(string)
		}
		if ok && !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	return accounts
}

func TestLiveStreamsFollowTheUsersAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 31, feed.Options{})
		dan := trader("dan")
		s.venue.idle["dan"] = true
		s.play(s.venue.opening(trader("alice"), trader("bob"), dan)...)
		s.steps(300)
		c := s.attach(feed.AttachRequest{User: "dan"})
		s.steps(50)
		synctest.Wait()
		first, events := c.texts()
		if seen := accountsTold(t, append(first, events...)); len(seen) != 0 {
			t.Fatalf("dan received %v before it was his", seen)
		}

		dan.Accounts = append(dan.Accounts, "alice")
		s.play(s.venue.user(dan))
		synctest.Wait()
		granted, _ := c.texts()
		granted = granted[len(first):]
		want := 0
		for _, o := range s.venue.orders {
			if o.Account == "alice" {
				want++
			}
		}
		orders := 0
		for _, m := range parse(t, granted) {
			if m.Type == "feed.OrderState" {
				orders++
			}
		}
		if seen := accountsTold(t, granted); orders != want || !slices.Equal(seen, []string{"alice"}) {
			t.Errorf("the new account came with %d orders of %v, want %d", orders, seen, want)
		}
		s.steps(100)
		synctest.Wait()
		_, after := c.texts()
		if seen := accountsTold(t, after[len(events):]); !slices.Contains(seen, "alice") || slices.Contains(seen, "bob") {
			t.Errorf("with alice's account dan receives %v", seen)
		}

		dan.Accounts = []trade.AccountID{"dan"}
		s.play(s.venue.user(dan))
		synctest.Wait()
		_, before := c.texts()
		s.steps(100)
		synctest.Wait()
		_, after = c.texts()
		if seen := accountsTold(t, after[len(before):]); len(seen) != 0 {
			t.Errorf("without alice's account dan receives %v", seen)
		}
	})
}

func TestLiveStreamsFollowTheUsersRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 32, feed.Options{})
		s.venue.idle["rick"] = true
		s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("rick", trade.RoleRisk))...)
		c := s.attach(feed.AttachRequest{User: "rick", Subscription: feed.Subscription{AllAccounts: true}})
		s.steps(50)
		synctest.Wait()
		_, events := c.texts()
		if seen := accountsTold(t, events); !slices.Equal(seen, []string{"alice", "bob"}) {
			t.Fatalf("RISK receives %v", seen)
		}
		s.play(s.venue.user(trader("rick")))
		synctest.Wait()
		_, events = c.texts()
		s.steps(100)
		synctest.Wait()
		_, after := c.texts()
		if seen := accountsTold(t, after[len(events):]); len(seen) != 0 {
			t.Errorf("without RISK rick still receives %v", seen)
		}

		// The new role is reported once, and makes the changes of users visible.
		s.play(s.venue.user(withRole("rick", trade.RoleAdmin)), s.venue.user(trader("bob")))
		synctest.Wait()
		_, now := c.texts()
		users := 0
		for _, m := range parse(t, now[len(after):]) {
			if m.Type == "feed.User" {
				users++
			}
		}
		if users != 2 {
			t.Errorf("a new administrator received %d changes of users, want 2", users)
		}
	})
}

func TestAWiderSubscriptionBringsOnlyWhatWasNotSeenBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 39, feed.Options{})
		s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("rick", trade.RoleRisk))...)
		s.steps(300)
		c := s.attach(feed.AttachRequest{User: "rick"})
		synctest.Wait()
		first, _ := c.texts()
		for _, presence := range []bool{false, true, true} {
			wider := feed.Subscription{AllAccounts: true, Presence: presence}
			if _, err := s.feed.UpdateSubscription(t.Context(), "rick", "rick", wider); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		all, _ := c.texts()
		if seen := accountsTold(t, all[len(first):]); !slices.Equal(seen, []string{"alice", "bob"}) {
			t.Errorf("all accounts bring %v", seen)
		}
		kinds := make(map[string]int)
		for _, m := range parse(t, all) {
			kinds[m.Type]++
		}
		online := len(s.feed.Online())
		if orders := len(s.venue.orders); kinds["feed.OrderState"] != orders || kinds["feed.Presence"] != online {
			t.Errorf("brought %v, there are %d orders and %d online", kinds, orders, online)
		}
	})
}

func TestASuspendedUserHasNoStreams(t *testing.T) {
	s := newServer(t, 33, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	one := s.attach(feed.AttachRequest{User: "alice", Connection: "one"})
	two := s.attach(feed.AttachRequest{User: "alice", Connection: "two"})
	other := s.attach(feed.AttachRequest{User: "bob"})
	suspended := trader("alice")
	suspended.Suspended = true
	s.play(s.venue.user(suspended))
	one.wantEnd(t, push.ReasonUserSuspended)
	two.wantEnd(t, push.ReasonUserSuspended)
	_, err := s.tryAttach(feed.AttachRequest{User: "alice"})
	wantError(t, err, feed.ErrSuspended)
	_, err = s.feed.UpdateSubscription(t.Context(), "one", "alice", feed.Subscription{})
	wantError(t, err, feed.ErrSuspended)
	_, _, _, err = s.feed.Notifications(t.Context(), "alice", nil, 1, feed.Subscription{})
	wantError(t, err, feed.ErrSuspended)
	_, err = s.tryAttach(feed.AttachRequest{User: "nobody"})
	wantError(t, err, feed.ErrUnknownUser)
	if _, err := s.feed.UpdateSubscription(t.Context(), "bob", "bob", feed.Subscription{Presence: true}); err != nil {
		t.Errorf("another user's stream: %v", err)
	}
	other.cut()
	s.play(s.venue.user(trader("alice")))
	s.attach(feed.AttachRequest{User: "alice"})
}

func TestAllSymbolsMeansThoseOfTomorrowToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 34, feed.Options{})
		s.play(s.venue.opening(trader("alice"), trader("bob"))...)
		all := s.attach(feed.AttachRequest{User: "alice", Subscription: feed.Subscription{AllSymbols: true}})
		some := s.attach(feed.AttachRequest{User: "bob", Subscription: feed.Subscription{Symbols: []trade.Symbol{"AAA"}}})
		s.play(s.venue.instrument("NEW", false))
		for s.venue.last["NEW"] == 0 {
			s.steps(1)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(all.state["market:NEW"]) == 0 {
			t.Error("all symbols lack the new one")
		}
		if _, there := some.state["market:NEW"]; there {
			t.Error("one symbol brought another")
		}
	})
}

func TestASubscriptionThatIsWrongIsRefusedInWords(t *testing.T) {
	s := newServer(t, 35, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.attach(feed.AttachRequest{User: "alice"})
	many := make([]trade.Symbol, feed.MaxSymbols+1)
	for i := range many {
		many[i] = "AAA"
	}
	for _, test := range []struct {
		symbols []trade.Symbol
		named   trade.Symbol
	}{
		{[]trade.Symbol{"AAA", "ZZZ"}, "ZZZ"},
		{[]trade.Symbol{trade.Symbol(strings.Repeat("hostile", 2000))}, ""},
		{many, ""},
	} {
		_, attach := s.tryAttach(feed.AttachRequest{User: "bob", Subscription: feed.Subscription{Symbols: test.symbols}})
		_, update := s.feed.UpdateSubscription(t.Context(), "alice", "alice", feed.Subscription{Symbols: test.symbols})
		for _, err := range []error{attach, update} {
			wantError(t, err, feed.ErrBadSubscription)
			var bad *feed.SubscriptionError
			if !errors.As(err, &bad) || bad.Symbol != test.named || len(err.Error()) > 300 {
				t.Errorf("%.400q names %q, want %q", err, bad.Symbol, test.named)
			}
		}
	}
	_, err := s.feed.UpdateSubscription(t.Context(), "nowhere", "alice", feed.Subscription{})
	wantError(t, err, push.ErrNotAttached)
	_, err = s.feed.UpdateSubscription(t.Context(), "alice", "bob", feed.Subscription{})
	wantError(t, err, push.ErrNotYours)
	_, err = s.tryAttach(feed.AttachRequest{User: "alice", Subscription: feed.Subscription{StateInterval: time.Hour}})
	wantError(t, err, push.ErrBadInterval)
}

func TestAChangeTooBigForALiveStreamIsRefusedOrBeginsAnew(t *testing.T) {
	s := newServer(t, 36, feed.Options{})
	s.play(s.venue.opening(trader("alice"), withRole("rick", trade.RoleRisk), trader("zed"))...)
	s.venue.idle["rick"], s.venue.idle["zed"] = true, true
	for range 1100 {
		s.write(s.venue.place())
	}
	s.play(s.venue.place())
	s.attach(feed.AttachRequest{User: "rick"})
	_, err := s.feed.UpdateSubscription(t.Context(), "rick", "rick", feed.Subscription{AllAccounts: true})
	wantError(t, err, feed.ErrReattach)

	zed := s.attach(feed.AttachRequest{User: "zed"})
	zed.until(t, "the snapshot", zed.snapshotOver)
	richer := trader("zed")
	richer.Accounts = append(richer.Accounts, "alice")
	s.play(s.venue.user(richer))
	zed.wantEnd(t, push.ReasonInternal)
	seen, _ := zed.cursor()
	again := s.attach(feed.AttachRequest{User: "zed", Resume: s.cursor(seen)})
	if again.attached.Cause != feed.CauseUserChanged {
		t.Errorf("it begins anew with %s %s", again.attached.Start, again.attached.Cause)
	}
}
