package order

import (
	"strings"
	"testing"
	"time"

	"todoku/cmd/todoku/notation"
	todokuv1 "todoku/gen/todoku/v1"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.FixedZone("JST", 9*3600))

func TestOrdersAreReadAsTyped(t *testing.T) {
	for _, c := range []struct {
		line    string
		options orderOptions
		want    string // sayOrder of it, or the words of the error
		refused bool
	}{
		{line: "BUY 10 USDJPY @ 151.25", want: "BUY 10 USDJPY @ 151.25"},
		{line: "buy 10 usdjpy @151.250", want: "BUY 10 USDJPY @ 151.25"},
		{line: "sell 0.5 BTC/JPY@1", want: "SELL 0.5 BTC/JPY @ 1"},
		{line: "SELL 010.0 ES", options: orderOptions{orderType: "market"}, want: "SELL 10 ES at the market"},
		{line: "BUY 10 USDJPY", want: "a limit order needs a price", refused: true},
		{line: "BUY 10 USDJPY @ 1", options: orderOptions{orderType: "MARKET"}, want: "a market order has no price", refused: true},
		{line: "BUY 10 USDJPY @", want: "a price follows the @", refused: true},
		{line: "BUY 10 USDJPY @ 1 2", want: "only the price follows", refused: true},
		{line: "BUY 10 USDJPY @ 1 @ 2", want: "only the price follows", refused: true},
		{line: "BUY 10", want: "SIDE QUANTITY SYMBOL", refused: true},
		{line: "BUY 10 USD JPY @ 1", want: "SIDE QUANTITY SYMBOL", refused: true},
		{line: "HOLD 10 USDJPY @ 1", want: "choose BUY, SELL", refused: true},
		{line: "BUY 1,000 USDJPY @ 1", want: "no commas", refused: true},
		{line: "BUY 1e3 USDJPY @ 1", want: "quantity", refused: true},
		{line: "BUY -1 USDJPY @ 1", want: "not greater than zero", refused: true},
		{line: "BUY 0 USDJPY @ 1", want: "not greater than zero", refused: true},
		{line: "BUY 1 USDJPY @ 0", want: "not greater than zero", refused: true},
		{line: "BUY 1 USD;JPY @ 1", want: "A-Z", refused: true},
		{line: "BUY 9223372036854775808 USDJPY @ 1", want: "quantity", refused: true},
		{line: "BUY 1 USDJPY @ 1", options: orderOptions{tif: "SOON"}, want: "choose DAY, GTC, GTD, IOC, FOK", refused: true},
		{line: "BUY 1 USDJPY @ 1", options: orderOptions{tif: "GTD"}, want: "needs --expire", refused: true},
		{line: "BUY 1 USDJPY @ 1", options: orderOptions{expire: "2h"}, want: "goes with --tif GTD", refused: true},
		{line: "BUY 1 USDJPY @ 1", options: orderOptions{tif: "GTD", expire: "soon"}, want: "is no time", refused: true},
		{line: "BUY 1 USDJPY @ 1", options: orderOptions{id: strings.Repeat("x", 65)}, want: "64", refused: true},
	} {
		order, err := parseOrder(strings.Fields(c.line), c.options, noon)
		if c.refused {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %+v: %v, want %q", c.line, c.options, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if got := notation.SayOrder(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice()); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

func TestAnOrderTakesItsFlags(t *testing.T) {
	order, err := parseOrder(strings.Fields("BUY 1 USDJPY @ 1"), orderOptions{
		orderType: "limit", tif: "gtd", expire: "17:30", selfTrade: "cancel-both", postOnly: true, id: "mine", account: "desk",
	}, noon)
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
	f.Add("BUY 10 USDJPY @ 151.25", "", "", "")
	f.Add("sell 0.5 btc/jpy@1", "limit", "GTD", "2h")
	f.Add("BUY 1 ES", "market", "IOC", "")
	f.Add("BUY 1 ES @ @", "", "DAY", "x")
	f.Fuzz(func(t *testing.T, line, orderType, tif, expire string) {
		options := orderOptions{orderType: orderType, tif: tif, expire: expire}
		order, err := parseOrder(strings.Fields(line), options, noon)
		if err != nil {
			return
		}
		// What was read and is written again must read the same.
		written := strings.TrimSuffix(notation.SayOrder(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice()), " at the market")
		again, err := parseOrder(strings.Fields(written), options, noon)
		if err != nil {
			t.Fatalf("%q was read, %q is refused: %v", line, written, err)
		}
		if order.String() != again.String() {
			t.Fatalf("%q and %q read differently", line, written)
		}
	})
}
