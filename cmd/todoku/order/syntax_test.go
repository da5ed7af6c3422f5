package order

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.FixedZone("JST", 9*3600))

// place reads a command line of "order place" and returns the order.
func place(line string) (*todokuv1.PlaceOrderRequest, error) {
	s := session.New(&cli.App{Now: func() time.Time { return noon }, Out: io.Discard, Errors: io.Discard})
	order := &todokuv1.PlaceOrderRequest{}
	command := placeCommand(s, order)
	command.RunE = func(*cobra.Command, []string) error { return nil }
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetArgs(strings.Fields(line))
	return order, command.Execute()
}

func TestOrdersAreReadAsTyped(t *testing.T) {
	for _, c := range []struct {
		line    string
		flags   string
		want    string // sayOrder of it, or the words of the error
		refused bool
	}{
		{line: "BUY 10 USDJPY @ 151.25", want: "BUY 10 USDJPY @ 151.25"},
		{line: "buy 10 usdjpy @151.250", want: "BUY 10 USDJPY @ 151.25"},
		{line: "sell 0.5 BTC/JPY@1", want: "SELL 0.5 BTC/JPY @ 1"},
		{line: "SELL 010.0 ES", flags: "--type market", want: "SELL 10 ES at the market"},
		{line: "BUY 10 USDJPY", want: "a limit order needs a price", refused: true},
		{line: "BUY 10 USDJPY @ 1", flags: "--type MARKET", want: "a market order has no price", refused: true},
		{line: "BUY 10 USDJPY @", want: "a price must follow the @", refused: true},
		{line: "BUY 10 USDJPY @ 1 2", want: "only the price may follow", refused: true},
		{line: "BUY 10 USDJPY @ 1 @ 2", want: "only the price may follow", refused: true},
		{line: "BUY 10", want: "SIDE QUANTITY SYMBOL", refused: true},
		{line: "BUY 10 USD JPY @ 1", want: "SIDE QUANTITY SYMBOL", refused: true},
		{line: "HOLD 10 USDJPY @ 1", want: "choose BUY, SELL", refused: true},
		{line: "BUY 1,000 USDJPY @ 1", want: "no commas", refused: true},
		{line: "BUY 1e3 USDJPY @ 1", want: "quantity", refused: true},
		{line: "-- BUY -1 USDJPY @ 1", want: "not greater than zero", refused: true},
		{line: "BUY 0 USDJPY @ 1", want: "not greater than zero", refused: true},
		{line: "BUY 1 USDJPY @ 0", want: "not greater than zero", refused: true},
		{line: "BUY 1 USD;JPY @ 1", want: "A-Z", refused: true},
		{line: "BUY 9223372036854775808 USDJPY @ 1", want: "quantity", refused: true},
		{line: "BUY 1 USDJPY @ 1", flags: "--tif SOON", want: "choose DAY, GTC, GTD, IOC, FOK", refused: true},
		{line: "BUY 1 USDJPY @ 1", flags: "--tif GTD", want: "needs --expire", refused: true},
		{line: "BUY 1 USDJPY @ 1", flags: "--expire 2h", want: "for --tif GTD only", refused: true},
		{line: "BUY 1 USDJPY @ 1", flags: "--tif GTD --expire soon", want: "not a time", refused: true},
		{line: "BUY 1 USDJPY @ 1", flags: "--id " + strings.Repeat("x", 65), want: "64", refused: true},
	} {
		order, err := place(c.line + " " + c.flags)
		if c.refused {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s: %v, want %q", c.line, c.flags, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if got := notation.Order(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice()); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

func TestAnOrderTakesItsFlags(t *testing.T) {
	order, err := place("BUY 1 USDJPY @ 1 --type limit --tif gtd --expire 17:30 --self-trade cancel-both --post-only --id mine --account desk")
	if err != nil {
		t.Fatal(err)
	}
	want := noon.Add(5*time.Hour + 30*time.Minute)
	switch {
	case order.GetType() != todokuv1.OrderType_ORDER_TYPE_LIMIT,
		order.GetTimeInForce() != todokuv1.TimeInForce_TIME_IN_FORCE_GTD,
		order.GetSelfTrade() != todokuv1.SelfTradeInstruction_SELF_TRADE_INSTRUCTION_CANCEL_BOTH,
		!order.GetPostOnly(), order.GetClientOrderId() != "mine", order.GetAccount() != "desk",
		!order.GetExpireTime().AsTime().Equal(want):
		t.Errorf("%v", order)
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add("BUY 10 USDJPY @ 151.25", int32(0), int32(0), "")
	f.Add("sell 0.5 btc/jpy@1", int32(1), int32(3), "2h")
	f.Add("BUY 1 ES", int32(2), int32(4), "")
	f.Add("BUY 1 ES @ @", int32(0), int32(1), "x")
	f.Fuzz(func(t *testing.T, line string, orderType, tif int32, expire string) {
		parse := func(line string) (*todokuv1.PlaceOrderRequest, error) {
			order := &todokuv1.PlaceOrderRequest{Type: todokuv1.OrderType(orderType), TimeInForce: todokuv1.TimeInForce(tif)}
			return order, parseOrder(order, strings.Fields(line), expire, noon)
		}
		order, err := parse(line)
		if err != nil {
			return
		}
		// What was read and is written again must read the same.
		written := strings.TrimSuffix(notation.Order(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice()), " at the market")
		again, err := parse(written)
		if err != nil {
			t.Fatalf("%q was read, %q is refused: %v", line, written, err)
		}
		if order.String() != again.String() {
			t.Fatalf("%q and %q read differently", line, written)
		}
	})
}
