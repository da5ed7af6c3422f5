package feed_test

import (
	"testing"
	"testing/synctest"

	"todoku/feed"
	"todoku/journal"
	"todoku/trade"
	"todoku/trade/record"
)

// TestABookShowsTheLevelsOfTheSnapshotAndNotTheOrders starts from a snapshot in which
// one order displays a part of its leaves quantity, and another displays none.
func TestABookShowsTheLevelsOfTheSnapshotAndNotTheOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 71, feed.Options{})
		s.play(s.venue.opening(trader("alice"))...)
		snapshot := s.venue.snapshot()
		for i, displayed := range []trade.Quantity{5, 0} {
			snapshot.Orders = append(snapshot.Orders, trade.Order{
				ID: trade.OrderID(1000 + i), Account: "alice", User: "alice", Symbol: "AAA", Side: trade.SideBuy, Price: 100,
				Quantity: 50, Leaves: 50, Displayed: displayed, Status: trade.OrderStatusNew,
			})
		}
		want := trade.Level{Price: 100, Quantity: 5, Orders: 1}
		snapshot.Instruments[0].Levels.Bids = []trade.Level{want}
		data, err := record.EncodeSnapshot(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.log.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: snapshot.Sequence, Time: snapshot.Time, Data: data}); err != nil {
			t.Fatal(err)
		}
		s.restart()
		book, ok := s.feed.Book("AAA", 0)
		if !ok || len(book.Bids) != 1 || book.Bids[0] != want || len(book.Offers) != 0 {
			t.Errorf("the book shows %+v, want %+v", book, want)
		}
	})
}
