package history

import (
	"context"

	"todoku/trade"
)

// maxCounted bounds the trades that are counted again for one bust: 24 MB.
const maxCounted = 1_000_000

// fill is a trade of an account as its position counts it: bought is negative when
// the account sold.
type fill struct {
	price  trade.Price
	bought trade.Quantity
}

// CostAfterBust returns what the open quantity of a position costs when the account's
// trades that stand are counted again without the busted one, of which side is the
// account's. The position must be the present one and the store must not be behind it.
//
// Only the trades since the account last had no position, or changed from long to short
// or back, are read. If the store does not go back so far, or these are more than a
// million, the trade is instead undone by an opposite one. Errors are the store's.
func CostAfterBust(ctx context.Context, store Store, now trade.Position, busted *trade.Trade, side trade.Side) (trade.Amount, error) {
	undone := now
	undone.Fill(side.Opposite(), busted.Price, busted.Quantity)
	skip := map[trade.TradeID]bool{busted.ID: true}
	query := ExecutionQuery{Account: now.Account, Symbol: now.Symbol, PageRequest: PageRequest{Size: maxPageSize}}
	p := trade.Position{Quantity: undone.Quantity}
	var later []fill // newest first
	for p.Quantity != 0 {
		page, err := store.Executions(ctx, query)
		if err != nil {
			return trade.Amount{}, err
		}
		for _, e := range page.Items {
			c, ok := count(e.ExecutionReport, skip)
			if !ok {
				continue
			}
			if before := p.Quantity - c.bought; before == 0 || (before < 0) != (p.Quantity < 0) {
				// This trade opened the position, at its price.
				p.Cost = trade.Notional(c.price, p.Quantity)
				return costAfter(p, later), nil
			}
			p.Quantity -= c.bought
			later = append(later, c)
		}
		if query.Token = page.Next; page.Next == "" || len(later) > maxCounted {
			return undone.Cost, nil
		}
	}
	return trade.Amount{}, nil
}

// count returns what a report adds to a position; ok is false if it is no trade, or one
// that was busted, which skip has to the end.
func count(e *trade.ExecutionReport, skip map[trade.TradeID]bool) (c fill, ok bool) {
	switch e.Type { //nolint:exhaustive // the others change no position
	case trade.ExecTypeTradeCancel:
		skip[e.Trade] = true // Its bust is newer than the trade, so it is read first.
		return c, false
	case trade.ExecTypeTrade:
	default:
		return c, false
	}
	if skip[e.Trade] {
		delete(skip, e.Trade)
		return c, false
	}
	c = fill{e.LastPrice, e.LastQuantity}
	if e.Order.Side == trade.SideSell {
		c.bought = -c.bought
	}
	return c, true
}

// costAfter returns what a position costs after more trades, given newest first.
func costAfter(p trade.Position, more []fill) trade.Amount {
	for i := len(more) - 1; i >= 0; i-- {
		side, quantity := trade.SideBuy, more[i].bought
		if quantity < 0 {
			side, quantity = trade.SideSell, -quantity
		}
		p.Fill(side, more[i].price, quantity)
	}
	return p.Cost
}
