package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"todoku/book"
	"todoku/trade"
)

// showRecords writes the latest records.
func (s *scenario) showRecords() {
	for _, r := range s.records {
		if len(r.Events) == 0 {
			s.printf("nothing changed")
		}
		for _, e := range r.Events {
			s.printf("%s", eventText(e))
		}
	}
	s.records = nil
}

func eventText(e trade.Event) string {
	switch e := e.(type) {
	case *trade.ExecutionReport:
		return reportText(e)
	case *trade.CancelRejected:
		return fmt.Sprintf("stays     %s: %v", orderText(&e.Order), e.Reason)
	case *trade.TradeChanged:
		t := &e.Trade
		text := fmt.Sprintf("trade     T%d %v %s @ %v, %s bought from %s, %v took", t.ID, t.Quantity, t.Symbol, t.Price, t.Buyer.Account, t.Seller.Account, t.Aggressor)
		if t.Status == trade.TradeStatusBusted {
			text = fmt.Sprintf("busted    T%d %v %s @ %v, %s bought from %s", t.ID, t.Quantity, t.Symbol, t.Price, t.Buyer.Account, t.Seller.Account)
		}
		return suffixed(text, ": ", e.Text)
	case *trade.LevelChanged:
		return fmt.Sprintf("level     %s %v %v: %s, version %d", e.Symbol, e.Side, e.Price, restText(e.Quantity, e.Orders), e.BookVersion)
	case *trade.PositionChanged:
		return "position  " + positionText(&e.Position)
	case *trade.InstrumentChanged:
		return suffixed(fmt.Sprintf("instrument %s %v", e.Instrument.Symbol, e.Instrument.Status), ": ", e.Instrument.StatusReason)
	case *trade.UserChanged:
		text := fmt.Sprintf("user      %s, accounts %v", e.User.ID, e.User.Accounts)
		if e.User.Suspended {
			text += ", suspended"
		}
		return text
	case *trade.PresenceChanged:
		if e.Online {
			return fmt.Sprintf("presence  %s signed in", e.User)
		}
		return fmt.Sprintf("presence  %s signed out", e.User)
	case *trade.LimitsChanged:
		return fmt.Sprintf("limits    %s", e.Account)
	case *trade.Announced:
		return "announced " + e.Text
	case *trade.VenueChanged:
		return fmt.Sprintf("venue     the day ends %v after midnight", time.Duration(e.Venue.DayEnd)*time.Second)
	case *trade.DayEnded:
		return fmt.Sprintf("day       ended %s, the next ends %s", timeText(e.End), timeText(e.Next))
	}
	return fmt.Sprintf("%T", e)
}

func reportText(e *trade.ExecutionReport) string {
	o := &e.Order
	switch e.Type {
	case trade.ExecTypeNew:
		return "new       " + orderText(o)
	case trade.ExecTypeTrade:
		role := "taker"
		if e.Maker {
			role = "maker"
		}
		verb := "bought"
		if o.Side == trade.SideSell {
			verb = "sold"
		}
		text := fmt.Sprintf("fill      %s %s %v @ %v as %s in T%d, %s", nameOf(o), verb, e.LastQuantity, e.LastPrice, role, e.Trade, stateText(o))
		return suffixed(text, ", counterparty ", string(e.Counterparty))
	case trade.ExecTypeTradeCancel:
		text := fmt.Sprintf("unfilled  %s by %v @ %v of T%d, %s", nameOf(o), e.LastQuantity, e.LastPrice, e.Trade, stateText(o))
		return suffixed(text, ", counterparty ", string(e.Counterparty))
	case trade.ExecTypeReplaced:
		return "replaced  " + orderText(o)
	case trade.ExecTypeCanceled, trade.ExecTypeExpired, trade.ExecTypeRejected, trade.ExecTypeUnspecified:
	}
	text := fmt.Sprintf("%-9s %s", strings.ToLower(e.Type.String()), nameOf(o))
	if e.Request != o.ClientOrderID {
		text = suffixed(text, " by ", string(e.Request))
	}
	return fmt.Sprintf("%s, %v filled: %v", text, o.Filled, e.Reason)
}

func nameOf(o *trade.Order) string {
	return fmt.Sprintf("#%d %s %s", o.ID, o.Account, o.ClientOrderID)
}

func stateText(o *trade.Order) string {
	return fmt.Sprintf("%v filled %v left %v", o.Filled, o.Leaves, o.Status)
}

func orderText(o *trade.Order) string {
	price := o.Price.String()
	if o.Type == trade.OrderTypeMarket {
		price = "market"
	}
	text := fmt.Sprintf("%s %v %v %s @ %s %v", nameOf(o), o.Side, o.Quantity, o.Symbol, price, o.TimeInForce)
	if o.Expire != 0 {
		text += " until " + timeText(o.Expire)
	}
	if o.PostOnly {
		text += " post-only"
	}
	if o.Filled != 0 {
		text += ", " + stateText(o)
	}
	return text
}

func positionText(p *trade.Position) string {
	return fmt.Sprintf("%s %s %v, cost %v, realised %v", p.Account, p.Symbol, p.Quantity, p.Cost, p.Realised)
}

func restText(quantity trade.Quantity, orders uint32) string {
	switch orders {
	case 0:
		return "empty"
	case 1:
		return fmt.Sprintf("%v in 1 order", quantity)
	}
	return fmt.Sprintf("%v in %d orders", quantity, orders)
}

func suffixed(text, before, suffix string) string {
	if suffix == "" {
		return text
	}
	return text + before + suffix
}

func timeText(at int64) string { return time.Unix(0, at).UTC().Format("Mon 15:04") }

// showBook writes a book as a screen shows it: sellers above buyers, and each
// order in the queue of its price.
func (s *scenario) showBook(symbol trade.Symbol) {
	m := s.engine.state.instruments[symbol]
	if m == nil {
		s.printf("no instrument")
		return
	}
	offers := m.book.Levels(nil, book.Sell, 100)
	slices.Reverse(offers)
	for _, l := range slices.Concat(offers, m.book.Levels(nil, book.Buy, 100)) {
		var queue []string
		for o := range m.book.Queue(l.Tick) {
			w := s.engine.state.orders[trade.OrderID(o.ID)]
			queue = append(queue, fmt.Sprintf("%s %s %v", w.Account, w.ClientOrderID, w.Leaves))
		}
		s.printf("%-4v %8v  %v: %s", trade.Side(l.Side), m.price(l.Tick), trade.Quantity(l.Quantity), strings.Join(queue, ", "))
	}
	if m.book.Len() == 0 {
		s.printf("empty")
	}
}

// showOrders writes all working orders.
func (s *scenario) showOrders() {
	ids := slices.Sorted(maps.Keys(s.engine.state.orders))
	for _, id := range ids {
		s.printf("%s", orderText(&s.engine.state.orders[id].Order))
	}
	if len(ids) == 0 {
		s.printf("none")
	}
}

// showPositions writes all positions, also closed ones.
func (s *scenario) showPositions() {
	all := s.engine.state.snapshot().Positions
	slices.SortFunc(all, func(x, y trade.Position) int {
		return cmp.Or(cmp.Compare(x.Symbol, y.Symbol), cmp.Compare(x.Account, y.Account))
	})
	for i := range all {
		s.printf("%s", positionText(&all[i]))
	}
	if len(all) == 0 {
		s.printf("none")
	}
}
