package feed_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

func TestQueriesEqualTheNaiveVenue(t *testing.T) {
	s := newServer(t, 37, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("root", trade.RoleAdmin))...)
	check := func(when string) {
		t.Helper()
		v, f := s.venue, s.feed
		want := v.snapshot()
		equal := func(what string, got, want any) {
			t.Helper()
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("%s: %s is %+v, want %+v", when, what, got, want)
			}
		}
		equal("users", f.Users(), want.Users)
		slices.SortFunc(want.Orders, func(a, b trade.Order) int { return int(b.ID) - int(a.ID) })
		for _, user := range want.Users {
			account := trade.AccountID(user.ID)
			equal("positions", f.Positions(account), slices.DeleteFunc(slices.Clone(want.Positions),
				func(p trade.Position) bool { return p.Account != account }))
			orders := slices.DeleteFunc(slices.Clone(want.Orders), func(o trade.Order) bool { return o.Account != account })
			equal("orders", ordersBelow(f, account, math.MaxInt64), orders)
			if n := len(orders); n > 1 {
				equal("orders below", ordersBelow(f, account, uint64(orders[n/2].ID)), orders[n/2+1:])
			}
		}
		for _, o := range want.Orders {
			byID, _ := f.WorkingOrder("", trade.OrderRef{ID: o.ID})
			byName, _ := f.WorkingOrder(o.Account, trade.OrderRef{ClientOrderID: o.ClientOrderID})
			equal("order by id", byID, o)
			equal("order by name", byName, o)
			if _, ok := f.WorkingOrder("nobody", trade.OrderRef{ID: o.ID}); ok {
				t.Errorf("%s: nobody has order %d", when, o.ID)
			}
		}
		for name, account := range v.renamed {
			if o, ok := f.WorkingOrder(account, trade.OrderRef{ClientOrderID: name}); ok {
				t.Errorf("%s: order %d is found by its old name", when, o.ID)
			}
		}
		for _, a := range want.Accounts {
			equal("limits", f.Limits(a.Account), a.Limits)
		}
		for i, in := range want.Instruments {
			equal("instrument", f.Instruments()[i], in.Instrument)
			symbol := in.Instrument.Symbol
			book, _ := f.Book(symbol, 0)
			equal("bids", triples(book.Bids), v.book(symbol, trade.SideBuy))
			equal("offers", triples(book.Offers), v.book(symbol, trade.SideSell))
			equal("last price", book.LastPrice, in.LastPrice)
			equal("book version", book.BookVersion, in.BookVersion)
			equal("sequence", book.Sequence, v.sequence)
			if short, _ := f.Book(symbol, 2); len(book.Bids) > 2 {
				equal("two bids", short.Bids, book.Bids[:2])
			}
		}
		var online []string
		for _, user := range want.Users {
			if user.Online {
				online = append(online, user.DisplayName)
			}
		}
		equal("online", f.Online(), online)
	}
	for i := range 10 {
		s.steps(60)
		check(fmt.Sprint("step ", i))
	}
	s.snapshot()
	s.restart()
	check("from the snapshot")
	s.steps(60)
	s.restart()
	check("from the snapshot and a tail")
}

func ordersBelow(f *feed.Feed, account trade.AccountID, below uint64) []trade.Order {
	orders := []trade.Order{}
	for o := range f.WorkingOrders(account, below) {
		orders = append(orders, *o)
	}
	return orders
}

func triples(levels []trade.Level) [][3]int64 {
	out := [][3]int64{}
	for _, l := range levels {
		out = append(out, [3]int64{int64(l.Price), int64(l.Quantity), int64(l.Orders)})
	}
	return out
}

func TestWhoWaitsForASequenceReadsItsOwnWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 38, feed.Options{})
		s.play(s.venue.opening(trader("alice"))...)
		for range 50 {
			r := s.venue.place()
			s.write(r)
			if err := s.feed.WaitForCursor(t.Context(), s.feed.Cursor(r.Sequence)); err != nil {
				t.Fatal(err)
			}
			if book, _ := s.feed.Book("AAA", 1); book.Sequence < r.Sequence || s.feed.Position() < r.Sequence {
				t.Fatalf("read %d after waiting for %d", book.Sequence, r.Sequence)
			}
		}
		wantError(t, s.feed.WaitFor(t.Context(), s.venue.sequence+1), feed.ErrBadCursor)
		wantError(t, s.feed.WaitForCursor(t.Context(), push.Cursor{Epoch: "other"}), feed.ErrUnknownEpoch)
		s.stop()
		_, err := s.tryAttach(feed.AttachRequest{User: "alice"})
		wantError(t, err, feed.ErrStopped)
	})
}
