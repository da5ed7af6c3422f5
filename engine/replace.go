package engine

import "todoku/trade"

// replace decides a new price or quantity for a working order. With a smaller quantity
// at the same price the order keeps its place in the queue; otherwise it goes to the end
// of the queue of its price, and may trade at once. A quantity that is not above what is
// filled ends the order as filled.
func (d *draft) replace(c *trade.ReplaceOrder) (trade.Answer, error) {
	if err := d.mayTrade(&c.Actor); err != nil {
		return trade.Answer{}, err
	}
	a := d.state.account(c.Account)
	old, err := d.target(a, c.Target)
	if err != nil {
		return trade.Answer{}, err
	}
	if a.working[c.Request] != nil {
		return trade.Answer{}, trade.Refuse(trade.ReasonRequestReused, "client_order_id", "a working order has this id")
	}
	m := old.market
	o := old.Order
	o.ClientOrderID = c.Request
	if c.Price != 0 {
		o.Price = c.Price
	}
	if c.Quantity != 0 {
		o.Quantity = c.Quantity
	}
	if err := m.instrument.CheckPrice("price", o.Price); err != nil {
		return trade.Answer{}, err
	}
	if err := m.instrument.CheckQuantity("quantity", o.Quantity); err != nil {
		return trade.Answer{}, err
	}
	o.Leaves = o.Quantity - o.Filled
	o.Displayed = o.Leaves
	taker := takerOf(&o, a, m)
	if o.Leaves <= 0 {
		return d.complete(old, c.Request), nil
	}
	if keepsPlace(&old.Order, &o) {
		return d.shrink(old, &o, c.Request), nil
	}
	if reason := d.admit(&o, a, m, c.Guard, &taker, old); reason != trade.ReasonNone {
		return d.keep(old, c.Request, reason), nil
	}
	d.leave(old)
	d.report(trade.ExecTypeReplaced, &o, c.Request, trade.ReasonNone)
	return d.match(&o, a, m, &taker, c.Request), nil
}

// shrink reduces the quantity of an order that keeps its place. It is allowed while the
// market is halted or closed, because it only reduces risk.
func (d *draft) shrink(old *order, o *trade.Order, request trade.RequestID) trade.Answer {
	l := d.level(old.market, old.Side, old.market.ticks(old.Price))
	l.quantity -= int64(old.Displayed - o.Displayed)
	d.report(trade.ExecTypeReplaced, o, request, trade.ReasonNone)
	return answer(o, trade.ReasonNone)
}

// complete ends an order that is to have no more than what is filled. Like [draft.shrink],
// it is always allowed. The price stays: nothing works at a new one.
func (d *draft) complete(o *order, request trade.RequestID) trade.Answer {
	d.leave(o)
	last := o.Order
	last.ClientOrderID, last.Quantity = request, last.Filled
	return d.end(&last, request, trade.ExecTypeReplaced, trade.OrderStatusFilled, trade.ReasonNone)
}

// keep leaves an order unchanged and reports why.
func (d *draft) keep(o *order, request trade.RequestID, reason trade.Reason) trade.Answer {
	d.add(&trade.CancelRejected{Order: o.Order, Request: request, Reason: reason})
	return answer(&o.Order, reason)
}

// target returns the working order of an account that a reference names. The refusal
// does not reveal whether an order of another account exists.
func (d *draft) target(a *account, ref trade.OrderRef) (*order, error) {
	switch {
	case ref.ID != 0:
		if o := d.state.orders[ref.ID]; o != nil && o.account == a {
			return o, nil
		}
	case ref.ClientOrderID != "":
		if o := a.working[ref.ClientOrderID]; o != nil {
			return o, nil
		}
		// The answer of that request distinguishes an order that has ended from one that
		// never existed, and from one that has another client order id now.
		kept := d.state.requests.find(&trade.Actor{Account: a.id, Request: ref.ClientOrderID})
		if kept != nil && kept.Answer.Order() != 0 && kept.Answer.Status != trade.OrderStatusRejected && d.state.orders[kept.Answer.Order()] == nil {
			return nil, trade.Refuse(trade.ReasonTooLate, "order_id", "")
		}
	default:
		return nil, trade.Refuse(trade.ReasonBadName, "order_id", "name the order by order_id or orig_client_order_id")
	}
	return nil, trade.Refuse(trade.ReasonUnknownOrder, "order_id", "no working order has this id")
}
