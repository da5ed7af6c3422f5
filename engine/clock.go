package engine

import (
	"time"

	"todoku/trade"
)

// maxDue bounds how many orders one record of an internal command ends, so that the
// end of a day never makes a record that is too large for the journal. The others
// follow in the next records, before anything else is decided.
const maxDue = 50_000

// dueCommand returns the command of the venue itself that must be decided before any
// other at a time, or nil. The end of a trading day is always due: otherwise an order of
// the new day would count as one of the old day.
func (s *state) dueCommand(now int64) trade.Command {
	at, ok := s.deadlines.first()
	if ok && at <= now || s.dayEnd != 0 && s.dayEnd <= now {
		return &trade.AdvanceClock{}
	}
	return nil
}

// deadline returns when the engine must act without a command: when something ends, or
// at the end of a trading day with DAY orders or with requests to forget. An idle venue
// has no deadline and writes nothing.
func (s *state) deadline() (at int64, ok bool) {
	at, ok = s.deadlines.first()
	if s.dayEnd != 0 && (s.dayOrders > 0 || s.requests.len() > 0) && (!ok || s.dayEnd < at) {
		return s.dayEnd, true
	}
	return at, ok
}

// advance ends what is due: what has a deadline, and the trading day with its DAY
// orders.
func (d *draft) advance() {
	s := d.state
	due := s.deadlines.due(d.wall, maxDue)
	for _, e := range due {
		switch e.kind {
		case orderExpires:
			d.expire(s.orders[trade.OrderID(e.id)], trade.ReasonExpireTime)
		}
	}
	if s.dayEnd == 0 || d.wall < s.dayEnd {
		return
	}
	ending := s.ofTheDay()
	room := maxDue - len(due)
	for _, o := range ending[:min(room, len(ending))] {
		d.expire(o, trade.ReasonDayEnded)
	}
	if room > 0 && room >= len(ending) {
		d.add(&trade.DayEnded{End: s.dayEnd, Next: nextDayEnd(d.wall, s.venue)})
	}
}

// ofTheDay returns the working DAY orders by id.
func (s *state) ofTheDay() []*order {
	if s.dayOrders == 0 {
		return nil
	}
	all := make([]*order, 0, s.dayOrders)
	for _, o := range s.orders {
		if o.TimeInForce == trade.TimeInForceDay {
			all = append(all, o)
		}
	}
	return sortedByID(all)
}

func (d *draft) expire(o *order, reason trade.Reason) {
	d.finishOrder(o, "", trade.ExecTypeExpired, trade.OrderStatusExpired, reason)
}

// day is how long a trading day lasts, in nanoseconds.
const day = int64(24 * time.Hour)

// nextDayEnd returns the first end of a trading day after a time.
func nextDayEnd(now int64, venue trade.Venue) int64 {
	end := int64(venue.DayEnd) * int64(time.Second)
	// Floor division, so that times before 1970 work as well.
	days := (now - end) / day
	if (now-end)%day < 0 {
		days--
	}
	return (days+1)*day + end
}
