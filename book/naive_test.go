package book

import (
	"cmp"
	"math"
	"slices"
)

// naiveBook is the simplest book, with which [Book] is compared: each side is one slice
// of orders, best price first and first in first out within a price, and every method
// walks over it.
type naiveBook struct {
	sides [2][]Resting // asks, bids
}

func (n *naiveBook) side(s Side) *[]Resting { return &n.sides[s&1] }

// accepts reports whether an order of a side with a limit may trade at a price.
func accepts(side Side, limit, price int64) bool {
	if side == Buy {
		return price <= limit
	}
	return price >= limit
}

func (n *naiveBook) crosses(side Side, tick int64) bool {
	other := *n.side(side.Opposite())
	return len(other) > 0 && accepts(side, tick, other[0].Tick)
}

func (n *naiveBook) find(id uint64) (*[]Resting, int) {
	for i := range n.sides {
		if at := slices.IndexFunc(n.sides[i], func(r Resting) bool { return r.ID == id }); at >= 0 {
			return &n.sides[i], at
		}
	}
	return nil, -1
}

func (n *naiveBook) level(side Side, tick int64) Level {
	out := Level{Side: side, Tick: tick}
	for _, r := range *n.side(side) {
		if r.Tick == tick {
			out.Quantity += r.Left
			out.Orders++
		}
	}
	return out
}

// match trades at once, where [Book.Match] only says what would happen.
func (n *naiveBook) match(t Taker) (fills Fills, left int64, stopped bool) {
	left, stopped = n.meet(t, &fills)
	for _, f := range fills.Fills {
		if !slices.ContainsFunc(fills.Levels, func(l Level) bool { return l.Tick == f.Tick }) {
			fills.Levels = append(fills.Levels, n.level(t.Side.Opposite(), f.Tick))
		}
	}
	return fills, left, stopped
}

func (n *naiveBook) meet(t Taker, fills *Fills) (left int64, stopped bool) {
	left = t.Quantity
	other := n.side(t.Side.Opposite())
	for left > 0 && len(*other) > 0 {
		maker := &(*other)[0]
		if t.HasLimit && !accepts(t.Side, t.Limit, maker.Tick) {
			return left, false
		}
		if t.Owner != 0 && maker.Owner == t.Owner {
			if t.SelfTrade == CancelTaker || t.SelfTrade == SelfTrade(0) {
				return left, true
			}
			fills.Fills = append(fills.Fills, Fill{
				MakerID: maker.ID, Tick: maker.Tick, Quantity: maker.Left,
				MakerOwner: maker.Owner, Kind: FillSelfTradeCancel,
			})
			*other = slices.Delete(*other, 0, 1)
			if t.SelfTrade == CancelBoth {
				return left, true
			}
			continue
		}
		quantity := min(left, maker.Left)
		left -= quantity
		maker.Left -= quantity
		fills.Fills = append(fills.Fills, Fill{
			MakerID: maker.ID, Tick: maker.Tick, Quantity: quantity,
			MakerLeft: maker.Left, MakerOwner: maker.Owner, Kind: FillTrade,
		})
		if maker.Left == 0 {
			*other = slices.Delete(*other, 0, 1)
		}
	}
	return left, false
}

// fillable tries the order on a copy of the book.
func (n *naiveBook) fillable(t Taker) bool {
	c := naiveBook{sides: [2][]Resting{slices.Clone(n.sides[0]), slices.Clone(n.sides[1])}}
	_, left, _ := c.match(t)
	return left == 0
}

func (n *naiveBook) rest(r Resting) error {
	if r.Left <= 0 {
		return ErrQuantity
	}
	if n.crosses(r.Side, r.Tick) {
		return ErrCrossed
	}
	if n.level(r.Side, r.Tick).Quantity > math.MaxInt64-r.Left {
		return ErrLevel
	}
	if _, at := n.find(r.ID); at >= 0 {
		return ErrDuplicate
	}
	orders := n.side(r.Side)
	// Behind every order whose price is as good: not before the first worse one.
	at, _ := slices.BinarySearchFunc(*orders, r.Tick, func(o Resting, tick int64) int {
		order := cmp.Compare(o.Tick, tick)
		if r.Side == Buy {
			order = -order
		}
		return cmp.Or(order, -1)
	})
	*orders = slices.Insert(*orders, at, r)
	return nil
}

func (n *naiveBook) cancel(id uint64) (Resting, bool) {
	orders, at := n.find(id)
	if at < 0 {
		return Resting{}, false
	}
	r := (*orders)[at]
	*orders = slices.Delete(*orders, at, at+1)
	return r, true
}

func (n *naiveBook) reduce(id uint64, left int64) (Resting, error) {
	orders, at := n.find(id)
	if at < 0 {
		return Resting{}, ErrUnknown
	}
	if left <= 0 || left >= (*orders)[at].Left {
		return Resting{}, ErrQuantity
	}
	(*orders)[at].Left = left
	return (*orders)[at], nil
}

// levels returns the first levels of a side.
func (n *naiveBook) levels(side Side, limit int) []Level {
	var out []Level
	for _, r := range *n.side(side) {
		if len(out) == 0 || out[len(out)-1].Tick != r.Tick {
			if len(out) == limit {
				return out
			}
			out = append(out, Level{Tick: r.Tick, Side: side})
		}
		out[len(out)-1].Quantity += r.Left
		out[len(out)-1].Orders++
	}
	return out
}
