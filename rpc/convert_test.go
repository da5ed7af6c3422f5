package rpc

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// agree checks that the schema's enum and the venue's have the same numbers for the same
// words.
func agree[T fmt.Stringer](t *testing.T, prefix string, values protoreflect.EnumValueDescriptors, ours func(protoreflect.EnumNumber) T) {
	t.Helper()
	for i := range values.Len() {
		v := values.Get(i)
		want := strings.TrimPrefix(string(v.Name()), prefix)
		if got := ours(v.Number()).String(); got != want {
			t.Errorf("%s is %d, which is %s in the venue", v.Name(), v.Number(), got)
		}
	}
	if past := ours(protoreflect.EnumNumber(values.Len())).String(); past != "UNSPECIFIED" {
		t.Errorf("the wire has no word for %s%s", prefix, past)
	}
}

func TestEnumsHaveTheSameNumbersOnTheWire(t *testing.T) {
	agree(t, "SIDE_", todokuv1.Side(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.Side { return trade.Side(n) })
	agree(t, "ORDER_TYPE_", todokuv1.OrderType(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.OrderType { return trade.OrderType(n) })
	agree(t, "TIME_IN_FORCE_", todokuv1.TimeInForce(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.TimeInForce { return trade.TimeInForce(n) })
	agree(t, "SELF_TRADE_INSTRUCTION_", todokuv1.SelfTradeInstruction(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.SelfTrade { return trade.SelfTrade(n) })
	agree(t, "ORDER_STATUS_", todokuv1.OrderStatus(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.OrderStatus { return trade.OrderStatus(n) })
	agree(t, "EXEC_TYPE_", todokuv1.ExecType(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.ExecType { return trade.ExecType(n) })
	agree(t, "TRADING_STATUS_", todokuv1.TradingStatus(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.TradingStatus { return trade.TradingStatus(n) })
	agree(t, "ASSET_CLASS_", todokuv1.AssetClass(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.AssetClass { return trade.AssetClass(n) })
	agree(t, "TRADE_STATUS_", todokuv1.TradeStatus(0).Descriptor().Values(), func(n protoreflect.EnumNumber) trade.TradeStatus { return trade.TradeStatus(n) })
	agree(t, "START_", todokuv1.Hello_Start(0).Descriptor().Values(), func(n protoreflect.EnumNumber) feed.Start { return feed.Start(n) })
}

func TestRolesGoOutAndComeBack(t *testing.T) {
	for set := range trade.RoleAll + 1 {
		var d decoder
		if back := d.roles("roles", roleList(set)); d.err != nil || back != set {
			t.Errorf("%b came back as %b, %v", set, back, d.err)
		}
	}
	for role, word := range map[trade.Role]string{
		trade.RoleTrader: "ROLE_TRADER", trade.RoleViewer: "ROLE_VIEWER", trade.RoleRisk: "ROLE_RISK", trade.RoleAdmin: "ROLE_ADMIN",
	} {
		if got := roleList(role); len(got) != 1 || got[0].String() != word {
			t.Errorf("%b is %v on the wire, want %s", role, got, word)
		}
	}
	values := todokuv1.Role(0).Descriptor().Values()
	if values.Len()-1 != len(roleList(trade.RoleAll)) {
		t.Errorf("the wire has %d roles, the venue %d", values.Len()-1, len(roleList(trade.RoleAll)))
	}
}
