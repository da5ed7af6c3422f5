package engine

import "todoku/trade"

// A bust undoes a trade. The engine keeps neither trades nor ended orders, so the command
// brings what the history has of them, and the engine refuses what is not current.
//
// The positions become what they would be without the trade. What the account received
// less what it paid is known without any fact: it is the realised result less the cost of
// what is open, and it loses the trade's own amount. Only how much of it is the cost of
// what is open depends on the other trades and their order.

// bust decides a bust.
func (d *draft) bust(c *trade.BustTrade) error {
	if err := trade.ValidateText(c.Text); err != nil {
		return trade.Refuse(trade.ReasonBadText, "reason", err.Error())
	}
	t := c.Trade
	m := d.state.instruments[t.Symbol]
	if t.ID == 0 || t.ID > d.state.lastTrade || m == nil {
		return trade.Refuse(trade.ReasonUnknownTrade, "trade_id", "")
	}
	if _, busted := d.state.busts[t.ID]; busted || t.Status != trade.TradeStatusConcluded {
		return trade.Refuse(trade.ReasonTradeNotOpen, "trade_id", "")
	}
	if !d.current(c) {
		return trade.Refuse(trade.ReasonChangedMeanwhile, "trade_id", "")
	}
	t.Status, t.BustTime = trade.TradeStatusBusted, d.now
	bought, sold := d.unfillOrder(&t, c.Buy), d.unfillOrder(&t, c.Sell)
	if c.Disclosed {
		bought.Counterparty, sold.Counterparty = t.Seller.Account, t.Buyer.Account
	}
	if !d.unfillPosition(&t, trade.SideBuy, c.BuyCost) || !d.unfillPosition(&t, trade.SideSell, c.SellCost) {
		return trade.Refuse(trade.ReasonPositionLimit, "trade_id", "")
	}
	e := &trade.TradeChanged{Trade: t, Text: c.Text}
	// After a snapshot of an earlier version the last trade is unknown until the next one.
	if m.lastTrade == t.ID || m.lastTrade == 0 && c.Previous.ID < t.ID {
		e.LastMoved, e.LastTrade, e.LastPrice = true, c.Previous.ID, c.Previous.Price
	}
	d.add(e)
	return nil
}

// current says whether the facts of a bust are those of now.
func (d *draft) current(c *trade.BustTrade) bool {
	for _, given := range []*trade.Order{&c.Buy, &c.Sell} {
		if d.state.orders[given.ID] == nil && given.Status.Working() || d.state.lastBust[given.ID] > given.Updated ||
			d.state.account(given.Account).holding(c.Trade.Symbol).position.Sequence > c.Through {
			return false
		}
	}
	_, busted := d.state.busts[c.Previous.ID]
	return !busted
}

// unfillOrder takes a busted trade out of one of its orders.
func (d *draft) unfillOrder(t *trade.Trade, o trade.Order) *trade.ExecutionReport {
	if live := d.state.orders[o.ID]; live != nil {
		o = live.Order
	}
	o.Filled -= t.Quantity
	if o.Status.Working() {
		// What was traded is gone from the order: it does not go back into the book.
		o.Quantity -= t.Quantity
		if o.Filled == 0 {
			o.Status = trade.OrderStatusNew
		}
	} else if o.Status == trade.OrderStatusFilled {
		o.Status = trade.OrderStatusCanceled
	}
	r := d.report(trade.ExecTypeTradeCancel, &o, "", trade.ReasonByVenue)
	r.LastPrice, r.LastQuantity, r.Trade, r.Maker = t.Price, t.Quantity, t.ID, o.Side != t.Aggressor
	return r
}

// unfillPosition takes a busted trade out of the position of one side; cost is what the
// open quantity then cost. It returns false when the position could then not be counted.
func (d *draft) unfillPosition(t *trade.Trade, side trade.Side, cost trade.Amount) bool {
	h := d.state.account(t.Party(side).Account).holding(t.Symbol)
	if !h.takes(side.Opposite(), t.Quantity) {
		return false
	}
	d.position(h).Unfill(side, t.Price, t.Quantity, cost)
	return true
}
