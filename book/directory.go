package book

import "slices"

// directory keeps the pages of a ladder in price order.
//
// It is a sorted list in runs of bounded length. One sorted slice would be enough for
// usual prices (a page covers 64 ticks, so a run covers thousands). But when a client
// spreads orders over a huge range of prices, every new page would move the whole slice;
// with runs it moves at most 2 KiB.
type directory struct {
	runs  [][]entry
	spare [][]entry // emptied runs, kept for the next split

	// The last result of floor, until a page is added or removed; asked is noNumber when
	// there is none. A page is searched before it is opened, so many searches repeat the
	// one before (6 % of the time of a message in a book with many gaps). A search without
	// branches was tried and is slower.
	asked      int64
	run, place int
}

type entry struct {
	number int64 // of the page
	page   uint32
}

// runLength bounds a run: a longer one is split in halves, and neighbours that fit into
// one half are joined. The distance between the two bounds prevents repeated splitting
// and joining in a book that grows and shrinks a little.
const runLength = 128

// spareRuns is the number of emptied runs that are kept for reuse.
const spareRuns = 8

func newDirectory() directory { return directory{asked: noNumber} }

// floor returns the run and the place in it of the last entry whose number is at
// most the given one. The place is -1 when there is none; the run is then 0.
func (d *directory) floor(number int64) (run, place int) {
	if number != d.asked {
		d.asked = number
		d.run, d.place = d.search(number)
	}
	return d.run, d.place
}

func (d *directory) search(number int64) (run, place int) {
	low, high := 0, len(d.runs)
	for low < high {
		if mid := int(uint(low+high) >> 1); d.runs[mid][0].number <= number {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return 0, -1
	}
	run = low - 1
	entries := d.runs[run]
	low, high = 0, len(entries)
	for low < high {
		if mid := int(uint(low+high) >> 1); entries[mid].number <= number {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return run, low - 1
}

// get returns the page with a number, or none.
func (d *directory) get(number int64) uint32 {
	run, place := d.floor(number)
	if place >= 0 && d.runs[run][place].number == number {
		return d.runs[run][place].page
	}
	return none
}

// put adds a page with a new number and returns the page below it, or none when it is
// the lowest.
func (d *directory) put(number int64, page uint32) (below uint32) {
	run, place := d.floor(number)
	if place >= 0 {
		below = d.runs[run][place].page
	}
	if len(d.runs) == 0 {
		d.runs = append(d.runs, d.newRun())
	}
	d.asked = noNumber
	if len(d.runs[run]) == runLength {
		d.split(run)
		if place >= runLength/2 {
			run, place = run+1, place-runLength/2
		}
	}
	d.runs[run] = slices.Insert(d.runs[run], place+1, entry{number: number, page: page})
	return below
}

// drop removes the page with a number, which must exist.
func (d *directory) drop(number int64) {
	run, place := d.floor(number)
	d.runs[run] = slices.Delete(d.runs[run], place, place+1)
	d.asked = noNumber
	if d.join(run); run > 0 {
		d.join(run - 1)
	}
}

// split moves the upper half of a full run into a new one behind it.
func (d *directory) split(run int) {
	upper := append(d.newRun(), d.runs[run][runLength/2:]...)
	d.runs[run] = d.runs[run][:runLength/2]
	d.runs = slices.Insert(d.runs, run+1, upper)
}

// join appends the next run to this one when both together fill no more than half
// a run, and removes this one when it is the last and empty.
func (d *directory) join(run int) {
	gone := run
	switch next := run + 1; {
	case next < len(d.runs) && len(d.runs[run])+len(d.runs[next]) <= runLength/2:
		d.runs[run] = append(d.runs[run], d.runs[next]...)
		gone = next
	case len(d.runs[run]) > 0:
		return
	}
	if len(d.spare) < spareRuns {
		d.spare = append(d.spare, d.runs[gone][:0])
	}
	d.runs = slices.Delete(d.runs, gone, gone+1)
}

func (d *directory) newRun() []entry {
	if last := len(d.spare) - 1; last >= 0 {
		run := d.spare[last]
		d.spare = d.spare[:last]
		return run
	}
	return make([]entry, 0, runLength)
}
