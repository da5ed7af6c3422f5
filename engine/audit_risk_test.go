package engine

import (
	"fmt"

	"todoku/trade"
)

// riskAudit checks what each command traded against the bands and the limits of the
// account that took, with the reference prices from before the command.
type riskAudit struct {
	limits map[trade.AccountID]trade.Limits
	// before has the reference prices from before the command, for instruments that traded.
	before map[trade.Symbol]trade.Price
	traded trade.Amount // by the command
}

func newRiskAudit() riskAudit {
	return riskAudit{limits: map[trade.AccountID]trade.Limits{}}
}

// begin prepares for the record of the next command.
func (a *riskAudit) begin() {
	a.before, a.traded = map[trade.Symbol]trade.Price{}, trade.Amount{}
}

// trade checks a concluded trade that the model does not have yet.
func (a *riskAudit) trade(t *trade.Trade, model *auditor) error {
	in := model.limits[t.Symbol]
	reference, traded := a.before[t.Symbol]
	if !traded {
		last := model.standing(t.Symbol, 0)
		if reference = last.Price; last.ID == 0 || in.ReferencePrice != 0 && in.ReferenceAfter >= last.ID {
			reference = in.ReferencePrice
		}
		a.before[t.Symbol] = reference
	}
	taker := t.Party(t.Aggressor).Account
	limits := a.limits[taker]
	for _, band := range []trade.BasisPoints{in.Band, limits.Band} {
		low, high := bandPrices(reference, band)
		// A limit order may trade at a better price than its own, outside the band.
		if t.Aggressor == trade.SideBuy && t.Price > high || t.Aggressor == trade.SideSell && t.Price < low {
			return fmt.Errorf("%s took at %v, outside %v to %v", taker, t.Price, low, high)
		}
	}
	a.traded = a.traded.Add(trade.Notional(t.Price, t.Quantity))
	if most := limits.MaxOrderNotional; most != (trade.Amount{}) && a.traded.Cmp(most) > 0 {
		return fmt.Errorf("%s took %v at once, its limit is %v", taker, a.traded, most)
	}
	return nil
}

// checkSuspended checks that the command which suspends a user leaves no order that the
// user entered.
func (a *auditor) checkSuspended(r *trade.Record) error {
	if r.Command.Kind != trade.CommandUpsertUser {
		return nil
	}
	for id, o := range a.resting {
		if a.suspended[o.User] {
			return fmt.Errorf("order %d of %s works, who is suspended", id, o.User)
		}
	}
	return nil
}
