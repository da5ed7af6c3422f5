package feed

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"todoku/trade"
)

// addOrders adds resting orders of an account, as one record each.
func addOrders(f *Feed, account trade.AccountID, count int) {
	for range count {
		r := restingOrder(f.position.At()+1, account)
		f.views.apply(r)
		f.advance(r)
	}
}

// restingOrder is an order with the record's sequence as its id.
func restingOrder(sequence uint64, account trade.AccountID) *trade.Record {
	return &trade.Record{Sequence: sequence, Time: int64(sequence), Events: []trade.Event{
		&trade.ExecutionReport{Type: trade.ExecTypeNew, Order: trade.Order{
			ID: trade.OrderID(sequence), Account: account, User: trade.UserID(account), Sequence: sequence,
			ClientOrderID: trade.RequestID(fmt.Sprint("r", sequence)), Symbol: "AAA", Side: trade.SideBuy,
			Price: 100, Quantity: 1, Leaves: 1, Status: trade.OrderStatusNew,
		}},
	}}
}

// allocated is how many bytes a function allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What is gathered under the lock must not grow with the orders of an account.
func TestAnAttachTakesTheSameFromTheViewsForAnyNumberOfOrders(t *testing.T) {
	f := newQuietFeed(t)
	addOrders(f, "few", 10)
	addOrders(f, "many", 20_000)
	for name, seen := range map[string]visibility{
		"one account": {accounts: []trade.AccountID{"many"}}, "all accounts": {all: true},
	} {
		user := &trade.User{ID: "many"}
		f.mu.Lock()
		bytes := allocated(func() { f.capture(&Attached{visibility: seen}, user) })
		f.mu.Unlock()
		if bytes > 4096 {
			t.Errorf("%s: %d bytes were gathered under the lock for 20,000 orders", name, bytes)
		}
	}
}

// A stream walks over what it captured while the venue moves on; the race detector
// watches.
func TestWhatAnAttachTookStaysAsItWas(t *testing.T) {
	f := newQuietFeed(t)
	addOrders(f, "alice", 3000)
	addOrders(f, "bob", 10)
	user := &trade.User{ID: "alice"}
	for name, seen := range map[string]visibility{
		"one account": {accounts: []trade.AccountID{"alice"}}, "all accounts": {all: true},
	} {
		taken := f.capture(&Attached{visibility: seen}, user)
		var want []trade.Order
		for _, account := range []trade.AccountID{"alice", "bob"} {
			if seen.sees(account) {
				for _, o := range f.views.accounts[account].orders.Values() {
					want = append(want, *o)
				}
			}
		}
		walked := make(chan []trade.Order)
		go func() {
			var orders []trade.Order
			for list, more := taken.pull(), true; more; {
				var next item
				if next, more = list(); more && next.kind == "order" {
					orders = append(orders, *next.body.(OrderState).Order)
				}
			}
			walked <- orders
		}()
		for i, o := range want {
			r := restingOrder(f.position.At()+1, "alice")
			if i%2 == 0 { // Half of them end, the others are changed.
				o.Status = trade.OrderStatusCanceled
			}
			o.Quantity++
			r.Events = append(r.Events, &trade.ExecutionReport{Type: trade.ExecTypeReplaced, Order: o})
			f.views.apply(r)
			f.advance(r)
		}
		if got := <-walked; !slices.Equal(got, want) {
			t.Errorf("%s: %d orders were walked over, want the %d of the capture", name, len(got), len(want))
		}
	}
}

func TestOrdersAreListedPageByPage(t *testing.T) {
	f := newQuietFeed(t)
	addOrders(f, "alice", 1000)
	below := uint64(math.MaxInt64)
	for want := uint64(1000); want > 0; {
		visited := 0
		for o := range f.WorkingOrders("alice", below) {
			if uint64(o.ID) != want {
				t.Fatalf("order %d, want %d", o.ID, want)
			}
			want--
			below = uint64(o.ID)
			if visited++; visited == 7 {
				break
			}
		}
	}
	for o := range f.WorkingOrders("alice", below) {
		t.Fatalf("order %d after the last", o.ID)
	}
}

// BenchmarkListOrdersOf200k is a page of 100 from the views.
func BenchmarkListOrdersOf200k(b *testing.B) {
	f := newQuietFeed(b)
	addOrders(f, "alice", 200_000)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range f.WorkingOrders("alice", math.MaxInt64) {
			if n++; n == 100 {
				break
			}
		}
	}
}

// BenchmarkAttachWith200kOrders is the work of an attach under the lock, with a record
// between two attaches.
func BenchmarkAttachWith200kOrders(b *testing.B) {
	f := newQuietFeed(b)
	addOrders(f, "alice", 200_000)
	user, a := &trade.User{ID: "alice"}, &Attached{visibility: visibility{accounts: []trade.AccountID{"alice"}}}
	b.ReportAllocs()
	for b.Loop() {
		f.capture(a, user)
		addOrders(f, "alice", 1)
	}
}
