package book

import "fmt"

// check walks the whole book and returns the first of its invariants that does
// not hold. Tests call it after every command.
func (b *Book) check() error {
	bid, ask := b.best[bids], b.best[asks]
	if bid.level != none && ask.level != none && bid.tick >= ask.tick {
		return fmt.Errorf("crossed: bid %d, ask %d", bid.tick, ask.tick)
	}
	levels, err := b.checkPages()
	if err != nil {
		return err
	}
	seen := make([]bool, len(b.slots))
	live := 0
	for _, at := range levels {
		n, err := b.checkQueue(at, seen)
		if err != nil {
			return fmt.Errorf("level %d: %w", b.ladder.tick(at), err)
		}
		live += n
	}
	if err := b.checkTouch(levels); err != nil {
		return err
	}
	if err := b.checkFreeSlots(seen, live); err != nil {
		return err
	}
	return b.checkIndex(live)
}

// checkPages walks the ring of pages upward and returns the levels in use.
func (b *Book) checkPages() ([]uint32, error) {
	l := &b.ladder
	var levels []uint32
	state := make([]bool, len(l.pages))
	state[0] = true
	walked, below := 0, uint32(none)
	for p := l.pages[0].above; p != none; p = l.pages[p].above {
		head := l.pages[p]
		switch {
		case head.used == 0:
			return nil, fmt.Errorf("page %d is open and empty", head.number)
		case head.below != below:
			return nil, fmt.Errorf("page %d: broken ring", head.number)
		case below != none && l.pages[below].number >= head.number:
			return nil, fmt.Errorf("pages %d and %d out of order", l.pages[below].number, head.number)
		case l.order.get(head.number) != p:
			return nil, fmt.Errorf("page %d is not in the directory", head.number)
		}
		for i := range uint32(pageSize) {
			at := p<<pageBits | i
			marked := head.used>>i&1 == 1
			if marked != (l.levels[at].head != none) || !marked && l.levels[at] != (level{}) {
				return nil, fmt.Errorf("page %d: bit %d disagrees with its level %+v", head.number, i, l.levels[at])
			}
			if marked {
				levels = append(levels, at)
			}
		}
		state[p] = true
		below = p
		walked++
	}
	if l.pages[0].below != below || walked != l.live {
		return nil, fmt.Errorf("ring holds %d pages, %d are live", walked, l.live)
	}
	for p := l.free; p != none; p = l.pages[p].below {
		if state[p] {
			return nil, fmt.Errorf("free page %d is in use or twice free", p)
		}
		state[p] = true
		walked++
	}
	if walked+1 != len(l.pages) || len(l.levels) != len(l.pages)*pageSize {
		return nil, fmt.Errorf("%d pages, of which %d are live or free", len(l.pages)-1, walked)
	}
	for i, p := range l.recent {
		if p != none && l.order.get(l.pages[p].number) != p {
			return nil, fmt.Errorf("recent page %d is not open", i)
		}
	}
	return levels, l.order.check(l.live)
}

func (d *directory) check(live int) error {
	last, count := int64(noNumber), 0
	for _, run := range d.runs {
		if len(run) == 0 || cap(run) != runLength {
			return fmt.Errorf("directory run of %d in %d", len(run), cap(run))
		}
		for _, e := range run {
			if e.number <= last {
				return fmt.Errorf("directory out of order at %d", e.number)
			}
			last = e.number
			count++
		}
	}
	if count != live {
		return fmt.Errorf("directory holds %d pages of %d", count, live)
	}
	return nil
}

// checkQueue walks one level, marks its slots and returns their number.
func (b *Book) checkQueue(at uint32, seen []bool) (int, error) {
	l := b.ladder.levels[at]
	var total int64
	n, prev := 0, uint32(none)
	for s := l.head; s != none; s = b.slots[s].next {
		o := b.slots[s]
		switch {
		case seen[s]:
			return 0, fmt.Errorf("slot %d is queued twice", s)
		case o.prev != prev:
			return 0, fmt.Errorf("order %d: broken queue", o.id)
		case o.level != at:
			return 0, fmt.Errorf("order %d says level %d", o.id, o.level)
		case o.left <= 0:
			return 0, fmt.Errorf("order %d has %d left", o.id, o.left)
		case b.index.get(o.id, b.slots) != s:
			return 0, fmt.Errorf("order %d is not in the index", o.id)
		}
		seen[s] = true
		total += o.left
		prev = s
		n++
	}
	if l.tail != prev || l.total != total || int(l.orders) != n {
		return 0, fmt.Errorf("%+v, but it queues %d orders of %d, the last in %d", l, n, total, prev)
	}
	return n, nil
}

// checkTouch compares the best prices with the levels in use, lowest first: the
// two must be neighbours with every other bid below and every other ask above.
func (b *Book) checkTouch(levels []uint32) error {
	for i, at := range levels {
		lower, upper := uint32(none), uint32(none)
		if i > 0 {
			lower = levels[i-1]
		}
		if i+1 < len(levels) {
			upper = levels[i+1]
		}
		if b.ladder.below(at) != lower || b.ladder.above(at) != upper {
			return fmt.Errorf("neighbours of level %d are wrong", b.ladder.tick(at))
		}
	}
	boundary := 0 // the number of bid levels
	if bid := b.best[bids]; bid.level != none {
		for boundary < len(levels) && levels[boundary] != bid.level {
			boundary++
		}
		if boundary++; boundary > len(levels) || bid.tick != b.ladder.tick(bid.level) {
			return fmt.Errorf("best bid %+v is no level", bid)
		}
	}
	if boundary == len(levels) {
		if b.best[asks] != (touch{}) {
			return fmt.Errorf("best ask %+v of no asks", b.best[asks])
		}
		return nil
	}
	if want := levels[boundary]; b.best[asks] != (touch{level: want, tick: b.ladder.tick(want)}) {
		return fmt.Errorf("best ask %+v, want %d", b.best[asks], b.ladder.tick(want))
	}
	return nil
}

func (b *Book) checkFreeSlots(seen []bool, live int) error {
	for s := b.free; s != none; s = b.slots[s].next {
		if seen[s] {
			return fmt.Errorf("free slot %d is in use or twice free", s)
		}
		seen[s] = true
		live++
	}
	if live+1 != len(b.slots) {
		return fmt.Errorf("%d slots, of which %d are live or free", len(b.slots)-1, live)
	}
	return nil
}

func (b *Book) checkIndex(live int) error {
	used := 0
	for _, c := range b.index.cells {
		if c.at != none {
			used++
		}
	}
	if used != live || b.index.used != live || 2*used > len(b.index.cells) {
		return fmt.Errorf("index holds %d of %d orders and says %d, in %d cells", used, live, b.index.used, len(b.index.cells))
	}
	return nil
}
