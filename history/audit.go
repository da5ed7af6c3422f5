package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"todoku/trade"
)

// The text of a record in the audit trail, in one line. It describes what happened and
// not what was asked for, so it is made from the record only.

// detail describes a record. Line ends and tabs in texts of users become spaces.
func detail(r *trade.Record) string {
	var line string
	switch r.Command.Kind {
	case trade.CommandPlaceOrder, trade.CommandReplaceOrder, trade.CommandCancelOrder:
		line = orderDetail(r)
	case trade.CommandMassCancel:
		line = "canceled " + counted(int(r.Command.Answer.Count), "order")
	case trade.CommandAdvanceClock:
		line = clockDetail(r)
	case trade.CommandBustTrade, trade.CommandUpsertInstrument, trade.CommandSetTradingStatus,
		trade.CommandUpsertUser, trade.CommandSetLimits, trade.CommandAnnounce, trade.CommandSetPresence,
		trade.CommandConfigureVenue, trade.CommandUnspecified:
		line = adminDetail(r)
	}
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		return c
	}, line)
}

// orderDetail describes the order of the answer as its last report has it.
func orderDetail(r *trade.Record) string {
	for i := len(r.Events) - 1; i >= 0; i-- {
		switch e := r.Events[i].(type) { //nolint:gochecksumtype // Only these two are about one order.
		case *trade.ExecutionReport:
			if e.Order.ID != r.Command.Answer.Order() {
				continue
			}
			filled := ""
			if e.Order.Filled != 0 {
				filled = ", filled " + e.Order.Filled.String()
			}
			return describe(&e.Order) + ": " + e.Order.Status.String() + filled + because(e.Reason)
		case *trade.CancelRejected:
			return describe(&e.Order) + ": stays as it is" + because(e.Reason)
		}
	}
	// Nothing was reported, as for an order that did not change.
	return "order " + strconv.FormatUint(uint64(r.Command.Answer.Order()), 10) + because(r.Command.Answer.Reason)
}

// describe returns "order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY".
func describe(o *trade.Order) string {
	price := ""
	if o.Price != 0 {
		price = " " + o.Price.String()
	}
	return "order " + strconv.FormatUint(uint64(o.ID), 10) + " " + o.Side.String() + " " + o.Quantity.String() + " " +
		string(o.Symbol) + " " + o.Type.String() + price + " " + o.TimeInForce.String()
}

func because(reason trade.Reason) string {
	if reason == trade.ReasonNone {
		return ""
	}
	return ", " + reason.String()
}

func clockDetail(r *trade.Record) string {
	dayEnd, ordersEnded := "", 0
	for _, event := range r.Events {
		switch e := event.(type) { //nolint:gochecksumtype // Other events of the clock follow from these two.
		case *trade.DayEnded:
			dayEnd = "the trading day ended, "
		case *trade.ExecutionReport:
			if !e.Order.Status.Working() {
				ordersEnded++
			}
		}
	}
	return dayEnd + counted(ordersEnded, "order") + " expired"
}

// adminDetail describes the first event that is about administration.
func adminDetail(r *trade.Record) string {
	for _, event := range r.Events {
		if line := adminLine(event); line != "" {
			return line
		}
	}
	return "changed nothing"
}

func adminLine(event trade.Event) string {
	switch e := event.(type) {
	case *trade.TradeChanged:
		t := &e.Trade
		return then(fmt.Sprintf("trade %d %s %s at %s: %s", t.ID, t.Quantity, t.Symbol, t.Price, t.Status), e.Text)
	case *trade.InstrumentChanged:
		i := &e.Instrument
		return then(fmt.Sprintf("%s is %s, tick %s, lot %s", i.Symbol, i.Status, i.TickSize, i.LotSize), i.StatusReason)
	case *trade.UserChanged:
		return userLine(&e.User)
	case *trade.PresenceChanged:
		if e.Online {
			return string(e.User) + " signed in"
		}
		return string(e.User) + " signed out"
	case *trade.LimitsChanged:
		l := &e.Limits
		return fmt.Sprintf("limits of %s: order quantity %s, notional %s, open orders %s, band %s, messages a second %s", e.Account,
			limit(l.MaxOrderQuantity != 0, l.MaxOrderQuantity), limit(l.MaxOrderNotional.Sign() != 0, l.MaxOrderNotional),
			orDefault(l.MaxOpenOrders), limit(l.Band != 0, uint32(l.Band)),
			orDefault(l.MaxMessagesPerSecond))
	case *trade.Announced:
		if len(e.To) == 0 {
			return "to all: " + e.Text
		}
		return "to " + counted(len(e.To), "user") + ": " + e.Text
	case *trade.VenueChanged:
		return fmt.Sprintf("the trading day ends %s after midnight UTC", time.Duration(e.Venue.DayEnd)*time.Second)
	case *trade.ExecutionReport, *trade.CancelRejected, *trade.LevelChanged, *trade.PositionChanged, *trade.DayEnded:
		// They follow from other events of the record.
	}
	return ""
}

func userLine(u *trade.User) string {
	var roles []string
	for _, role := range [...]struct {
		role trade.Role
		word string
	}{
		{trade.RoleTrader, "TRADER"}, {trade.RoleViewer, "VIEWER"}, {trade.RoleRisk, "RISK"}, {trade.RoleAdmin, "ADMIN"},
	} {
		if u.Roles.Has(role.role) {
			roles = append(roles, role.word)
		}
	}
	line := "user " + string(u.ID) + ": " + strings.Join(roles, "+") + ", " + counted(len(u.Accounts), "account")
	if u.Suspended {
		line += ", suspended"
	}
	return line
}

func then(line, text string) string {
	if text == "" {
		return line
	}
	return line + ", " + text
}

func limit(set bool, value any) string {
	if !set {
		return "unlimited"
	}
	return fmt.Sprint(value)
}

// orDefault writes a limit for which the venue has a default.
func orDefault(n uint32) string {
	if n == 0 {
		return "default"
	}
	return limit(n != trade.Unlimited, n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
