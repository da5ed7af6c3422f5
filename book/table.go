package book

// table finds a resting order's slot by its id.
//
// It is an open-addressing table with linear probing and without tombstones. It holds
// only the resting orders, so its size depends on the book and not on the number of ids
// so far, and it stays in the cache. An array over all ids was tried and was half as
// fast because of cache misses. A cell holds only the low half of the id; its slot holds
// the whole id and decides between equal halves.
type table struct {
	cells []cell // a power of two, at most half full
	shift uint8  // 64 - log2(len(cells))
	used  int
}

type cell struct {
	tag uint32 // low half of the id
	at  uint32 // slot, none when the cell is free
}

// firstCells is log2 of the cells of an empty book: 1 KiB.
const firstCells = 7

// newTable returns a table that takes the given number of orders before it grows.
func newTable(orders int) table {
	size, shift := 1<<firstCells, uint8(64-firstCells)
	for size < 2*orders {
		size *= 2
		shift--
	}
	return table{cells: make([]cell, size), shift: shift}
}

func (t *table) home(tag uint32) uint {
	return uint(uint64(tag) * 0x9E3779B97F4A7C15 >> (t.shift & 63))
}

// get returns the slot of id, or none.
func (t *table) get(id uint64, slots []slot) uint32 {
	cells := t.cells
	mask := uint(len(cells) - 1)
	for i := t.home(uint32(id)); ; i++ {
		c := cells[i&mask]
		if c.at == none || c.tag == uint32(id) && slots[c.at].id == id {
			return c.at
		}
	}
}

// put adds id with its slot and reports whether it was new; otherwise it changes nothing.
func (t *table) put(id uint64, at uint32, slots []slot) bool {
	if 2*(t.used+1) > len(t.cells) {
		t.grow()
	}
	cells := t.cells
	mask := uint(len(cells) - 1)
	for i := t.home(uint32(id)); ; i++ {
		c := &cells[i&mask]
		if c.at == none {
			*c = cell{tag: uint32(id), at: at}
			t.used++
			return true
		}
		if c.tag == uint32(id) && slots[c.at].id == id {
			return false
		}
	}
}

func (t *table) grow() {
	old := t.cells
	t.cells = make([]cell, 2*len(old))
	t.shift--
	mask := uint(len(t.cells) - 1)
	for _, c := range old {
		if c.at == none {
			continue
		}
		i := t.home(c.tag)
		for t.cells[i&mask].at != none {
			i++
		}
		t.cells[i&mask] = c
	}
}

// drop removes id, which must be at the slot.
func (t *table) drop(id uint64, at uint32) {
	t.used--
	cells := t.cells
	mask := uint(len(cells) - 1)
	i := t.home(uint32(id)) & mask
	for cells[i&mask].at != at {
		i++
	}
	i &= mask
	for j := (i + 1) & mask; cells[j&mask].at != none; j = (j + 1) & mask {
		// A cell moves back into the gap unless its home is after the gap: a search for it
		// would not pass there.
		if c := cells[j&mask]; (j-t.home(c.tag))&mask >= (j-i)&mask {
			cells[i&mask] = c
			i = j
		}
	}
	cells[i&mask] = cell{}
}
