package feed

import (
	"slices"
	"sort"

	"todoku/trade"
)

// book is one instrument's levels as records and snapshots give them; it is never
// made from orders, which may show less than they have left. Each side is sorted
// with its best level last, because that is where nearly all changes are: they
// then move few neighbours.
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

// set takes one level over as a record gives it.
func (b *book) set(side trade.Side, level trade.Level) {
	levels := b.side(side)
	at, found := search(*levels, side, level.Price)
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

func (b *book) side(side trade.Side) *[]trade.Level {
	if side == trade.SideBuy {
		return &b.bids
	}
	return &b.offers
}

// search finds a price among levels sorted worst to best.
func search(levels []trade.Level, side trade.Side, price trade.Price) (at int, found bool) {
	at = sort.Search(len(levels), func(i int) bool {
		if side == trade.SideBuy {
			return levels[i].Price >= price
		}
		return levels[i].Price <= price
	})
	return at, at < len(levels) && levels[at].Price == price
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
	if depth <= 0 || depth > len(levels) {
		depth = len(levels)
	}
	out := make([]trade.Level, depth)
	for i := range out {
		out[i] = levels[len(levels)-1-i]
	}
	return out
}
