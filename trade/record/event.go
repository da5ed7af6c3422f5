package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// The kinds of event, as field numbers of the message Event.
const (
	eventExecutionReport protowire.Number = iota + 1
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
)

func writeEvent(w *writer, event trade.Event) {
	switch e := event.(type) {
	case *trade.ExecutionReport:
		writeBody(w, eventExecutionReport, e, writeReport)
	case *trade.CancelRejected:
		writeBody(w, eventCancelRejected, e, writeCancelRejected)
	case *trade.TradeChanged:
		writeBody(w, eventTradeChanged, e, writeTradeChanged)
	case *trade.LevelChanged:
		writeBody(w, eventLevelChanged, e, writeLevel)
	case *trade.PositionChanged:
		writeBody(w, eventPositionChanged, &e.Position, writePosition)
	case *trade.InstrumentChanged:
		writeBody(w, eventInstrumentChanged, &e.Instrument, writeInstrument)
	case *trade.UserChanged:
		writeBody(w, eventUserChanged, &e.User, writeUser)
	case *trade.PresenceChanged:
		writeBody(w, eventPresenceChanged, e, writePresence)
	case *trade.LimitsChanged:
		writeBody(w, eventLimitsChanged, &trade.AccountState{Account: e.Account, Limits: e.Limits}, writeAccount)
	case *trade.Announced:
		writeBody(w, eventAnnounced, e, writeAnnounced)
	case *trade.VenueChanged:
		writeBody(w, eventVenueChanged, &e.Venue, writeVenue)
	case *trade.DayEnded:
		writeBody(w, eventDayEnded, e, writeDayEnded)
	default:
		w.fail("an event of an unknown kind")
	}
}

func writeBody[T any](w *writer, kind protowire.Number, body *T, write func(*writer, *T)) {
	start := w.open(kind)
	write(w, body)
	w.close(start)
}

// readEvent refuses an event without a body that it knows, and one with two.
func readEvent(r *reader) trade.Event {
	var event trade.Event
	for r.next() {
		if r.field > eventDayEnded {
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
		e := new(trade.ExecutionReport)
		readReport(r, e)
		return e
	case eventCancelRejected:
		e := new(trade.CancelRejected)
		readCancelRejected(r, e)
		return e
	case eventTradeChanged:
		e := new(trade.TradeChanged)
		readTradeChanged(r, e)
		return e
	case eventLevelChanged:
		e := new(trade.LevelChanged)
		readLevel(r, e)
		return e
	case eventPositionChanged:
		e := new(trade.PositionChanged)
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
