package engine

import (
	"maps"
	"slices"

	"todoku/trade"
)

// cancelOrder cancels one working order, for its account's traders or for staff.
func (d *draft) cancelOrder(c *trade.CancelOrder) (trade.Answer, error) {
	if err := d.mayCancel(&c.Actor); err != nil {
		return trade.Answer{}, err
	}
	o, err := d.target(d.state.account(c.Account), c.Target)
	if err != nil {
		return trade.Answer{}, err
	}
	return d.cancel(o, d.shown(&c.Actor), d.whoCancels(&c.Actor)), nil
}

// massCancel cancels the working orders of an account or, for staff, of all accounts.
func (d *draft) massCancel(c *trade.MassCancel) (trade.Answer, error) {
	if err := d.mayCancel(&c.Actor); err != nil {
		return trade.Answer{}, err
	}
	if c.Side < trade.SideUnspecified || c.Side >= trade.SideCount {
		return trade.Answer{}, trade.Refuse(trade.ReasonBadEnum, "side", "choose BUY or SELL, or leave it out")
	}
	if c.Symbol != "" && d.state.instruments[c.Symbol] == nil {
		return trade.Answer{}, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	reason := c.Reason
	if reason == trade.ReasonNone {
		reason = d.whoCancels(&c.Actor)
	}
	count, request := uint32(0), d.shown(&c.Actor)
	working := maps.Values(d.state.orders)
	switch {
	case c.Session != "":
		working = maps.Values(d.state.sessions[c.Session])
	case c.Account != "":
		working = maps.Values(d.state.account(c.Account).working)
	}
	for _, o := range sortedByID(slices.Collect(working)) {
		if c.Session != "" && c.Account != "" && o.Account != c.Account || c.Symbol != "" && o.Symbol != c.Symbol || c.Side != trade.SideUnspecified && o.Side != c.Side ||
			c.DayOnly && o.TimeInForce != trade.TimeInForceDay {
			continue
		}
		d.cancel(o, request, reason)
		count++
	}
	return trade.Answer{Count: count}, nil
}

// mayCancel refuses users who may not cancel for the account. The venue itself may.
func (d *draft) mayCancel(from *trade.Actor) error {
	if from.User == "" {
		return nil
	}
	user, err := d.user(from.User)
	switch {
	case err != nil:
		return err
	case user.Roles.Has(trade.RoleRisk | trade.RoleAdmin):
		if from.Account != "" && !d.accountExists(from.Account) {
			return trade.Refuse(trade.ReasonUnknownAccount, "account", "")
		}
		return nil
	}
	return d.mayTrade(from)
}

// whoCancels distinguishes a cancel by the owner from one by staff.
func (d *draft) whoCancels(from *trade.Actor) trade.Reason {
	if user := d.state.users[from.User]; user != nil && user.Owns(from.Account) {
		return trade.ReasonRequested
	}
	return trade.ReasonByVenue
}

// shown returns the request id that the account sees: that of its own user, never that
// of staff.
func (d *draft) shown(from *trade.Actor) trade.RequestID {
	if user := d.state.users[from.User]; user != nil && user.Owns(from.Account) {
		return from.Request
	}
	return ""
}

// cancel ends a working order.
func (d *draft) cancel(o *order, request trade.RequestID, reason trade.Reason) trade.Answer {
	return d.finishOrder(o, request, trade.ExecTypeCanceled, trade.OrderStatusCanceled, reason)
}

// finishOrder removes a working order from its level and reports its end.
func (d *draft) finishOrder(o *order, request trade.RequestID, kind trade.ExecType, status trade.OrderStatus, reason trade.Reason) trade.Answer {
	d.leave(o)
	last := o.Order
	return d.end(&last, request, kind, status, reason)
}

// leave removes an order from its level, if it rests.
func (d *draft) leave(o *order) {
	if !o.rests() {
		return
	}
	l := d.level(o.market, o.Side, o.market.ticks(o.Price))
	l.quantity -= int64(o.Displayed)
	l.orders--
}
