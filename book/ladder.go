package book

import (
	"math"
	"math/bits"
)

// The ladder holds the price levels of a book in pages of 64 neighbouring ticks.
//
// Near the market price, the pages are full and a level is found by arithmetic, as in
// one flat array. Elsewhere there are no pages: an order at tick 1 and one at tick 2^60
// take a page each, and nothing between them. A page exists exactly as long as one of
// its levels holds an order.
//
// One ladder serves both sides. The book is never crossed, so every tick up to
// the best bid is a bid and every tick from the best ask is an ask.
const (
	pageBits = 6
	pageSize = 1 << pageBits
	pageMask = pageSize - 1
)

// recentPages is the size of the cache from page numbers to pages: 1 KiB that
// covers any 16,384 neighbouring ticks without a conflict.
const recentPages = 256

// maxPages keeps a level's index within 32 bits.
const maxPages = 1 << (32 - pageBits)

// noNumber is a page number that no tick has.
const noNumber = math.MinInt64

// none is the index of no slot, no level and no page: index 0 is never used.
const none = 0

// level is the queue of the orders at one price.
type level struct {
	head, tail uint32 // slots of the first and the last order
	orders     uint32
	total      int64 // sum of what the orders have left
}

// page is the head of 64 levels, which lie at levels[page*pageSize:].
type page struct {
	number       int64  // tick >> pageBits
	used         uint64 // a bit for each level that holds an order
	below, above uint32 // neighbours in price order; below also links the free list
}

type ladder struct {
	pages  []page // pages[0] closes the ring of neighbours
	levels []level
	free   uint32
	live   int // pages in use
	order  directory
	recent [recentPages]uint32 // by the low bits of the number, checked against the page
}

// newLadder returns an empty ladder with room for a number of pages.
func newLadder(pages int) ladder {
	return ladder{
		pages:  append(make([]page, 0, 1+pages), page{number: noNumber}),
		levels: make([]level, pageSize, (1+pages)*pageSize),
		order:  newDirectory(),
	}
}

// tick returns the price of a level.
func (l *ladder) tick(at uint32) int64 {
	return l.pages[at>>pageBits].number<<pageBits | int64(at&pageMask)
}

// find returns the level of a price, or none when its page does not exist. A
// level that is returned may be empty.
func (l *ladder) find(tick int64) uint32 {
	number := tick >> pageBits
	p := l.recent[uint(number)%recentPages]
	if l.pages[p].number != number {
		if p = l.order.get(number); p == none {
			return none
		}
		l.recent[uint(number)%recentPages] = p
	}
	return p<<pageBits | uint32(tick&pageMask)
}

// open adds the page of a price, which must not exist, and returns the price's level.
// There must be room for a page.
func (l *ladder) open(tick int64) uint32 {
	number := tick >> pageBits
	p := l.free
	if p != none {
		l.free = l.pages[p].below
	} else {
		p = uint32(len(l.pages))
		l.pages = append(l.pages, page{})
		l.levels = append(l.levels, make([]level, pageSize)...)
	}
	below := l.order.put(number, p)
	above := l.pages[below].above
	l.pages[p] = page{number: number, below: below, above: above}
	l.pages[below].above = p
	l.pages[above].below = p
	l.live++
	l.recent[uint(number)%recentPages] = p
	return p<<pageBits | uint32(tick&pageMask)
}

// full reports whether all page numbers are used: 2^32 levels, which take 100 GB.
func (l *ladder) full() bool { return l.free == none && len(l.pages) == maxPages }

// mark notes that a level holds orders.
func (l *ladder) mark(at uint32) {
	l.pages[at>>pageBits].used |= 1 << (at & pageMask)
}

// clear notes that a level is empty, and frees its page when it was the last one in it.
func (l *ladder) clear(at uint32) {
	p := &l.pages[at>>pageBits]
	if p.used &^= 1 << (at & pageMask); p.used == 0 {
		l.close(at >> pageBits)
	}
}

func (l *ladder) close(at uint32) {
	p := &l.pages[at]
	l.order.drop(p.number)
	if r := &l.recent[uint(p.number)%recentPages]; *r == at {
		*r = none
	}
	l.pages[p.below].above = p.above
	l.pages[p.above].below = p.below
	*p = page{number: noNumber, below: l.free}
	l.free = at
	l.live--
}

// above returns the next level above a price that holds orders, or none.
func (l *ladder) above(at uint32) uint32 {
	p := at >> pageBits
	// The shift is in two steps because the level may be the page's last.
	higher := l.pages[p].used >> (at & pageMask) >> 1
	if higher != 0 {
		return at + 1 + uint32(bits.TrailingZeros64(higher))
	}
	if p = l.pages[p].above; p == none {
		return none
	}
	return p<<pageBits | uint32(bits.TrailingZeros64(l.pages[p].used))
}

// below returns the next level below a price that holds orders, or none.
func (l *ladder) below(at uint32) uint32 {
	p := at >> pageBits
	lower := l.pages[p].used << (pageMask - at&pageMask) << 1
	if lower != 0 {
		return at - 1 - uint32(bits.LeadingZeros64(lower))
	}
	if p = l.pages[p].below; p == none {
		return none
	}
	return p<<pageBits | uint32(pageMask-bits.LeadingZeros64(l.pages[p].used))
}

// beyond returns the next worse level of a side that holds orders, or none: below for
// bids, above for asks.
func (l *ladder) beyond(side int, at uint32) uint32 {
	if side == bids {
		return l.below(at)
	}
	return l.above(at)
}
