package engine

import (
	"cmp"
	"container/heap"
	"slices"
)

// deadline is when something in the state ends, unless it has ended before.
type deadline struct {
	at    int64 // nanoseconds since 1970
	kind  deadlineKind
	id    uint64 // of what ends, among its kind
	place int    // index in the heap
}

// deadlineKind says what ends.
type deadlineKind uint8

const orderExpires deadlineKind = iota

// deadlines is a heap by time, then by kind and id, so that the order of equal times is
// the same everywhere. Each knows its place, so that it can be removed before it is due.
type deadlines []*deadline

func (d *deadlines) add(e *deadline) { heap.Push(d, e) }

func (d *deadlines) remove(e *deadline) { heap.Remove(d, e.place) }

// first returns the earliest of them.
func (d deadlines) first() (at int64, ok bool) {
	if len(d) == 0 {
		return 0, false
	}
	return d[0].at, true
}

// due returns those at or before a time, the earliest first and no more than a
// limit. It changes nothing.
func (d deadlines) due(now int64, limit int) []*deadline {
	var all []*deadline
	var visit func(place int)
	visit = func(place int) {
		if place < len(d) && d[place].at <= now {
			all = append(all, d[place])
			visit(2*place + 1)
			visit(2*place + 2)
		}
	}
	visit(0)
	slices.SortFunc(all, (*deadline).compare)
	return all[:min(limit, len(all))]
}

func (e *deadline) compare(other *deadline) int {
	return cmp.Or(cmp.Compare(e.at, other.at), cmp.Compare(e.kind, other.kind), cmp.Compare(e.id, other.id))
}

// Len and the methods below are for package heap alone.
func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool { return d[i].compare(d[j]) < 0 }

func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *deadlines) Push(x any) {
	e := x.(*deadline)
	e.place = len(*d)
	*d = append(*d, e)
}

func (d *deadlines) Pop() any {
	all := *d
	last := all[len(all)-1]
	all[len(all)-1] = nil
	*d = all[:len(all)-1]
	return last
}
