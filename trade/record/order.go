package record

import (
	"math"

	"todoku/trade"
)

func order(c *codec, field int32, o *trade.Order) {
	m := c.open(field)
	displayed := !m.reading
	if m.reading {
		o.Sequence = c.sequence
	}
	for c.next(&m) {
		number(c, 1, &o.ID)
		text(c, 2, &o.Account)
		text(c, 3, &o.User)
		request(c, 4, &o.ClientOrderID)
		text(c, 5, &o.Symbol)
		enum(c, 6, &o.Side, trade.SideCount)
		enum(c, 7, &o.Type, trade.OrderTypeCount)
		enum(c, 8, &o.TimeInForce, trade.TimeInForceCount)
		c.bool(9, &o.PostOnly)
		enum(c, 10, &o.SelfTrade, trade.SelfTradeCount)
		number(c, 11, &o.Price)
		number(c, 12, &o.Quantity)
		number(c, 13, &o.Filled)
		number(c, 14, &o.Leaves)
		number(c, 15, &o.Expire)
		enum(c, 16, &o.Status, trade.OrderStatusCount)
		number(c, 17, &o.Entered)
		number(c, 18, &o.Updated)
		c.lastChange(19, &o.Sequence)
		if c.field == 20 || c.field == writing && o.Displayed != o.Leaves {
			move(c, 20, &o.Displayed)
			displayed = true
		}
	}
	if !displayed { // Before this field, every order displayed all that it had left.
		o.Displayed = o.Leaves
	}
}

func report(c *codec, field int32, e *trade.ExecutionReport) {
	for m := c.open(field); c.next(&m); {
		enum(c, 1, &e.Type, trade.ExecTypeCount)
		order(c, 2, &e.Order)
		request(c, 3, &e.Request)
		bounded(c, 4, &e.Reason, maxReason)
		number(c, 5, &e.LastPrice)
		number(c, 6, &e.LastQuantity)
		number(c, 7, &e.Trade)
		c.bool(8, &e.Maker)
		text(c, 9, &e.Counterparty)
	}
}

func cancelRejected(c *codec, field int32, e *trade.CancelRejected) {
	for m := c.open(field); c.next(&m); {
		order(c, 1, &e.Order)
		request(c, 2, &e.Request)
		bounded(c, 3, &e.Reason, maxReason)
	}
}

func party(c *codec, field int32, p *trade.Party) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &p.Account)
		text(c, 2, &p.User)
		number(c, 3, &p.Order)
		request(c, 4, &p.ClientOrderID)
	}
}

func concluded(c *codec, field int32, t *trade.Trade) {
	for m := c.open(field); c.next(&m); {
		number(c, 1, &t.ID)
		text(c, 2, &t.Symbol)
		number(c, 3, &t.Price)
		number(c, 4, &t.Quantity)
		enum(c, 5, &t.Aggressor, trade.SideCount)
		party(c, 6, &t.Buyer)
		party(c, 7, &t.Seller)
		enum(c, 8, &t.Status, trade.TradeStatusCount)
		number(c, 9, &t.Time)
		number(c, 10, &t.BustTime)
	}
}

func tradeChanged(c *codec, field int32, e *trade.TradeChanged) {
	for m := c.open(field); c.next(&m); {
		concluded(c, 1, &e.Trade)
		text(c, 2, &e.Text)
	}
}

func levelChanged(c *codec, field int32, e *trade.LevelChanged) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &e.Symbol)
		enum(c, 2, &e.Side, trade.SideCount)
		number(c, 3, &e.Price)
		number(c, 4, &e.Quantity)
		bounded(c, 5, &e.Orders, math.MaxUint32)
		number(c, 6, &e.BookVersion)
	}
}

func position(c *codec, field int32, p *trade.Position) {
	m := c.open(field)
	if m.reading {
		p.Sequence = c.sequence
	}
	for c.next(&m) {
		text(c, 1, &p.Account)
		text(c, 2, &p.Symbol)
		c.signed(3, &p.Quantity)
		amount(c, 4, &p.Cost)
		amount(c, 5, &p.Realised)
		c.lastChange(6, &p.Sequence)
	}
}

func amount(c *codec, field int32, a *trade.Amount) {
	for m := c.open(field); c.next(&m); {
		number(c, 1, &a.Hi)
		c.fixed(2, &a.Lo)
	}
}
