package trade_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"todoku/trade"
)

// TestEveryEnumValueHasItsOwnName checks the names of all enums: distinct, and none
// for a value that does not exist.
func TestEveryEnumValueHasItsOwnName(t *testing.T) {
	check := func(last fmt.Stringer) {
		t.Helper()
		kind := reflect.TypeOf(last)
		most := reflect.ValueOf(last).Int()
		seen := map[string]bool{}
		for n := range most + 2 {
			word := reflect.ValueOf(n).Convert(kind).Interface().(fmt.Stringer).String()
			unspecified := word == "UNSPECIFIED"
			if unspecified != (n == 0 || n > most) || !unspecified && seen[word] || word != strings.ToUpper(word) {
				t.Errorf("%v %d is called %q", kind, n, word)
			}
			seen[word] = true
		}
		if word := reflect.ValueOf(int64(-1)).Convert(kind).Interface().(fmt.Stringer).String(); word != "UNSPECIFIED" {
			t.Errorf("%v -1 is called %q", kind, word)
		}
	}
	check(trade.Side(trade.SideCount - 1))
	check(trade.OrderType(trade.OrderTypeCount - 1))
	check(trade.TimeInForce(trade.TimeInForceCount - 1))
	check(trade.SelfTrade(trade.SelfTradeCount - 1))
	check(trade.OrderStatus(trade.OrderStatusCount - 1))
	check(trade.ExecType(trade.ExecTypeCount - 1))
	check(trade.TradingStatus(trade.TradingStatusCount - 1))
	check(trade.AssetClass(trade.AssetClassCount - 1))
	check(trade.TradeStatus(trade.TradeStatusCount - 1))
	check(trade.CommandKind(trade.CommandKindCount - 1))
}

func TestCommandsHaveAKindAndASender(t *testing.T) {
	kinds := map[trade.CommandKind]bool{}
	for _, command := range []trade.Command{
		&trade.PlaceOrder{}, &trade.ReplaceOrder{}, &trade.CancelOrder{}, &trade.MassCancel{}, &trade.BustTrade{},
		&trade.UpsertInstrument{}, &trade.SetTradingStatus{}, &trade.UpsertUser{}, &trade.SetLimits{},
		&trade.Announce{}, &trade.SetPresence{}, &trade.AdvanceClock{}, &trade.ConfigureVenue{},
	} {
		name := reflect.TypeOf(command).Elem().Name()
		if word := strings.ReplaceAll(trade.KindOf(command).String(), "_", ""); word != strings.ToUpper(name) {
			t.Errorf("%s is of kind %s", name, trade.KindOf(command))
		}
		kinds[trade.KindOf(command)] = true
		command.From().User = "alice"
		if user := reflect.ValueOf(command).Elem().FieldByName("User").String(); user != "alice" {
			t.Errorf("%s is from %q", name, user)
		}
	}
	if len(kinds) != trade.CommandKindCount-1 {
		t.Errorf("%d kinds of command, want %d", len(kinds), trade.CommandKindCount-1)
	}
}
