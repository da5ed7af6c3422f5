package feed

import (
	"cmp"
	"slices"

	"todoku/trade"
)

// book has one instrument's levels as records and snapshots give them. It is never
// made from orders, which may show less than they have left. Each side is sorted with
// its best level last, because nearly all changes are there and then move few others.
type book struct {
	bids, offers []trade.Level
	version      uint64
	lastPrice    trade.Price
	// sent is the best-price message that was sent last.
	sent Best
}

// newBook returns the book of a snapshot.
func newBook(state *trade.InstrumentState) book {
	b := book{
		bids: slices.Clone(state.Levels.Bids), offers: slices.Clone(state.Levels.Offers),
		version: state.BookVersion, lastPrice: state.LastPrice,
	}
	slices.Reverse(b.bids)
	slices.Reverse(b.offers)
	b.sent = b.best(state.Instrument.Symbol)
	return b
}

// set stores one level; a quantity of zero removes it.
func (b *book) set(side trade.Side, level trade.Level) {
	levels := b.side(side)
	at, found := slices.BinarySearchFunc(*levels, level.Price, func(l trade.Level, price trade.Price) int {
		if side == trade.SideBuy {
			return cmp.Compare(l.Price, price)
		}
		return cmp.Compare(price, l.Price)
	})
	switch {
	case level.Quantity == 0 && found:
		*levels = slices.Delete(*levels, at, at+1)
	case level.Quantity == 0:
	case found:
		(*levels)[at] = level
	default:
		*levels = slices.Insert(*levels, at, level)
	}
}

// traded notes the last price. A bust leaves it, unless it was that of the trade.
func (b *book) traded(e *trade.TradeChanged) {
	switch {
	case e.Trade.Status == trade.TradeStatusConcluded:
		b.lastPrice = e.Trade.Price
	case e.LastMoved:
		b.lastPrice = e.LastPrice
	}
}

func (b *book) side(side trade.Side) *[]trade.Level {
	if side == trade.SideBuy {
		return &b.bids
	}
	return &b.offers
}

// best returns the top of the book.
func (b *book) best(symbol trade.Symbol) Best {
	best := Best{Symbol: symbol, BookVersion: b.version, LastPrice: b.lastPrice}
	if n := len(b.bids); n > 0 {
		best.Bid = b.bids[n-1]
	}
	if n := len(b.offers); n > 0 {
		best.Offer = b.offers[n-1]
	}
	return best
}

// top copies up to depth levels, best first; all when depth is 0 or less.
func top(levels []trade.Level, depth int) []trade.Level {
	if depth > 0 {
		levels = levels[max(0, len(levels)-depth):]
	}
	out := slices.Clone(levels)
	slices.Reverse(out)
	return out
}
