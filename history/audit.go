package history

import (
	"strconv"
	"strings"
	"time"

	"todoku/trade"
)

// What the audit trail says of a record, in one line of words. It is made from
// what happened, not from what was asked for, so it needs nothing but the record.

// detail describes a record. Texts that people wrote may have line ends, which
// become spaces.
func detail(r *trade.Record) string {
	var b strings.Builder
	switch r.Command.Kind {
	case trade.CommandPlaceOrder, trade.CommandReplaceOrder, trade.CommandCancelOrder:
		orderDetail(&b, r)
	case trade.CommandMassCancel:
		b.WriteString("canceled ")
		b.WriteString(counted(int(r.Command.Answer.Count), "order"))
	case trade.CommandAdvanceClock:
		clockDetail(&b, r)
	case trade.CommandBustTrade, trade.CommandUpsertInstrument, trade.CommandSetTradingStatus,
		trade.CommandUpsertUser, trade.CommandSetLimits, trade.CommandAnnounce, trade.CommandSetPresence,
		trade.CommandConfigureVenue, trade.CommandUnspecified:
		adminDetail(&b, r)
	}
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		return c
	}, b.String())
}

// orderDetail tells of the order that the answer names: the last report says how
// the command left it.
func orderDetail(b *strings.Builder, r *trade.Record) {
	for i := len(r.Events) - 1; i >= 0; i-- {
		switch e := r.Events[i].(type) { //nolint:gochecksumtype // Only these two say what became of an order.
		case *trade.ExecutionReport:
			if e.Order.ID == r.Command.Answer.Order() {
				describe(b, &e.Order)
				b.WriteString(": ")
				b.WriteString(e.Order.Status.String())
				if e.Order.Filled != 0 {
					b.WriteString(", filled ")
					b.WriteString(e.Order.Filled.String())
				}
				because(b, e.Reason)
				return
			}
		case *trade.CancelRejected:
			describe(b, &e.Order)
			b.WriteString(": stays as it is")
			because(b, e.Reason)
			return
		}
	}
	// Nothing was reported, as for an order that stays as it was.
	b.WriteString("order ")
	b.WriteString(strconv.FormatUint(uint64(r.Command.Answer.Order()), 10))
	because(b, r.Command.Answer.Reason)
}

// describe writes "order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY".
func describe(b *strings.Builder, o *trade.Order) {
	b.WriteString("order ")
	b.WriteString(strconv.FormatUint(uint64(o.ID), 10))
	for _, word := range [...]string{o.Side.String(), o.Quantity.String(), string(o.Symbol), o.Type.String()} {
		b.WriteByte(' ')
		b.WriteString(word)
	}
	if o.Price != 0 {
		b.WriteByte(' ')
		b.WriteString(o.Price.String())
	}
	b.WriteByte(' ')
	b.WriteString(o.TimeInForce.String())
}

func because(b *strings.Builder, reason trade.Reason) {
	if reason != trade.ReasonNone {
		b.WriteString(", ")
		b.WriteString(reason.String())
	}
}

func clockDetail(b *strings.Builder, r *trade.Record) {
	ended, ordersEnded := false, 0
	for _, event := range r.Events {
		switch e := event.(type) { //nolint:gochecksumtype // The clock makes these two and those that follow from them.
		case *trade.DayEnded:
			ended = true
		case *trade.ExecutionReport:
			if !e.Order.Status.Working() {
				ordersEnded++
			}
		}
	}
	if ended {
		b.WriteString("the trading day ended, ")
	}
	b.WriteString(counted(ordersEnded, "order"))
	b.WriteString(" expired")
}

// adminDetail tells of the first event that is about administration.
func adminDetail(b *strings.Builder, r *trade.Record) {
	for _, event := range r.Events {
		if line := adminLine(event); line != "" {
			b.WriteString(line)
			return
		}
	}
	b.WriteString("changed nothing")
}

func adminLine(event trade.Event) string {
	switch e := event.(type) {
	case *trade.TradeChanged:
		return then("trade "+strconv.FormatUint(uint64(e.Trade.ID), 10)+" "+e.Trade.Quantity.String()+" "+
			string(e.Trade.Symbol)+" at "+e.Trade.Price.String()+": "+e.Trade.Status.String(), e.Text)
	case *trade.InstrumentChanged:
		i := &e.Instrument
		return then(string(i.Symbol)+" is "+i.Status.String()+", tick "+i.TickSize.String()+", lot "+i.LotSize.String(), i.StatusReason)
	case *trade.UserChanged:
		return userLine(&e.User)
	case *trade.PresenceChanged:
		if e.Online {
			return string(e.User) + " signed in"
		}
		return string(e.User) + " signed out"
	case *trade.LimitsChanged:
		l := &e.Limits
		return "limits of " + string(e.Account) + ": order quantity " + limit(l.MaxOrderQuantity != 0, l.MaxOrderQuantity.String()) +
			", notional " + limit(l.MaxOrderNotional.Sign() != 0, l.MaxOrderNotional.String()) +
			", open orders " + number(l.MaxOpenOrders) + ", band " + number(uint32(l.Band)) +
			", messages a second " + number(l.MaxMessagesPerSecond)
	case *trade.Announced:
		if len(e.To) == 0 {
			return "to all: " + e.Text
		}
		return "to " + counted(len(e.To), "user") + ": " + e.Text
	case *trade.VenueChanged:
		return "the trading day ends " + (time.Duration(e.Venue.DayEnd) * time.Second).String() + " after midnight UTC"
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

func number(n uint32) string { return limit(n != 0, strconv.FormatUint(uint64(n), 10)) }

func limit(set bool, text string) string {
	if !set {
		return "unlimited"
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
