package engine

import (
	"math"

	"todoku/book"
	"todoku/trade"
)

// place decides a new order. A malformed order is refused. An order that the market or a
// limit does not admit is rejected, which is an event.
func (d *draft) place(c *trade.PlaceOrder) (trade.Answer, error) {
	a, m, err := d.entitled(&c.Actor, c.Symbol)
	if err != nil {
		return trade.Answer{}, err
	}
	if a.working[c.Request] != nil {
		return trade.Answer{}, trade.Refuse(trade.ReasonRequestReused, "client_order_id", "a working order has this id")
	}
	o, err := newOrder(c, m, d.wall)
	if err != nil {
		return trade.Answer{}, err
	}
	d.orderID++
	o.ID, o.Entered, o.Leaves, o.Displayed = d.orderID, d.now, o.Quantity, o.Quantity
	taker := takerOf(&o, a, m)
	if reason := d.admit(&o, a, m, c.Guard, &taker, nil); reason != trade.ReasonNone {
		return d.end(&o, c.Request, trade.ExecTypeRejected, trade.OrderStatusRejected, reason), nil
	}
	o.Status = trade.OrderStatusNew
	d.report(trade.ExecTypeNew, &o, c.Request, trade.ReasonNone)
	return d.match(&o, a, m, &taker, c.Request), nil
}

// newOrder makes the order of a request, with defaults for what the request leaves out,
// or refuses it as malformed.
func newOrder(c *trade.PlaceOrder, m *market, now int64) (trade.Order, error) {
	o := trade.Order{
		Account: c.Account, User: c.User, Session: c.Session, ClientOrderID: c.Request, Symbol: c.Symbol,
		Side: c.Side, Type: c.Type, TimeInForce: c.TimeInForce, PostOnly: c.PostOnly, SelfTrade: c.SelfTrade,
		Price: c.Price, Quantity: c.Quantity, Expire: c.Expire,
	}
	if o.Type == trade.OrderTypeUnspecified {
		o.Type = trade.OrderTypeLimit
	}
	if o.TimeInForce == trade.TimeInForceUnspecified {
		o.TimeInForce = trade.TimeInForceDay
		if o.Type == trade.OrderTypeMarket {
			o.TimeInForce = trade.TimeInForceIOC
		}
	}
	if o.SelfTrade == trade.SelfTradeUnspecified {
		o.SelfTrade = trade.SelfTradeCancelTaker
	}
	return o, checkOrder(&o, m, now)
}

func checkOrder(o *trade.Order, m *market, now int64) error {
	switch {
	case o.Side != trade.SideBuy && o.Side != trade.SideSell:
		return trade.Refuse(trade.ReasonBadEnum, "side", "choose BUY or SELL")
	case o.Type < trade.OrderTypeLimit || o.Type >= trade.OrderTypeCount:
		return trade.Refuse(trade.ReasonBadEnum, "type", "choose LIMIT or MARKET")
	case o.TimeInForce < trade.TimeInForceDay || o.TimeInForce >= trade.TimeInForceCount:
		return trade.Refuse(trade.ReasonBadEnum, "time_in_force", "choose DAY, GTC, GTD, IOC or FOK")
	case o.SelfTrade < trade.SelfTradeCancelTaker || o.SelfTrade >= trade.SelfTradeCount:
		return trade.Refuse(trade.ReasonBadEnum, "self_trade", "choose CANCEL_TAKER, CANCEL_MAKER or CANCEL_BOTH")
	case o.TimeInForce == trade.TimeInForceGTD && o.Expire <= now:
		return trade.Refuse(trade.ReasonBadTime, "expire_time", "a GTD order needs a time in the future")
	case o.TimeInForce != trade.TimeInForceGTD && o.Expire != 0:
		return trade.Refuse(trade.ReasonBadCombination, "expire_time", "only a GTD order has an expire time")
	case o.PostOnly && (o.Type == trade.OrderTypeMarket || !o.TimeInForce.Rests()):
		return trade.Refuse(trade.ReasonBadCombination, "post_only", "only a limit order that rests can be post-only")
	case o.Type == trade.OrderTypeMarket && o.TimeInForce.Rests():
		return trade.Refuse(trade.ReasonBadCombination, "time_in_force", "a market order is IOC or FOK")
	case o.Type == trade.OrderTypeMarket && o.Price != 0:
		return trade.Refuse(trade.ReasonBadCombination, "price", "a market order has no price")
	}
	if o.Type == trade.OrderTypeLimit {
		if err := m.instrument.CheckPrice("price", o.Price); err != nil {
			return err
		}
	}
	return m.instrument.CheckQuantity("quantity", o.Quantity)
}

// takerOf returns the order in the book's terms. The bands of the instrument and of the
// account and the day's price limits bound a market order.
func takerOf(o *trade.Order, a *account, m *market) book.Taker {
	t := book.Taker{ID: uint64(o.ID), Quantity: int64(o.Quantity), Owner: a.number, Side: book.Side(o.Side), SelfTrade: book.SelfTrade(o.SelfTrade)}
	if o.Type == trade.OrderTypeLimit {
		t.Limit, t.HasLimit = m.ticks(o.Price), true
		return t
	}
	low, high := bandPrices(m.reference(), m.instrument.Band)
	lowest, highest := bandPrices(m.reference(), a.limits.Band)
	low, high = max(low, lowest, m.instrument.LowLimitPrice), min(high, highest)
	if h := m.instrument.HighLimitPrice; h != 0 {
		high = min(high, h)
	}
	if o.Side == trade.SideBuy && high != math.MaxInt64 {
		t.Limit, t.HasLimit = m.ticks(high), true
	}
	if o.Side == trade.SideSell && low != 0 {
		t.Limit, t.HasLimit = m.ticks(low), true
		if m.price(t.Limit) < low {
			t.Limit++
		}
	}
	return t
}

// match trades an order that was accepted or replaced. The remainder rests if it may and
// is canceled otherwise.
func (d *draft) match(o *trade.Order, a *account, m *market, taker *book.Taker, request trade.RequestID) trade.Answer {
	taker.Quantity = int64(o.Leaves)
	if o.TimeInForce == trade.TimeInForceFOK && !m.book.Fillable(*taker) {
		return d.end(o, request, trade.ExecTypeCanceled, trade.OrderStatusCanceled, trade.ReasonNoLiquidity)
	}
	d.fills.Reset()
	_, stopped := m.book.Match(*taker, &d.fills)
	for i := range d.fills.Fills {
		f := &d.fills.Fills[i]
		maker := d.state.orders[trade.OrderID(f.MakerID)]
		if f.Kind == book.FillSelfTradeCancel {
			last := maker.Order
			d.end(&last, "", trade.ExecTypeCanceled, trade.OrderStatusCanceled, trade.ReasonSelfTrade)
		} else {
			d.fill(o, a, maker, f, request)
		}
	}
	for i := range d.fills.Levels {
		after := &d.fills.Levels[i]
		l := d.level(m, trade.Side(after.Side), after.Tick)
		l.quantity, l.orders = after.Quantity, after.Orders
	}
	switch {
	case o.Leaves == 0:
	case stopped:
		return d.end(o, request, trade.ExecTypeCanceled, trade.OrderStatusCanceled, trade.ReasonSelfTrade)
	case !o.TimeInForce.Rests():
		return d.end(o, request, trade.ExecTypeCanceled, trade.OrderStatusCanceled, trade.ReasonNoLiquidity)
	default:
		l := d.level(m, o.Side, taker.Limit)
		l.quantity += int64(o.Displayed)
		l.orders++
	}
	return answer(o, trade.ReasonNone)
}

// fill records one trade for both of its orders.
func (d *draft) fill(o *trade.Order, a *account, maker *order, f *book.Fill, request trade.RequestID) {
	m := maker.market
	d.tradeID++
	t := d.trades.take()
	*t = trade.TradeChanged{Trade: trade.Trade{
		ID: d.tradeID, Symbol: o.Symbol, Price: m.price(f.Tick), Quantity: trade.Quantity(f.Quantity),
		Aggressor: o.Side, Status: trade.TradeStatusConcluded, Time: d.now,
	}}
	made := maker.Order
	taken := d.fillSide(o, &t.Trade, request)
	given := d.fillSide(&made, &t.Trade, "")
	given.Maker = true
	if m.instrument.Disclose {
		taken.Counterparty, given.Counterparty = made.Account, o.Account
	}
	d.add(t)
	d.position(a.holding(o.Symbol)).Fill(o.Side, t.Trade.Price, t.Trade.Quantity)
	d.position(maker.holding).Fill(maker.Side, t.Trade.Price, t.Trade.Quantity)
}

// fillSide records a trade for one of its orders.
func (d *draft) fillSide(o *trade.Order, t *trade.Trade, request trade.RequestID) *trade.ExecutionReport {
	o.Filled += t.Quantity
	o.Leaves -= t.Quantity
	o.Displayed -= t.Quantity
	o.Status = trade.OrderStatusPartiallyFilled
	if o.Leaves == 0 {
		o.Status = trade.OrderStatusFilled
	}
	*t.Party(o.Side) = trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
	r := d.report(trade.ExecTypeTrade, o, request, trade.ReasonNone)
	r.LastPrice, r.LastQuantity, r.Trade = t.Price, t.Quantity, t.ID
	return r
}

// end reports the end of an order that is not in the book.
func (d *draft) end(o *trade.Order, request trade.RequestID, kind trade.ExecType, status trade.OrderStatus, reason trade.Reason) trade.Answer {
	o.Status, o.Leaves, o.Displayed = status, 0, 0
	d.report(kind, o, request, reason)
	return answer(o, reason)
}

func answer(o *trade.Order, reason trade.Reason) trade.Answer {
	return trade.Answer{Subject: trade.SubjectOrder, ID: uint64(o.ID), Status: o.Status, Filled: o.Filled, Leaves: o.Leaves, Reason: reason}
}
