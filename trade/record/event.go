package record

import "todoku/trade"

// The kinds of event, as field numbers of the message Event.
const (
	eventExecutionReport = iota + 1
	eventCancelRejected
	eventTradeChanged
	eventLevelChanged
	eventPositionChanged
	eventInstrumentChanged
	eventUserChanged
	eventPresenceChanged
	eventLimitsChanged
	eventAnnounced
	eventVenueChanged
	eventDayEnded
	eventsEnd // Kinds from here on are unknown.
)

// eventList refuses an event without a body that this version knows, and one with two.
func eventList(c *codec, field int32, list *[]trade.Event) {
	if c.field == writing {
		for _, e := range *list {
			for m := c.open(field); c.next(&m); {
				body(c, e)
			}
		}
	}
	for c.field == field {
		var e trade.Event
		for m := c.open(field); c.next(&m); {
			switch {
			case c.field >= eventsEnd: // The codec skips it.
			case e != nil:
				c.fail("an event with two bodies")
			default:
				e = c.newEvent()
				body(c, e)
			}
		}
		if e == nil {
			c.fail("an event of an unknown kind")
		}
		*list = append(*list, e)
	}
}

// body writes or reads the field of an event that says what happened.
func body(c *codec, event trade.Event) {
	switch e := event.(type) {
	case *trade.ExecutionReport:
		report(c, eventExecutionReport, e)
	case *trade.CancelRejected:
		cancelRejected(c, eventCancelRejected, e)
	case *trade.TradeChanged:
		tradeChanged(c, eventTradeChanged, e)
	case *trade.LevelChanged:
		levelChanged(c, eventLevelChanged, e)
	case *trade.PositionChanged:
		position(c, eventPositionChanged, &e.Position)
	case *trade.InstrumentChanged:
		instrument(c, eventInstrumentChanged, &e.Instrument)
	case *trade.UserChanged:
		user(c, eventUserChanged, &e.User)
	case *trade.PresenceChanged:
		presence(c, eventPresenceChanged, e)
	case *trade.LimitsChanged:
		account(c, eventLimitsChanged, (*trade.AccountState)(e))
	case *trade.Announced:
		announced(c, eventAnnounced, e)
	case *trade.VenueChanged:
		venue(c, eventVenueChanged, &e.Venue)
	case *trade.DayEnded:
		dayEnded(c, eventDayEnded, e)
	default:
		c.fail("an event of an unknown kind")
	}
}

// newEvent returns an empty event of the kind that is read next. What nearly all
// events are comes out of the decoder's memory, if there is one.
func (c *codec) newEvent() trade.Event {
	if d := c.memory; d != nil {
		switch c.field {
		case eventExecutionReport:
			return d.reports.zero()
		case eventTradeChanged:
			return d.trades.zero()
		case eventLevelChanged:
			return d.levels.zero()
		case eventPositionChanged:
			return d.positions.zero()
		}
	}
	switch c.field {
	case eventExecutionReport:
		return new(trade.ExecutionReport)
	case eventCancelRejected:
		return new(trade.CancelRejected)
	case eventTradeChanged:
		return new(trade.TradeChanged)
	case eventLevelChanged:
		return new(trade.LevelChanged)
	case eventPositionChanged:
		return new(trade.PositionChanged)
	case eventInstrumentChanged:
		return new(trade.InstrumentChanged)
	case eventUserChanged:
		return new(trade.UserChanged)
	case eventPresenceChanged:
		return new(trade.PresenceChanged)
	case eventLimitsChanged:
		return new(trade.LimitsChanged)
	case eventAnnounced:
		return new(trade.Announced)
	case eventVenueChanged:
		return new(trade.VenueChanged)
	case eventDayEnded:
		return new(trade.DayEnded)
	}
	return nil
}
