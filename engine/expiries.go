package engine

import (
	"container/heap"

	"todoku/trade"
)

// expiries orders the GTD orders by when they end. An order that ended otherwise
// stays in it until its time comes: looking it up then costs less than searching
// the heap now.
type expiries struct{ heap expiryHeap }

type expiry struct {
	at int64
	id trade.OrderID
}

func (e *expiries) add(at int64, id trade.OrderID) { heap.Push(&e.heap, expiry{at, id}) }

// first returns the earliest time at which one of the orders ends. It forgets
// those that no longer work or end at another time.
func (e *expiries) first(orders map[trade.OrderID]*order) (at int64, ok bool) {
	for len(e.heap) > 0 {
		top := e.heap[0]
		if o := orders[top.id]; o != nil && o.Expire == top.at {
			return top.at, true
		}
		heap.Pop(&e.heap)
	}
	return 0, false
}

// due takes out the orders that end at or before a time, the earliest first.
func (e *expiries) due(now int64, orders map[trade.OrderID]*order) []*order {
	var all []*order
	for {
		at, ok := e.first(orders)
		if !ok || at > now {
			return all
		}
		all = append(all, orders[e.heap[0].id])
		heap.Pop(&e.heap)
	}
}

// expiryHeap is a min-heap by time, then by id so that ties are settled the same
// way everywhere.
type expiryHeap []expiry

func (h expiryHeap) Len() int { return len(h) }
func (h expiryHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].id < h[j].id
}
func (h expiryHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push and Pop are for package heap alone.
func (h *expiryHeap) Push(x any) { *h = append(*h, x.(expiry)) }

func (h *expiryHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
