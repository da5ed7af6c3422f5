package engine

import "container/heap"

// deadline is a time at which something of the state ends unless it has ended
// before: an order now; a quote or a request is a further kind.
type deadline struct {
	at    int64 // nanoseconds since 1970
	kind  deadlineKind
	id    uint64 // of what ends, among its kind
	place int    // in the heap
}

// deadlineKind says what ends.
type deadlineKind uint8

const orderExpires deadlineKind = iota

// deadlines is a heap by time, then by kind and id, so that ties are settled the same
// way everywhere. Each knows its place, so that it can leave before it is due.
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
// limit. It changes nothing: it walks from the top of the heap down.
func (d deadlines) due(now int64, limit int) []*deadline {
	var all []*deadline
	next := frontier{heap: d}
	next.enter(0)
	for len(next.places) > 0 && len(all) < limit {
		place := heap.Pop(&next).(int)
		if d[place].at > now {
			break
		}
		all = append(all, d[place])
		next.enter(2*place + 1)
		next.enter(2*place + 2)
	}
	return all
}

// Len and the methods below are for package heap alone.
func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	x, y := d[i], d[j]
	if x.at != y.at {
		return x.at < y.at
	}
	return x.kind < y.kind || x.kind == y.kind && x.id < y.id
}

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

// frontier is a heap of places in a heap: those whose parent was visited.
type frontier struct {
	heap   deadlines
	places []int
}

func (f *frontier) enter(place int) {
	if place < len(f.heap) {
		heap.Push(f, place)
	}
}

// Len and the methods below are for package heap alone.
func (f *frontier) Len() int           { return len(f.places) }
func (f *frontier) Less(i, j int) bool { return f.heap.Less(f.places[i], f.places[j]) }
func (f *frontier) Swap(i, j int)      { f.places[i], f.places[j] = f.places[j], f.places[i] }
func (f *frontier) Push(x any)         { f.places = append(f.places, x.(int)) }

func (f *frontier) Pop() any {
	last := f.places[len(f.places)-1]
	f.places = f.places[:len(f.places)-1]
	return last
}
