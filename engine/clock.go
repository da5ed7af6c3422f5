package engine

import (
	"cmp"
	"slices"
	"time"

	"todoku/trade"
)

// deadline returns the earliest time at which the clock has work: an order to
// expire, or the end of a trading day in which something happened. An idle venue
// has none and writes nothing.
func (s *state) deadline() (at int64, ok bool) {
	at, ok = s.expiries.first(s.orders)
	if s.dayEnd != 0 && (s.dayOrders > 0 || len(s.requests.queue) > 0) && (!ok || s.dayEnd < at) {
		return s.dayEnd, true
	}
	return at, ok
}

// advance decides what ends by now: GTD orders that are due, and the trading day
// with its DAY orders.
func (d *draft) advance() trade.Answer {
	s := d.state
	var ended map[trade.OrderID]bool
	for _, o := range s.expiries.due(d.now, s.orders) {
		d.finishOrder(o, "", trade.ExecTypeExpired, trade.OrderStatusExpired, trade.ReasonExpireTime)
		if ended == nil {
			ended = map[trade.OrderID]bool{}
		}
		ended[o.ID] = true
	}
	if s.dayEnd == 0 || d.now < s.dayEnd {
		return trade.Answer{}
	}
	var day []*order
	for _, o := range s.orders {
		if o.TimeInForce == trade.TimeInForceDay && !ended[o.ID] {
			day = append(day, o)
		}
	}
	slices.SortFunc(day, func(x, y *order) int { return cmp.Compare(x.ID, y.ID) })
	for _, o := range day {
		d.finishOrder(o, "", trade.ExecTypeExpired, trade.OrderStatusExpired, trade.ReasonDayEnded)
	}
	d.add(&trade.DayEnded{End: s.dayEnd, Next: nextDayEnd(d.now, s.venue)})
	return trade.Answer{}
}

// nextDayEnd returns the first end of a trading day after a time.
func nextDayEnd(now int64, venue trade.Venue) int64 {
	const day = int64(24 * time.Hour)
	end := int64(venue.DayEnd) * int64(time.Second)
	// Floor division, so that times before 1970 work as well.
	days := (now - end) / day
	if (now-end)%day < 0 {
		days--
	}
	return (days+1)*day + end
}
