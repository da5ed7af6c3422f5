package chaos

import (
	"fmt"
	"strconv"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Keys and values in the same form for the journal and for a client's messages, so that
// the two can be compared: a key names an object, a value is its state.

const bestKey = "best"

func levelKey(side todokuv1.Side, price string) string { return strconv.Itoa(int(side)) + "/" + price }

// levelValue is empty for a level without orders.
func levelValue(level *todokuv1.BookLevel) string {
	if level.GetQuantity() == "0" {
		return ""
	}
	return fmt.Sprintf("%s in %d", level.GetQuantity(), level.GetOrders())
}

func levelText(level *todokuv1.BookLevel) string {
	if level == nil {
		return "-"
	}
	return level.GetPrice() + ": " + levelValue(level)
}

func bestValue(bid, offer, last string, version uint64) string {
	return fmt.Sprintf("%s | %s, last %q, version %d", bid, offer, last, version)
}

func orderOf(o *todokuv1.Order) (key, value string) {
	return "order/" + o.GetOrderId(), orderText(o.GetSymbol(), o.GetClientOrderId(), int(o.GetSide()), o.GetPrice(), o.GetFilledQuantity(), o.GetLeavesQuantity(), int(o.GetStatus()))
}

func orderFrom(o *trade.Order) (key, value string) {
	return "order/" + strconv.FormatUint(uint64(o.ID), 10),
		orderText(string(o.Symbol), string(o.ClientOrderID), int(o.Side), o.Price.String(), o.Filled.String(), o.Leaves.String(), int(o.Status))
}

func orderText(symbol, name string, side int, price, filled, leaves string, status int) string {
	return fmt.Sprintf("%s %s side %d at %s, %s filled, %s left, status %d", name, symbol, side, price, filled, leaves, status)
}

// standingOf returns key and value of a message in a snapshot other than an order.
func standingOf(m *todokuv1.Message) (key, value string) {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_PositionUpdate:
		p := body.PositionUpdate
		return "position/" + p.GetAccount() + "/" + p.GetSymbol(), p.GetQuantity() + " for " + p.GetCost() + ", realised " + p.GetRealised()
	case *todokuv1.Message_LimitUpdate:
		return "limits/" + body.LimitUpdate.GetAccount(), strconv.Itoa(int(body.LimitUpdate.GetMaxOpenOrders()))
	case *todokuv1.Message_UserPresence:
		return "online/" + body.UserPresence.GetDisplayName(), "yes"
	case *todokuv1.Message_InstrumentUpdate:
		i := body.InstrumentUpdate
		return "instrument/" + i.GetSymbol(), strconv.Itoa(int(i.GetStatus())) + " " + i.GetStatusReason()
	case *todokuv1.Message_UserUpdate:
		return "user/" + body.UserUpdate.GetUser(), body.UserUpdate.GetDisplayName()
	}
	return fmt.Sprintf("%T", m.GetBody()), "does not belong into a snapshot"
}
