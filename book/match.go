package book

import (
	"math"
)

// SelfTrade says what happens when an order meets another of the same owner,
// numbered as package trade numbers FIX tag 2964. Any other value is CancelTaker.
type SelfTrade int8

// The self-trade instructions.
const (
	// CancelTaker ends the arriving order.
	CancelTaker SelfTrade = iota + 1
	// CancelMaker cancels the resting order and continues to match.
	CancelMaker
	// CancelBoth does both.
	CancelBoth
)

// Taker is an arriving order that may trade with what rests.
type Taker struct {
	ID        uint64 // for the caller; the book does not use it
	Limit     int64  // the worst acceptable price in ticks, if HasLimit
	Quantity  int64  // positive
	Owner     uint32
	Side      Side
	SelfTrade SelfTrade
	HasLimit  bool // false: at any price
}

// FillKind says what happens to a resting order that a taker meets.
type FillKind uint8

const (
	// FillTrade means that maker and taker trade at the maker's price.
	FillTrade FillKind = iota + 1
	// FillSelfTradeCancel means that the maker is canceled because it has the same owner;
	// Quantity is what it had left.
	FillSelfTradeCancel
)

// Fill is one resting order that a taker meets.
type Fill struct {
	MakerID    uint64
	Tick       int64 // the maker's price
	Quantity   int64
	MakerLeft  int64 // what the maker has left; at 0 it leaves the book
	MakerOwner uint32
	Kind       FillKind
}

// Fills is the result of a match. The caller owns it and passes the same one to every
// match, so that a match allocates only when it fills more than any before.
type Fills struct {
	Fills  []Fill  // in the order in which they happened
	Levels []Level // each price that was touched, once, as it is afterwards
}

// Reset empties the buffers and keeps their memory.
func (f *Fills) Reset() {
	f.Fills = f.Fills[:0]
	f.Levels = f.Levels[:0]
}

// worst returns the worst price that an order accepts.
func worst(side int, limit int64, hasLimit bool) int64 {
	switch {
	case hasLimit:
		return limit
	case side == bids:
		return math.MaxInt64
	default:
		return math.MinInt64
	}
}

// Match says how an order would trade against the other side at the makers'
// prices: the best price first, and first in first out within a price. It does not
// change the book: it appends to out what will happen, for [Book.Fill] and [Book.Cancel]
// to apply, and returns what will be left of the order. When stopped is true, a resting
// order of the same owner ends the order, and what is left must not rest.
func (b *Book) Match(taker Taker, out *Fills) (left int64, stopped bool) {
	near := int(taker.Side & 1)
	limit := worst(near, taker.Limit, taker.HasLimit)
	left = taker.Quantity
	far := b.best[near^1]
	for at := far.level; at != none && left > 0 && !stopped; {
		tick := b.ladder.tick(at)
		if better(near, tick, limit) {
			break
		}
		left, stopped = b.meet(&taker, left, at, tick, out)
		if left > 0 && !stopped {
			at = b.ladder.beyond(near^1, at)
		}
	}
	return left, stopped
}

// meet says how an order would trade against one level.
func (b *Book) meet(taker *Taker, left int64, at uint32, tick int64, out *Fills) (int64, bool) {
	l := &b.ladder.levels[at]
	total, orders := l.total, l.orders
	fills, stopped, before := out.Fills, false, len(out.Fills)
	for next := l.head; next != none && left > 0 && !stopped; {
		s := &b.slots[next]
		next = s.next
		fill := Fill{MakerID: s.id, Tick: tick, MakerOwner: s.owner, Kind: FillTrade}
		if s.owner == taker.Owner && s.owner != 0 {
			stopped = taker.SelfTrade != CancelMaker
			if stopped && taker.SelfTrade != CancelBoth {
				break
			}
			fill.Kind = FillSelfTradeCancel
			fill.Quantity = s.left
		} else {
			fill.Quantity = min(left, s.left)
			left -= fill.Quantity
		}
		fill.MakerLeft = s.left - fill.Quantity
		total -= fill.Quantity
		if fill.MakerLeft == 0 {
			orders--
		}
		fills = append(fills, fill)
	}
	out.Fills = fills
	if len(fills) > before {
		out.Levels = append(out.Levels, Level{Tick: tick, Quantity: total, Orders: orders, Side: taker.Side.Opposite()})
	}
	return left, stopped
}

// Fillable reports whether the whole quantity of an order would trade at once, so that
// a fill-or-kill order may enter. Resting orders of the same owner do not count towards
// the quantity; where the self-trade instruction ends the order at one of them, the
// result is false.
func (b *Book) Fillable(taker Taker) bool {
	near := int(taker.Side & 1)
	limit := worst(near, taker.Limit, taker.HasLimit)
	left := taker.Quantity
	at := b.best[near^1].level
	for ; at != none && !better(near, b.ladder.tick(at), limit); at = b.ladder.beyond(near^1, at) {
		l := &b.ladder.levels[at]
		if taker.Owner == 0 {
			if left -= min(left, l.total); left == 0 {
				return true
			}
			continue
		}
		for s := l.head; s != none; s = b.slots[s].next {
			if b.slots[s].owner == taker.Owner {
				if taker.SelfTrade != CancelMaker {
					return false
				}
				continue
			}
			if left -= min(left, b.slots[s].left); left == 0 {
				return true
			}
		}
	}
	return false
}
