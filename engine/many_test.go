package engine

import (
	"fmt"
	"strconv"
	"testing"

	"todoku/trade"
)

// A draft finds many levels and accounts by a map, few by comparing each. The auditor
// checks that each is reported once and correctly.
func TestACommandThatChangesManyThingsReportsEachOnce(t *testing.T) {
	v := newTestVenue(t)
	i := testInstrument("GOLD")
	v.must(&trade.UpsertInstrument{Instrument: i})
	var users []trade.UserID
	for n := range 3 * many {
		users = append(users, trade.UserID(fmt.Sprint("user", n)))
	}
	v.signUp(trade.RoleTrader, users...)
	place := func(user trade.UserID, request string, side trade.Side, price int, lots int) {
		t.Helper()
		v.must(&trade.PlaceOrder{
			Actor:  trade.Actor{User: user, Account: trade.AccountID(user), Request: trade.RequestID(request)},
			Symbol: "GOLD", Side: side, Price: trade.Price(price) * i.TickSize, Quantity: trade.Quantity(lots) * i.LotSize,
		})
	}
	for size := many - 1; size <= many+2; size++ {
		for n := range size {
			place(users[n], fmt.Sprint(size, "-", n), trade.SideSell, 100+n, 2)
		}
		// All but half of the last level, and then from its other half on.
		place(users[2*many], fmt.Sprint(size, "-sweep"), trade.SideBuy, 1000, 2*size-1)
		place(users[2*many+1], fmt.Sprint(size, "-rest"), trade.SideBuy, 1000, 2)
		v.must(&trade.MassCancel{})
	}
	for n := range users {
		place(users[n], fmt.Sprint("bid", n), trade.SideBuy, 100+n, 1)
	}
	v.must(&trade.MassCancel{})
	if n := len(v.engine.state.orders); n != 0 {
		t.Errorf("%d orders are left", n)
	}
}

func TestRequestsAreForgottenOldestFirst(t *testing.T) {
	const all = 5*requestPiece + 7
	r := newRequests()
	at := func(n int) *trade.Actor {
		return &trade.Actor{User: "u", Account: trade.AccountID(fmt.Sprint("a", n%3)), Request: trade.RequestID(strconv.Itoa(n / 3))}
	}
	added, kept := 0, 0
	check := func() {
		t.Helper()
		if r.len() != added-kept {
			t.Fatalf("%d requests, want %d", r.len(), added-kept)
		}
		for n := range added {
			found := r.find(at(n))
			if (found != nil) != (n >= kept) || found != nil && (found.Time != int64(n) || found.Actor != *at(n)) {
				t.Fatalf("request %d of %d to %d: %+v", n, kept, added, found)
			}
		}
		next := kept
		for k := range r.all() {
			if k.Time != int64(next) {
				t.Fatalf("request %d where %d is due", k.Time, next)
			}
			next++
		}
	}
	for _, s := range []struct{ add, forget int }{
		{all, 1}, {0, requestPiece}, {100, requestPiece + 5}, {requestPiece, 4 * requestPiece}, {0, all}, {0, all + 100 + requestPiece}, {50, 0},
	} {
		for range s.add {
			r.add(&trade.RequestState{Actor: *at(added), Time: int64(added)})
			added++
		}
		r.forget(int64(s.forget))
		kept = max(kept, s.forget)
		check()
	}
	r.forget(int64(added))
	for i := range r.tables {
		if len(r.pieces) > 0 || r.tables[i].cells != nil {
			t.Fatalf("%d pieces and %d cells are left without requests", len(r.pieces), len(r.tables[i].cells))
		}
	}
}
