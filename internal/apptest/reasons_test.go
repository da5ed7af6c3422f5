package apptest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// Every reason that the venue may give is provoked through gRPC, by a case in one of the
// tables beside this file. A reason without a case fails the test, and so does a case for a
// reason that does not exist.

// TestEveryReasonOfThisVersionIsProvokedThroughGRPC runs the tables and compares
// them with the reasons in the source.
func TestEveryReasonOfThisVersionIsProvokedThroughGRPC(t *testing.T) {
	t.Parallel()
	all := emitted(t)
	covered := map[string]bool{}
	for _, c := range refusals() {
		covered[c.reason] = true
	}
	for reason := range rejections() {
		covered[reason] = true
	}
	for reason := range reports() {
		covered[reason] = true
	}
	for reason := range alone() {
		covered[reason] = true
	}
	for reason := range all {
		if !covered[reason] {
			t.Errorf("%s can be emitted and no case provokes it", reason)
		}
	}
	for reason := range covered {
		if !all[reason] {
			t.Errorf("there is a case for %s, which nothing emits", reason)
		}
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		testRefusals(t, refusals())
	})
	t.Run("answered", testAnswers)
	for reason, provoke := range alone() {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			provoke(t)
		})
	}
}

// emitted reads the reasons from the source: those of trade, the constants of push and of
// rpc, and those in rpc's table.
func emitted(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, reason := range trade.Reasons() {
		all[reason.String()] = true
	}
	delete(all, trade.ReasonNone.String()) // It stands for no reason.
	// Only journals of earlier versions have it.
	delete(all, trade.ReasonBelowFilled.String())
	// It takes a second node. The tests of package rpc give it through gRPC.
	defer delete(all, "NOT_LEADER")
	word := regexp.MustCompile(`^"[A-Z][A-Z_]+"$`)
	for _, path := range []string{"../../push/reason.go", "../../rpc/errors.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && word.MatchString(text.Value) {
				all[strings.Trim(text.Value, `"`)] = true
				found++
			}
			return true
		})
		if found < 10 {
			t.Fatalf("%s has %d words: the test does not know any more where reasons are", path, found)
		}
	}
	return all
}

// refusal is a call that must be refused and have no effect.
type refusal struct {
	reason string
	code   codes.Code
	field  string
	call   func(v *stage) error
}

// stage is a venue on which refusals and answers are provoked: everybody is signed
// in, and there are instruments for every case.
type stage struct {
	t                                    *testing.T
	app                                  *apptest.App
	alice, bob, carol, vera, rita, admin *apptest.Desktop
	resting, elsewhere, filled, busted   string // Order and trade ids.
	n                                    int
}

// next is a request id that was not used.
func (v *stage) next() string {
	v.n++
	return "n" + strconv.Itoa(v.n)
}

// moods returns instruments in addition to those of apptest.Instruments.
func moods() []trade.Instrument {
	const unit = 100_000_000
	instrument := func(symbol trade.Symbol, status trade.TradingStatus) trade.Instrument {
		return trade.Instrument{
			Symbol: symbol, Class: trade.AssetClassFuture, Currency: "JPY", TickSize: unit / 100, LotSize: unit,
			MinQuantity: unit, MaxQuantity: 1_000 * unit, Status: status,
		}
	}
	limited := instrument("LIMITED", trade.TradingStatusOpen)
	limited.LowLimitPrice, limited.HighLimitPrice = 90*unit, 110*unit
	large := instrument("LARGE", trade.TradingStatusOpen)
	large.MaxQuantity = 20_000_000_000 * unit
	banded := instrument("BANDED", trade.TradingStatusOpen)
	banded.ReferencePrice = 100 * unit
	return []trade.Instrument{
		limited, large, banded,
		instrument("EARLY", trade.TradingStatusPreOpen), instrument("HALTED", trade.TradingStatusHalted), instrument("CLOSED", trade.TradingStatusClosed),
	}
}

// newStage serves the venue and places the orders that the cases need.
func newStage(t *testing.T) *stage {
	t.Helper()
	config := apptest.Config(t.TempDir())
	// One user with so many accounts that they can fill a price level.
	whale := trade.User{ID: "whale", DisplayName: "Whale", Roles: trade.RoleTrader, Accounts: []trade.AccountID{"w0", "w1", "w2", "w3", "w4"}}
	if err := apptest.Seed(t.Context(), config.Data, append(apptest.Users(), whale), append(apptest.Instruments(), moods()...)); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, config)
	v := &stage{
		t: t, app: app, alice: app.SignIn("alice"), bob: app.SignIn("bob"), carol: app.SignIn("carol"),
		vera: app.SignIn("vera"), rita: app.SignIn("rita"), admin: app.SignIn("admin"),
	}
	v.resting = v.alice.Place(apptest.Limit("resting", "USDJPY", buy, "10", "140")).GetOrderId()
	v.elsewhere = v.bob.Place(apptest.Limit("elsewhere", "USDJPY", buy, "10", "140")).GetOrderId()
	v.alice.Place(apptest.Limit("maker", "USDJPY", sell, "4", "150"))
	v.filled = v.bob.Place(apptest.Limit("taker", "USDJPY", buy, "4", "150")).GetOrderId()
	trades, err := v.bob.Market.ListTrades(t.Context(), &todokuv1.ListTradesRequest{Symbol: "USDJPY"})
	if err != nil || len(trades.GetTrades()) != 1 {
		t.Fatalf("trades %v, %v", trades, err)
	}
	v.busted = trades.GetTrades()[0].GetTradeId()
	if _, err := v.admin.Admin.BustTrade(t.Context(), &todokuv1.BustTradeRequest{RequestId: v.next(), TradeId: v.busted}); err != nil {
		t.Fatal(err)
	}
	return v
}

// testRefusals provokes each refusal on one venue, whose state must afterwards equal a
// replay of its journal.
func testRefusals(t *testing.T, cases []refusal) {
	t.Helper()
	v := newStage(t)
	for _, c := range cases {
		before := v.app.Head()
		err := c.call(v)
		if err == nil {
			t.Errorf("nothing was refused, want %s (%s)", c.reason, c.field)
			continue
		}
		wantRefusal(t, err, c.code, c.reason, c.field)
		if after := v.app.Head(); after != before {
			t.Errorf("the refusal %s (%s) moved the journal from %d to %d", c.reason, c.field, before, after)
		}
	}
	v.app.Shutdown()
	wantReplayed(t, v.app.Data())
}

// testAnswers provokes the reasons that come in answers and not in errors: rejections by
// the market or a limit, and the ends of orders.
func testAnswers(t *testing.T) {
	t.Parallel()
	v := newStage(t)
	for reason, provoke := range rejections() {
		answer := provoke(v)
		if got := answer.GetReason(); got.GetName() != reason || got.GetText() == "" || got.GetCode() == 0 {
			t.Errorf("want %s, answered %v", reason, answer)
		}
		if answer.GetSequence() == 0 || answer.GetCursor() == "" {
			t.Errorf("%s: the answer %v does not say where it stands", reason, answer)
		}
	}
	watcher := v.rita.Attach(&request{Subscription: &todokuv1.Subscription{AllAccounts: true}})
	watcher.Snapshot()
	missing := reports()
	for _, provoke := range missing {
		provoke(v)
	}
	defer func() {
		for reason := range missing {
			t.Errorf("no report says %s", reason)
		}
	}()
	for len(missing) > 0 {
		if reason := watcher.Next().GetExecutionReport().GetReason(); reason.GetText() != "" {
			delete(missing, reason.GetName())
		}
	}
	v.app.Shutdown()
	wantReplayed(t, v.app.Data())
}
