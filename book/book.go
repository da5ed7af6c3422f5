package book

import (
	"errors"
	"iter"
	"math"
)

// The errors of a book. They protect its invariants; a caller checks its own rules
// before. A call that returns one has changed nothing.
var (
	// ErrQuantity says that a quantity is not positive or, for Reduce, no reduction.
	ErrQuantity = errors.New("book: quantity out of range")
	// ErrCrossed says that an order would rest at a price at which it would trade.
	ErrCrossed = errors.New("book: order would cross the book")
	// ErrDuplicate says that an order with this id rests already.
	ErrDuplicate = errors.New("book: order id is already in the book")
	// ErrLevel says that a level's total quantity would exceed 2^63-1.
	ErrLevel = errors.New("book: level total would overflow")
	// ErrFull says that the book cannot number more orders or price pages.
	ErrFull = errors.New("book: full")
	// ErrUnknown says that no order with this id rests.
	ErrUnknown = errors.New("book: order is not in the book")
)

// Side is the side of an order, numbered as in FIX tag 54.
type Side int8

// The sides.
const (
	Buy Side = iota + 1
	Sell
)

// Opposite returns the other side.
func (s Side) Opposite() Side { return Buy + Sell - s }

// The sides as indexes: the lowest bit of a Side.
const (
	asks = int(Sell & 1)
	bids = int(Buy & 1)
)

// maxSlots keeps a slot's index within 32 bits.
const maxSlots = math.MaxUint32

// slot is a resting order: 32 bytes without a pointer, so that two fit into a cache
// line and the garbage collector does not scan them. Its level gives its price and side.
type slot struct {
	id         uint64
	left       int64
	owner      uint32
	level      uint32
	next, prev uint32 // in the level's queue; next also links the free list
}

// touch is the best price of a side.
type touch struct {
	level uint32 // none when the side is empty
	tick  int64
}

// Book is the resting orders of one instrument, by price and then by time.
//
// A price is a tick, any int64: the caller divides by the tick size. A quantity is
// what the order displays, a positive int64 in a unit that the caller chooses. An owner
// is the number of an account, 0 for none; orders of the same owner never trade with
// each other. The caller chooses order ids, which must be unique among the resting
// orders.
//
// A book is not safe for concurrent use. A call allocates only where the book needs
// more memory, or moves into less.
//
// Memory depends on the number of orders and not on the range of their prices: 32 bytes
// for an order, 16 to 32 for finding it by its id, and 1.6 KB for each group of 64
// neighbouring ticks that holds at least one order; an empty book takes 4 KB.
// When less than an eighth of the slots or pages is in use, the book moves into less
// memory, within the call that removes the order.
type Book struct {
	slots  []slot
	free   uint32 // first free slot
	index  table
	ladder ladder
	best   [2]touch // by side
}

// New returns an empty book.
func New() *Book { return newSized(0, 0) }

// newSized returns an empty book with room for orders and price pages.
func newSized(orders, pages int) *Book {
	return &Book{
		slots:  make([]slot, 1, 1+orders),
		index:  newTable(orders),
		ladder: newLadder(pages),
	}
}

// Resting is an order in the book.
type Resting struct {
	ID    uint64
	Tick  int64 // price
	Left  int64 // quantity that still rests, always positive
	Owner uint32
	Side  Side
}

// Level is the sum of what rests at one price. A level without orders has quantity 0.
type Level struct {
	Tick     int64 // price
	Quantity int64 // sum of what its orders have left
	Orders   uint32
	Side     Side
}

// Len returns the number of resting orders.
func (b *Book) Len() int { return b.index.used }

// Best returns the best price of a side and the quantity there; ok is false when
// nothing rests on that side.
func (b *Book) Best(side Side) (tick, quantity int64, ok bool) {
	t := b.best[side&1]
	if t.level == none {
		return 0, 0, false
	}
	return t.tick, b.ladder.levels[t.level].total, true
}

// Crosses reports whether an order of a side at a price would trade with the other
// side, so that a post-only order must not enter.
func (b *Book) Crosses(side Side, tick int64) bool {
	return b.reaches(int(side&1), tick)
}

// reaches reports whether a price of one side reaches the best of the other.
func (b *Book) reaches(side int, tick int64) bool {
	far := &b.best[side^1]
	return far.level != none && !better(side, far.tick, tick)
}

// Better reports whether a price of a side has priority over another: the higher
// one of a bid, the lower one of an ask.
func Better(side Side, a, c int64) bool { return better(int(side&1), a, c) }

// better reports whether a ranks before c among the resting orders of a side: the
// higher price for bids, the lower one for asks. The complement reverses the order
// of integers, without a branch on the side and without an overflow.
func better(side int, a, c int64) bool {
	flip := int64(side) - 1 // 0 for bids, all ones for asks
	return a^flip > c^flip
}

// Order returns a resting order; ok is false when the id does not rest.
func (b *Book) Order(id uint64) (order Resting, ok bool) {
	at := b.index.get(id, b.slots)
	if at == none {
		return Resting{}, false
	}
	return b.resting(at), true
}

func (b *Book) resting(at uint32) Resting {
	s := &b.slots[at]
	tick := b.ladder.tick(s.level)
	return Resting{ID: s.id, Tick: tick, Left: s.left, Owner: s.owner, Side: b.sideOf(tick)}
}

// sideOf returns the side of a price at which an order rests.
func (b *Book) sideOf(tick int64) Side {
	if bid := &b.best[bids]; bid.level != none && tick <= bid.tick {
		return Buy
	}
	return Sell
}

// Rest adds an order at the end of the queue of its price. It does not match: the
// caller has called [Book.Match] before, and the remainder does not cross. The error is
// ErrQuantity, ErrCrossed, ErrDuplicate, ErrLevel or ErrFull.
func (b *Book) Rest(id uint64, owner uint32, side Side, tick, quantity int64) error {
	if quantity <= 0 {
		return ErrQuantity
	}
	near := int(side & 1)
	if b.reaches(near, tick) {
		return ErrCrossed
	}
	where := b.ladder.find(tick)
	if where == none {
		if b.ladder.full() {
			return ErrFull
		}
	} else if b.ladder.levels[where].total > math.MaxInt64-quantity {
		return ErrLevel
	}
	at := b.free
	if at == none {
		if len(b.slots) == maxSlots {
			return ErrFull
		}
		at = uint32(len(b.slots))
	}
	if !b.index.put(id, at, b.slots) {
		return ErrDuplicate
	}
	if at == b.free {
		b.free = b.slots[at].next
	} else {
		b.slots = append(b.slots, slot{})
	}
	if where == none {
		where = b.ladder.open(tick)
	}
	l := &b.ladder.levels[where]
	b.slots[at] = slot{id: id, left: quantity, owner: owner, level: where, prev: l.tail}
	l.total += quantity
	l.orders++
	if l.tail != none {
		b.slots[l.tail].next = at
		l.tail = at
		return nil
	}
	l.head, l.tail = at, at
	b.ladder.mark(where)
	if best := &b.best[near]; best.level == none || better(near, tick, best.tick) {
		*best = touch{level: where, tick: tick}
	}
	return nil
}

// Cancel removes an order and returns it as it rested; ok is false when the id does not
// rest.
func (b *Book) Cancel(id uint64) (order Resting, ok bool) {
	at := b.index.get(id, b.slots)
	if at == none {
		return Resting{}, false
	}
	order = b.resting(at)
	b.remove(at, int(order.Side&1))
	return order, true
}

// Fill subtracts a traded quantity from an order and returns the order after it. The
// order keeps its place in the queue, or leaves the book when nothing is left. The error
// is ErrUnknown when the id does not rest, and ErrQuantity when the quantity is not
// positive or more than the order has.
func (b *Book) Fill(id uint64, quantity int64) (Resting, error) {
	at := b.front(id)
	if at == none {
		return Resting{}, ErrUnknown
	}
	s := &b.slots[at]
	if quantity <= 0 || quantity > s.left {
		return Resting{}, ErrQuantity
	}
	order := b.resting(at)
	order.Left -= quantity
	if order.Left == 0 {
		b.remove(at, int(order.Side&1))
		return order, nil
	}
	s.left = order.Left
	b.ladder.levels[s.level].total -= quantity
	return order, nil
}

// front returns the slot of id, or none. An order that trades is nearly always the first
// one at the best price, which needs no search.
func (b *Book) front(id uint64) uint32 {
	for side := range b.best {
		if at := b.ladder.levels[b.best[side].level].head; at != none && b.slots[at].id == id {
			return at
		}
	}
	return b.index.get(id, b.slots)
}

// remove removes an order from its queue and from the book.
func (b *Book) remove(at uint32, side int) {
	s := &b.slots[at]
	where := s.level
	l := &b.ladder.levels[where]
	l.total -= s.left
	l.orders--
	if s.prev != none {
		b.slots[s.prev].next = s.next
	} else {
		l.head = s.next
	}
	if s.next != none {
		b.slots[s.next].prev = s.prev
	} else {
		l.tail = s.prev
	}
	b.release(at)
	if l.head == none {
		if where == b.best[side].level {
			b.step(side)
		} else {
			b.ladder.clear(where)
		}
	}
	b.shrink()
}

// Reduce lowers the quantity of an order to left and returns the order after it. The
// order keeps its place in the queue. The error is ErrUnknown when the id does not rest,
// and ErrQuantity when left is not positive or not below what the order has; for more
// quantity, which loses priority, use Cancel and Rest.
func (b *Book) Reduce(id uint64, left int64) (Resting, error) {
	at := b.index.get(id, b.slots)
	if at == none {
		return Resting{}, ErrUnknown
	}
	s := &b.slots[at]
	if left <= 0 || left >= s.left {
		return Resting{}, ErrQuantity
	}
	b.ladder.levels[s.level].total -= s.left - left
	s.left = left
	return b.resting(at), nil
}

// release frees the slot of an order that is in no queue.
func (b *Book) release(at uint32) {
	s := &b.slots[at]
	b.index.drop(s.id, at)
	*s = slot{next: b.free}
	b.free = at
}

// step moves the best price of a side from its level, which is empty, to the next
// one outward.
func (b *Book) step(side int) {
	gone := b.best[side].level
	next := b.ladder.beyond(side, gone)
	b.ladder.clear(gone)
	if next == none {
		b.best[side] = touch{}
		return
	}
	b.best[side] = touch{level: next, tick: b.ladder.tick(next)}
}

// Level returns what rests at a price. The caller names the side, because a price
// without orders belongs to none; for the other side, the level is empty.
func (b *Book) Level(side Side, tick int64) Level {
	out := Level{Tick: tick, Side: side}
	at := b.ladder.find(tick)
	if at == none {
		return out
	}
	if l := &b.ladder.levels[at]; l.orders > 0 && b.sideOf(tick) == side {
		out.Quantity, out.Orders = l.total, l.orders
	}
	return out
}

// Levels appends up to limit levels of a side to dst, from the best outward, and
// returns the extended slice.
func (b *Book) Levels(dst []Level, side Side, limit int) []Level {
	at := b.best[side&1].level
	for ; at != none && limit > 0; limit-- {
		l := &b.ladder.levels[at]
		dst = append(dst, Level{Tick: b.ladder.tick(at), Quantity: l.total, Orders: l.orders, Side: side})
		at = b.ladder.beyond(int(side&1), at)
	}
	return dst
}

// Orders yields the resting orders of a side: best price first, and first in
// first out within a price. Adding them in that order to an empty book makes the same
// book. The book must not change meanwhile.
func (b *Book) Orders(side Side) iter.Seq[Resting] {
	return func(yield func(Resting) bool) {
		for at := b.best[side&1].level; at != none; at = b.ladder.beyond(int(side&1), at) {
			if !b.queue(at, yield) {
				return
			}
		}
	}
}

// Queue yields the orders that rest at a price, first in first out. The book must
// not change meanwhile.
func (b *Book) Queue(tick int64) iter.Seq[Resting] {
	return func(yield func(Resting) bool) {
		if at := b.ladder.find(tick); at != none {
			b.queue(at, yield)
		}
	}
}

func (b *Book) queue(level uint32, yield func(Resting) bool) bool {
	for at := b.ladder.levels[level].head; at != none; at = b.slots[at].next {
		if !yield(b.resting(at)) {
			return false
		}
	}
	return true
}

// smallSlots and smallPages are sizes below which a book does not shrink.
const (
	smallSlots = 4096
	smallPages = 256
)

// shrink moves the book into less memory when it uses less than an eighth of it. It
// leaves room for twice the orders, so that a book of a steady size neither grows nor
// shrinks.
func (b *Book) shrink() {
	orders, pages := b.index.used, b.ladder.live
	if (len(b.slots) <= smallSlots || orders >= len(b.slots)/8) &&
		(len(b.ladder.pages) <= smallPages || pages >= len(b.ladder.pages)/8) {
		return
	}
	b.move(newSized(2*orders, 2*pages))
}

// move copies the orders into an empty book and replaces this one by it.
func (b *Book) move(to *Book) {
	for _, side := range []Side{Buy, Sell} {
		for order := range b.Orders(side) {
			if err := to.Rest(order.ID, order.Owner, order.Side, order.Tick, order.Left); err != nil {
				panic("book: a resting order does not fit its own book: " + err.Error()) //nolint:forbidigo // Broken invariant: every order of a book is acceptable to an empty one.
			}
		}
	}
	*b = *to
}
