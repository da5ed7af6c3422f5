package engine

import "todoku/trade"

// decide says what a command changes, as events in the draft, or refuses it. It
// changes nothing that a later decision could see: an account or holding that it
// makes is as empty as one that is not there.
func (d *draft) decide(command trade.Command) (trade.Answer, error) {
	answer, err := d.dispatch(command)
	if err != nil {
		return trade.Answer{}, err
	}
	d.finish()
	return answer, nil
}

func (d *draft) dispatch(command trade.Command) (trade.Answer, error) {
	var none trade.Answer
	switch c := command.(type) {
	case *trade.PlaceOrder:
		return d.place(c)
	case *trade.ReplaceOrder:
		return d.replace(c)
	case *trade.CancelOrder:
		return d.cancelOrder(c)
	case *trade.MassCancel:
		return d.massCancel(c)
	case *trade.BustTrade:
		return none, d.bust(c)
	case *trade.UpsertInstrument:
		return none, d.upsertInstrument(c)
	case *trade.SetTradingStatus:
		return none, d.setTradingStatus(c)
	case *trade.UpsertUser:
		return none, d.upsertUser(c)
	case *trade.SetLimits:
		return none, d.setLimits(c)
	case *trade.Announce:
		return none, d.announce(c)
	case *trade.SetPresence:
		return none, d.setPresence(c)
	case *trade.ConfigureVenue:
		return none, d.configureVenue(c)
	case *trade.AdvanceClock:
		return none, d.advance(c)
	}
	return none, trade.Refuse(trade.ReasonBadEnum, "", "unknown command")
}

// limited says whether a command counts towards an account's message rate.
func limited(command trade.Command) bool {
	switch command.(type) {
	case *trade.PlaceOrder, *trade.ReplaceOrder, *trade.CancelOrder, *trade.MassCancel:
		return true
	case *trade.BustTrade, *trade.UpsertInstrument, *trade.SetTradingStatus, *trade.UpsertUser, *trade.SetLimits,
		*trade.Announce, *trade.SetPresence, *trade.AdvanceClock, *trade.ConfigureVenue:
	}
	return false
}

// requestField is how the API calls the name of a request.
func requestField(command trade.Command) string {
	switch command.(type) {
	case *trade.PlaceOrder, *trade.ReplaceOrder, *trade.CancelOrder:
		return "client_order_id"
	case *trade.MassCancel, *trade.BustTrade, *trade.UpsertInstrument, *trade.SetTradingStatus, *trade.UpsertUser,
		*trade.SetLimits, *trade.Announce, *trade.SetPresence, *trade.AdvanceClock, *trade.ConfigureVenue:
	}
	return "request_id"
}
