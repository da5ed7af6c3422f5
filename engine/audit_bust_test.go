package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"todoku/trade"
)

// recount counts all trades of an account that stand, in their order, without one.
func (a *auditor) recount(at auditHolding, without trade.TradeID) trade.Position {
	var p trade.Position
	for _, id := range slices.Sorted(maps.Keys(a.trades)) {
		t := a.trades[id]
		if id == without || t.Symbol != at.symbol || t.Status != trade.TradeStatusConcluded {
			continue
		}
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			if t.Party(side).Account == at.account {
				p.Fill(side, t.Price, t.Quantity)
			}
		}
	}
	return p
}

// standing returns the newest trade of an instrument that stands, without one.
func (a *auditor) standing(symbol trade.Symbol, without trade.TradeID) (last trade.Trade) {
	for id, t := range a.trades {
		if id != without && t.Symbol == symbol && t.Status == trade.TradeStatusConcluded && id > last.ID {
			last = t
		}
	}
	return last
}

// bust returns the facts of a trade as the history has them now.
func (a *auditor) bust(t *trade.Trade) *trade.BustTrade {
	return &trade.BustTrade{
		Trade: *t, Buy: a.reported[t.Buyer.Order], Sell: a.reported[t.Seller.Order],
		BuyCost:   a.recount(auditHolding{t.Buyer.Account, t.Symbol}, t.ID).Cost,
		SellCost:  a.recount(auditHolding{t.Seller.Account, t.Symbol}, t.ID).Cost,
		Previous:  a.standing(t.Symbol, t.ID),
		Disclosed: a.disclosed[t.ID],
		Through:   a.sequence,
	}
}

// traded adds a trade, or takes a busted one back, and checks what a bust says of the
// last price.
func (a *auditor) traded(e *trade.TradeChanged) error {
	if e.Trade.Status == trade.TradeStatusConcluded {
		return errors.Join(a.risk.trade(&e.Trade, a), a.trade(&e.Trade))
	}
	if err := a.trade(&e.Trade); err != nil {
		return err
	}
	want := trade.TradeChanged{Trade: e.Trade, Text: e.Text}
	if last := a.standing(e.Trade.Symbol, 0); last.ID < e.Trade.ID {
		want.LastMoved, want.LastTrade, want.LastPrice = true, last.ID, last.Price
	}
	if *e != want {
		return fmt.Errorf("%+v, want %+v", *e, want)
	}
	return nil
}

// instrument checks since when a reference price counts: it was set after all trades
// there were, and until it is set again that does not change.
func (a *auditor) instrument(i *trade.Instrument) error {
	old := a.limits[i.Symbol]
	want := old.ReferenceAfter
	if known := old.Symbol != ""; known && old.ReferencePrice != i.ReferencePrice {
		want = 0
		if i.ReferencePrice != 0 {
			want = trade.TradeID(len(a.trades)) // Trades are numbered without gaps.
		}
	}
	if a.limits[i.Symbol] = *i; i.ReferenceAfter != want {
		return fmt.Errorf("%s: the reference price counts after trade %d, want %d", i.Symbol, i.ReferenceAfter, want)
	}
	return nil
}
