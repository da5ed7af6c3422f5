package engine

import "container/heap"

// expiries holds the GTD orders by when they end: a heap by time, then by id so
// that ties are settled the same way everywhere. Each order knows its place, so
// that it leaves the heap when it ends otherwise.
type expiries []*order

func (e *expiries) add(o *order) { heap.Push(e, o) }

func (e *expiries) remove(o *order) { heap.Remove(e, o.expiry) }

// first returns the earliest time at which one of the orders ends.
func (e expiries) first() (at int64, ok bool) {
	if len(e) == 0 {
		return 0, false
	}
	return e[0].Expire, true
}

// due returns the orders that end at or before a time, the earliest first and no
// more than a limit. It changes nothing: it walks from the top of the heap down.
func (e expiries) due(now int64, limit int) []*order {
	var all []*order
	next := frontier{heap: e}
	next.enter(0)
	for len(next.places) > 0 && len(all) < limit {
		place := heap.Pop(&next).(int)
		if e[place].Expire > now {
			break
		}
		all = append(all, e[place])
		next.enter(2*place + 1)
		next.enter(2*place + 2)
	}
	return all
}

// Len and the methods below are for package heap alone.
func (e expiries) Len() int { return len(e) }

func (e expiries) Less(i, j int) bool {
	return e[i].Expire < e[j].Expire || e[i].Expire == e[j].Expire && e[i].ID < e[j].ID
}

func (e expiries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].expiry, e[j].expiry = i, j
}

func (e *expiries) Push(x any) {
	o := x.(*order)
	o.expiry = len(*e)
	*e = append(*e, o)
}

func (e *expiries) Pop() any {
	all := *e
	last := all[len(all)-1]
	all[len(all)-1] = nil
	*e = all[:len(all)-1]
	return last
}

// frontier is a heap of places in a heap: those whose parent was visited.
type frontier struct {
	heap   expiries
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
