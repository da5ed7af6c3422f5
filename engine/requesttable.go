package engine

import "iter"

// requestTable finds numbers by hash: open addressing with linear probing and no
// tombstones, at most three quarters full.
type requestTable struct {
	cells []requestCell // a power of two
	used  int
}

type requestCell struct {
	hash   uint64 // 0 when the cell is free
	number uint64
}

const smallestTable = 16

// home is where the search for a hash begins. The top bits have chosen the table.
func (t *requestTable) home(hash uint64) int { return int(hash>>1) & (len(t.cells) - 1) }

// numbers yields the numbers that were added with a hash.
func (t *requestTable) numbers(hash uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if len(t.cells) == 0 {
			return
		}
		mask := len(t.cells) - 1
		for i := t.home(hash); t.cells[i].hash != 0; i = (i + 1) & mask {
			if t.cells[i].hash == hash && !yield(t.cells[i].number) {
				return
			}
		}
	}
}

func (t *requestTable) put(hash, number uint64) {
	if 4*(t.used+1) > 3*len(t.cells) {
		t.resize(max(smallestTable, 2*len(t.cells)))
	}
	mask := len(t.cells) - 1
	i := t.home(hash)
	for t.cells[i].hash != 0 {
		i = (i + 1) & mask
	}
	t.cells[i] = requestCell{hash, number}
	t.used++
}

// drop removes a number, which must be in the table.
func (t *requestTable) drop(hash, number uint64) {
	mask := len(t.cells) - 1
	i := t.home(hash)
	for t.cells[i] != (requestCell{hash, number}) {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.cells[j].hash != 0; j = (j + 1) & mask {
		// A cell moves back into the gap unless its home is after the gap: a search for it
		// would not pass there.
		if (j-t.home(t.cells[j].hash))&mask >= (j-i)&mask {
			t.cells[i] = t.cells[j]
			i = j
		}
	}
	t.cells[i] = requestCell{}
	t.used--
}

// shrink releases memory when little of it is used.
func (t *requestTable) shrink() {
	switch {
	case t.used == 0:
		t.cells = nil
	case len(t.cells) > smallestTable && 8*t.used < len(t.cells):
		t.resize(len(t.cells) / 4)
	}
}

func (t *requestTable) resize(size int) {
	old := t.cells
	t.cells, t.used = make([]requestCell, size), 0
	for _, c := range old {
		if c.hash != 0 {
			t.put(c.hash, c.number)
		}
	}
}
