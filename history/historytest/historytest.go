// Package historytest tests any implementation of [history.Store], and makes the records
// for these tests.
package historytest

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"todoku/history"
	"todoku/journal"
	"todoku/trade"
)

// Run tests a store by the contract of [history.Store]. open must open the
// history in dir, or make it; the suite closes it.
func Run(t *testing.T, open func(t *testing.T, dir string) history.Store) {
	t.Helper()
	cases := []struct {
		name string
		test func(t *testing.T, h history.Store, reopen reopener)
	}{
		{"ANewHistoryHasNoPosition", testNew},
		{"AnswersAreThoseOfTheNaiveModel", testAgainstNaive},
		{"RecordsThatDoNotFollowAreRefused", testGap},
		{"AResetDropsAllAndKeepsWhatWorks", testReset},
		{"TokensOfOtherQueriesAreRefused", testTokens},
		{"PagesStayWholeWhileRecordsArrive", testStablePages},
		{"CompactingDropsOnlyWhatIsOld", testCompact},
		{"AContextThatIsDoneChangesNothing", testDone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			h := open(t, dir)
			t.Cleanup(func() {
				if err := h.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.test(t, h, func(t *testing.T) history.Store {
				t.Helper()
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				h = open(t, dir)
				return h
			})
		})
	}
}

// reopener closes the history of a test and opens it again from its stored data.
type reopener func(t *testing.T) history.Store

func testNew(t *testing.T, h history.Store, reopen reopener) {
	position(t, h, journal.Position{})
	h = reopen(t)
	position(t, h, journal.Position{})
	reset(t, h, 0, nil)
	h = reopen(t)
	position(t, h, journal.Position{Epoch: epoch})
}

func testAgainstNaive(t *testing.T, h history.Store, reopen reopener) {
	for seed := range uint64(2) {
		venue, model := NewVenue(seed), newNaive()
		reset(t, h, 0, nil)
		random := rand.New(rand.NewPCG(seed, 2))
		for range 6 {
			records := venue.Next(1 + random.IntN(150))
			apply(t, h, records)
			model.apply(records)
			compare(t, h, model, random, 5)
		}
		h = reopen(t)
		position(t, h, journal.Position{Epoch: epoch, Sequence: venue.sequence})
		compare(t, h, model, random, 30)
	}
}

func testGap(t *testing.T, h history.Store, _ reopener) {
	reset(t, h, 0, nil)
	records := NewVenue(1).Next(10)
	for name, wrong := range map[string][]*trade.Record{
		"gap before": records[1:3],
		"gap inside": {records[0], records[2]},
		"backwards":  {records[0], records[0]},
	} {
		if err := h.Apply(t.Context(), wrong); !errors.Is(err, history.ErrGap) {
			t.Errorf("%s: %v, want ErrGap", name, err)
		}
	}
	position(t, h, journal.Position{Epoch: epoch})
	apply(t, h, records[:5])
	if err := h.Apply(t.Context(), records[4:]); !errors.Is(err, history.ErrGap) {
		t.Errorf("a record twice: %v, want ErrGap", err)
	}
	apply(t, h, records[5:])
	model := newNaive()
	model.apply(records)
	compare(t, h, model, rand.New(rand.NewPCG(1, 3)), 20)
}

func testReset(t *testing.T, h history.Store, reopen reopener) {
	venue := NewVenue(3)
	reset(t, h, 0, nil)
	apply(t, h, venue.Next(300))
	model := newNaive()
	for _, o := range venue.Working() {
		model.orders[o.ID] = o
	}
	reset(t, h, 300, &trade.Snapshot{Sequence: 300, Orders: venue.Working()})
	h = reopen(t)
	position(t, h, journal.Position{Epoch: epoch, Sequence: 300})
	random := rand.New(rand.NewPCG(3, 3))
	compare(t, h, model, random, 15)
	records := venue.Next(300)
	apply(t, h, records)
	model.apply(records)
	compare(t, h, model, random, 30)
}

func testTokens(t *testing.T, h history.Store, _ reopener) {
	reset(t, h, 0, nil)
	apply(t, h, NewVenue(4).Next(300))
	query := history.OrderQuery{Account: Account(0), PageRequest: history.PageRequest{Size: 2}}
	page, err := h.Orders(t.Context(), query)
	if err != nil || page.Next == "" {
		t.Fatalf("no second page (%v)", err)
	}
	refused := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, history.ErrBadPageToken) {
			t.Errorf("%s: %v, want ErrBadPageToken", name, err)
		}
	}
	other := query
	other.Token, other.Account = page.Next, Account(1)
	_, err = h.Orders(t.Context(), other)
	refused("of another account", err)
	request := history.PageRequest{Token: page.Next}
	_, err = h.Executions(t.Context(), history.ExecutionQuery{Account: Account(0), PageRequest: request})
	refused("of orders for executions", err)
	_, err = h.Trades(t.Context(), history.TradeQuery{Symbol: Symbol(0), PageRequest: request})
	refused("of orders for trades", err)
	_, err = h.Audit(t.Context(), history.AuditQuery{PageRequest: request})
	refused("of orders for audit", err)
	for _, token := range []string{"x", "!", page.Next + "A", page.Next[1:], strings.Repeat("A", 1<<16)} {
		query.Token = token
		_, err = h.Orders(t.Context(), query)
		refused(token[:min(len(token), 30)], err)
	}
}

func testStablePages(t *testing.T, h history.Store, _ reopener) {
	venue, model := NewVenue(5), newNaive()
	reset(t, h, 0, nil)
	records := venue.Next(300)
	apply(t, h, records)
	model.apply(records)
	query := history.ExecutionQuery{Account: Account(0), PageRequest: history.PageRequest{Size: 7}}
	want := model.listExecutions(query)
	var got []history.Execution
	for {
		page, err := h.Executions(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Items...)
		if page.Next == "" {
			break
		}
		query.Token = page.Next
		apply(t, h, venue.Next(5))
	}
	same(t, query, got, want)
}

func testCompact(t *testing.T, h history.Store, _ reopener) {
	venue, model := NewVenue(6), newNaive()
	reset(t, h, 0, nil)
	random := rand.New(rand.NewPCG(6, 6))
	for range 3 {
		for range 4 {
			records := venue.Next(100)
			apply(t, h, records)
			model.apply(records)
		}
		before := Begin + (venue.time-Begin)*2/3
		if err := h.Compact(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		model.compact(before)
		compare(t, h, model, random, 15)
	}
	if err := h.Compact(t.Context(), venue.time+1); err != nil {
		t.Fatal(err)
	}
	model.compact(venue.time + 1)
	records := venue.Next(100)
	apply(t, h, records)
	model.apply(records)
	compare(t, h, model, random, 15)
	if len(model.listOrders(history.OrderQuery{Account: Account(0), State: history.WorkingOrder})) == 0 {
		t.Error("no working order has survived; the test shows too little")
	}
}
