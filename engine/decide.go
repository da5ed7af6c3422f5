package engine

import "todoku/trade"

// decide says what a command changes, as events in the draft, or refuses it. It
// changes nothing that a later decision could see: an account or holding that it
// makes is as empty as one that does not exist.
func (d *draft) decide(command trade.Command) (trade.Answer, error) {
	if rule := ruleOf(command); !rule.trading {
		if err := d.mayAdminister(command.From(), rule.roles); err != nil {
			return trade.Answer{}, err
		}
	}
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
		d.advance()
		return none, nil
	}
	return none, trade.Refuse(trade.ReasonBadEnum, "", "unknown command")
}

// rule is what holds for all commands of a kind.
type rule struct {
	// request is the API's name for the request id.
	request string
	// trading says that the command concerns the orders of an account: it counts
	// towards the account's message rate, and who may send it depends on the account.
	trading bool
	// cancels says that the command can only end orders: it has an allowance of its own.
	cancels bool
	// roles are who may send a command that is not trading, besides the venue itself.
	roles trade.Role
}

func ruleOf(command trade.Command) rule {
	switch command.(type) {
	case *trade.PlaceOrder, *trade.ReplaceOrder:
		return rule{request: "client_order_id", trading: true}
	case *trade.CancelOrder:
		return rule{request: "client_order_id", trading: true, cancels: true}
	case *trade.MassCancel:
		return rule{request: "request_id", trading: true, cancels: true}
	case *trade.SetTradingStatus, *trade.SetLimits:
		return rule{request: "request_id", roles: trade.RoleAdmin | trade.RoleRisk}
	case *trade.BustTrade, *trade.UpsertInstrument, *trade.UpsertUser, *trade.Announce, *trade.ConfigureVenue:
		return rule{request: "request_id", roles: trade.RoleAdmin}
	case *trade.SetPresence, *trade.AdvanceClock: // Only the venue itself.
	}
	return rule{request: "request_id"}
}
