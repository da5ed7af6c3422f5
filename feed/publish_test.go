package feed

import (
	"fmt"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// blank does not encode, so that a benchmark measures only the feed's own work.
type blank struct{}

func (blank) Encode(Message) []byte { return nil }

// tradeRecord is an order that trades with a part of another: the most frequent record of
// a busy venue.
func tradeRecord(sequence uint64) *trade.Record {
	quantity := trade.Quantity(1 + sequence%7)
	order := func(id trade.OrderID, account trade.AccountID, side trade.Side) trade.Order {
		return trade.Order{
			ID: id, Account: account, User: trade.UserID(account), ClientOrderID: trade.RequestID(fmt.Sprint("r", id)),
			Symbol: "AAA", Side: side, Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceDay,
			Price: 100, Quantity: quantity, Filled: quantity, Status: trade.OrderStatusFilled,
		}
	}
	taker := order(trade.OrderID(2*sequence), "alice", trade.SideBuy)
	maker := order(trade.OrderID(2*sequence+1), "bob", trade.SideSell)
	maker.Status, maker.Leaves = trade.OrderStatusPartiallyFilled, 5
	t := trade.Trade{
		ID: trade.TradeID(sequence), Symbol: "AAA", Price: 100, Quantity: quantity, Aggressor: trade.SideBuy,
		Buyer:  trade.Party{Account: "alice", User: "alice", Order: taker.ID, ClientOrderID: taker.ClientOrderID},
		Seller: trade.Party{Account: "bob", User: "bob", Order: maker.ID, ClientOrderID: maker.ClientOrderID},
		Status: trade.TradeStatusConcluded, Time: int64(sequence),
	}
	return &trade.Record{Sequence: sequence, Time: int64(sequence), Events: []trade.Event{
		&trade.ExecutionReport{Type: trade.ExecTypeTrade, Order: taker, LastPrice: 100, LastQuantity: quantity, Trade: t.ID},
		&trade.ExecutionReport{Type: trade.ExecTypeTrade, Order: maker, LastPrice: 100, LastQuantity: quantity, Trade: t.ID, Maker: true},
		&trade.TradeChanged{Trade: t},
		&trade.LevelChanged{Symbol: "AAA", Side: trade.SideSell, Price: 100, Quantity: quantity, Orders: 3, BookVersion: sequence},
		&trade.PositionChanged{Position: trade.Position{Account: "alice", Symbol: "AAA", Quantity: quantity}},
		&trade.PositionChanged{Position: trade.Position{Account: "bob", Symbol: "AAA", Quantity: -quantity}},
	}}
}

// newQuietFeed returns a feed that follows no journal: the test passes records to it.
func newQuietFeed(t testing.TB) *Feed {
	t.Helper()
	log, err := journal.Open(t.Context(), journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := New(log, push.NewHub(push.Config{Epoch: log.Epoch()}), nil, blank{}, Options{})
	f.views.setInstrument(&trade.Instrument{Symbol: "AAA"})
	return f
}

func TestBestPricesAreToldOnlyWhenTheyChange(t *testing.T) {
	f := newQuietFeed(t)
	for sequence, want := range []int{1, 0, 1} {
		r := tradeRecord(1)
		if sequence == 2 {
			r = tradeRecord(2)
		}
		r.Sequence = uint64(sequence) + 1
		f.views.apply(r)
		if told := f.appendBest(nil, r, 0); len(told) != want {
			t.Errorf("record %d tells %d best prices, want %d", r.Sequence, len(told), want)
		}
	}
}

func TestAnEndedStreamIsForgotten(t *testing.T) {
	f := newQuietFeed(t)
	f.views.setUser(&trade.User{ID: "alice"})
	close(f.ready)
	for range 3 {
		attached, err := f.Attach(t.Context(), AttachRequest{User: "alice", Connection: "c"})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.streams) != 1 {
			t.Fatalf("%d streams are known, want 1", len(f.streams))
		}
		defer attached.Close()
	}
	f.streams["c"].Close()
	f.streams["gone"] = &Attached{feed: f, user: "alice", connection: "gone", subscription: Subscription{AllSymbols: true}}
	f.marketsChanged() // The stream is no longer in the hub.
	if len(f.streams) != 0 {
		t.Errorf("%d streams are known after their end", len(f.streams))
	}
}

// BenchmarkPublish is one trade from decoded record to hub, without encoding.
func BenchmarkPublish(b *testing.B) {
	f := newQuietFeed(b)
	records := make([]*trade.Record, b.N)
	for i := range records {
		records[i] = tradeRecord(uint64(i) + 1)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range records {
		if err := f.publish([]*trade.Record{r}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeAndPublish is the same from the journal's bytes.
func BenchmarkDecodeAndPublish(b *testing.B) {
	f := newQuietFeed(b)
	data, err := record.Encode(nil, tradeRecord(1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	sequence := uint64(0)
	for b.Loop() {
		sequence++
		records, err := f.follower.decode([]journal.Record{{Sequence: sequence, Time: int64(sequence), Data: data}})
		if err != nil {
			b.Fatal(err)
		}
		if err := f.publish(records); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApply is the views' part of it.
func BenchmarkApply(b *testing.B) {
	f := newQuietFeed(b)
	r := tradeRecord(1)
	b.ReportAllocs()
	for b.Loop() {
		f.views.apply(r)
	}
}
