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

func writeEvent(w *writer, event trade.Event) {
	var start int
	switch e := event.(type) {
	case *trade.ExecutionReport:
		start = w.open(eventExecutionReport)
		writeReport(w, e)
	case *trade.CancelRejected:
		start = w.open(eventCancelRejected)
		writeCancelRejected(w, e)
	case *trade.TradeChanged:
		start = w.open(eventTradeChanged)
		writeTradeChanged(w, e)
	case *trade.LevelChanged:
		start = w.open(eventLevelChanged)
		writeLevel(w, e)
	case *trade.PositionChanged:
		start = w.open(eventPositionChanged)
		writePosition(w, &e.Position)
	case *trade.InstrumentChanged:
		start = w.open(eventInstrumentChanged)
		writeInstrument(w, &e.Instrument)
	case *trade.UserChanged:
		start = w.open(eventUserChanged)
		writeUser(w, &e.User)
	case *trade.PresenceChanged:
		start = w.open(eventPresenceChanged)
		writePresence(w, e)
	case *trade.LimitsChanged:
		start = w.open(eventLimitsChanged)
		writeAccount(w, &trade.AccountState{Account: e.Account, Limits: e.Limits})
	case *trade.Announced:
		start = w.open(eventAnnounced)
		writeAnnounced(w, e)
	case *trade.VenueChanged:
		start = w.open(eventVenueChanged)
		writeVenue(w, &e.Venue)
	case *trade.DayEnded:
		start = w.open(eventDayEnded)
		writeDayEnded(w, e)
	default:
		w.fail("an event of an unknown kind")
		return
	}
	w.close(start)
}

// readEvent refuses an event without a body that this version knows, and one with two.
func readEvent(r *reader) trade.Event {
	var event trade.Event
	for r.next() {
		if r.field >= eventsEnd {
			r.skip()
			continue
		}
		if event != nil {
			r.fail("an event with two bodies")
			return nil
		}
		rest := r.open()
		event = readBody(r)
		r.close(rest)
	}
	if event == nil {
		r.fail("an event of an unknown kind")
	}
	return event
}

func readBody(r *reader) trade.Event {
	switch r.field {
	case eventExecutionReport:
		e := r.report()
		readReport(r, e)
		return e
	case eventCancelRejected:
		e := new(trade.CancelRejected)
		readCancelRejected(r, e)
		return e
	case eventTradeChanged:
		e := r.trade()
		readTradeChanged(r, e)
		return e
	case eventLevelChanged:
		e := r.level()
		readLevel(r, e)
		return e
	case eventPositionChanged:
		e := r.position()
		readPosition(r, &e.Position)
		return e
	case eventInstrumentChanged:
		e := new(trade.InstrumentChanged)
		readInstrument(r, &e.Instrument)
		return e
	case eventUserChanged:
		e := new(trade.UserChanged)
		readUser(r, &e.User)
		return e
	case eventPresenceChanged:
		e := new(trade.PresenceChanged)
		readPresence(r, e)
		return e
	case eventLimitsChanged:
		var a trade.AccountState
		readAccount(r, &a)
		return &trade.LimitsChanged{Account: a.Account, Limits: a.Limits}
	case eventAnnounced:
		e := new(trade.Announced)
		readAnnounced(r, e)
		return e
	case eventVenueChanged:
		e := new(trade.VenueChanged)
		readVenue(r, &e.Venue)
		return e
	case eventDayEnded:
		e := new(trade.DayEnded)
		readDayEnded(r, e)
		return e
	}
	return nil
}

// The most frequent events come from the decoder's memory, if there is one.

func (r *reader) report() *trade.ExecutionReport {
	if r.memory != nil {
		return r.memory.reports.zero()
	}
	return new(trade.ExecutionReport)
}

func (r *reader) trade() *trade.TradeChanged {
	if r.memory != nil {
		return r.memory.trades.zero()
	}
	return new(trade.TradeChanged)
}

func (r *reader) level() *trade.LevelChanged {
	if r.memory != nil {
		return r.memory.levels.zero()
	}
	return new(trade.LevelChanged)
}

func (r *reader) position() *trade.PositionChanged {
	if r.memory != nil {
		return r.memory.positions.zero()
	}
	return new(trade.PositionChanged)
}
