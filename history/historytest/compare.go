package historytest

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"todoku/history"
	"todoku/journal"
	"todoku/trade"
)

// epoch is that of every journal of the suite.
const epoch = "0123456789abcdef"

func testDone(t *testing.T, h history.Store, _ reopener) {
	reset(t, h, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"apply":   h.Apply(ctx, NewVenue(7).Next(1)),
		"reset":   h.Reset(ctx, journal.Position{Epoch: "other"}, nil),
		"compact": h.Compact(ctx, Begin),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	position(t, h, journal.Position{Epoch: epoch})
}

func position(t *testing.T, h history.Store, want journal.Position) {
	t.Helper()
	if got, err := h.Position(t.Context()); err != nil || got != want {
		t.Fatalf("the position is %v (%v), want %v", got, err, want)
	}
}

func reset(t *testing.T, h history.Store, sequence uint64, state *trade.Snapshot) {
	t.Helper()
	if err := h.Reset(t.Context(), journal.Position{Epoch: epoch, Sequence: sequence}, state); err != nil {
		t.Fatal(err)
	}
}

func apply(t *testing.T, h history.Store, records []*trade.Record) {
	t.Helper()
	if err := h.Apply(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// compare asks a history and the model the same random questions.
func compare(t *testing.T, h history.Store, model *naive, random *rand.Rand, questions int) {
	t.Helper()
	a := &asker{h, model, random}
	for range questions {
		a.orders(t)
		a.order(t)
		a.executions(t)
		a.trades(t)
		a.trade(t)
		a.audit(t)
	}
}

type asker struct {
	h      history.Store
	model  *naive
	random *rand.Rand
}

// account, user and symbol return one that does not exist now and then.
func (a *asker) account() trade.AccountID { return Account(a.random.IntN(5)) }
func (a *asker) user() trade.UserID       { return user(a.random.IntN(5)) }
func (a *asker) symbol() trade.Symbol     { return Symbol(a.random.IntN(4)) }

func (a *asker) page() history.PageRequest {
	return history.PageRequest{Size: []int{0, 1, 2, 3, 10, 1000}[a.random.IntN(6)]}
}

// span often ends exactly at the time of a record.
func (a *asker) span() history.Span {
	at := func() int64 {
		if a.random.IntN(2) == 0 || len(a.model.records) == 0 {
			return 0
		}
		return a.model.records[a.random.IntN(len(a.model.records))].Time + int64(a.random.IntN(3)-1)
	}
	return history.Span{From: at(), To: at()}
}

func (a *asker) orders(t *testing.T) {
	t.Helper()
	q := history.OrderQuery{
		Account: a.account(), State: history.OrderState(a.random.IntN(3)), Span: a.span(), PageRequest: a.page(),
	}
	if a.random.IntN(2) == 0 {
		q.Symbol = a.symbol()
	}
	compareList(t, &q, &q.PageRequest, a.h.Orders, a.model.listOrders(q))
}

func (a *asker) order(t *testing.T) {
	t.Helper()
	account, ref := a.account(), trade.OrderRef{ID: trade.OrderID(a.random.IntN(400))}
	switch o, ok := a.model.orders[ref.ID]; {
	case ok && a.random.IntN(2) == 0:
		account, ref = o.Account, trade.OrderRef{ClientOrderID: o.ClientOrderID}
	case a.random.IntN(2) == 0:
		ref = trade.OrderRef{ClientOrderID: requestID(a.random.Uint64N(400))}
	}
	got, ok, err := a.h.Order(t.Context(), account, ref)
	if want, exists := a.model.order(account, ref); err != nil || ok != exists || got != want {
		t.Fatalf("order %+v of %s is\n%+v (%v, %v), want\n%+v (%v)", ref, account, got, ok, err, want, exists)
	}
}

func (a *asker) executions(t *testing.T) {
	t.Helper()
	q := history.ExecutionQuery{Account: a.account(), Span: a.span(), PageRequest: a.page()}
	if a.random.IntN(2) == 0 {
		q.Symbol = a.symbol()
	}
	if a.random.IntN(3) == 0 {
		q.Order = trade.OrderID(a.random.IntN(400))
	}
	compareList(t, &q, &q.PageRequest, a.h.Executions, a.model.listExecutions(q))
}

func (a *asker) trades(t *testing.T) {
	t.Helper()
	q := history.TradeQuery{Symbol: a.symbol(), Span: a.span(), PageRequest: a.page()}
	compareList(t, &q, &q.PageRequest, a.h.Trades, a.model.listTrades(q))
}

func (a *asker) trade(t *testing.T) {
	t.Helper()
	id := trade.TradeID(a.random.IntN(200))
	got, ok, err := a.h.Trade(t.Context(), id)
	if want, exists := a.model.trade(id); err != nil || ok != exists || got != want {
		t.Fatalf("trade %d is\n%+v (%v, %v), want\n%+v (%v)", id, got, ok, err, want, exists)
	}
}

// audit checks that every entry has a text; the tests of package history check which.
func (a *asker) audit(t *testing.T) {
	t.Helper()
	q := history.AuditQuery{Span: a.span(), PageRequest: a.page()}
	if a.random.IntN(2) == 0 {
		q.User = a.user()
	}
	withoutText := func(ctx context.Context, q history.AuditQuery) (history.Page[history.AuditEntry], error) {
		page, err := a.h.Audit(ctx, q)
		for i := range page.Items {
			if page.Items[i].Detail == "" {
				t.Errorf("the audit entry of record %d has no text", page.Items[i].Sequence)
			}
			page.Items[i].Detail = ""
		}
		return page, err
	}
	compareList(t, &q, &q.PageRequest, withoutText, a.model.listAudit(q))
}

// maxWalk is how many pages compareList reads; it need not read all small pages.
const maxWalk = 6

// compareList reads pages of a query to the end, or maxWalk of them, and compares the
// items with want. request is the page of q.
func compareList[Q, T any](
	t *testing.T, q *Q, request *history.PageRequest, read func(context.Context, Q) (history.Page[T], error), want []T,
) {
	t.Helper()
	var got []T
	for range maxWalk {
		page, err := read(t.Context(), *q)
		if err != nil {
			t.Fatal(err)
		}
		if size := request.Limit(); len(page.Items) > size || page.Next != "" && len(page.Items) != size {
			t.Fatalf("a page of %d has %d items and next %q", size, len(page.Items), page.Next)
		}
		got = append(got, page.Items...)
		if request.Token = page.Next; page.Next == "" {
			same(t, *q, got, want)
			return
		}
	}
	same(t, *q, got, want[:min(len(got), len(want))])
}

func same[T any](t *testing.T, query any, got, want []T) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%T %+v: item %d is\n%+v, want\n%+v", query, query, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%T %+v: %d items instead of %d", query, query, len(got), len(want))
	}
}
