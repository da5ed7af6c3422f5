package rpc

import (
	"container/heap"
	"time"
)

// agenda says which visits are to be looked at next. Each stands in it once, at
// the earliest time that it was planned for: putting one off costs nothing, it is
// found out when the entry comes due. The zero agenda is empty.
type agenda struct{ visits []*visit }

// visit is a user or a session, by how many streams it has.
type visit struct {
	streams int

	// One of the two is set.
	ofUser    *presentUser
	ofSession *presentSession

	// Of the agenda: when, and the place in the heap counted from 1; 0 when not
	// in it.
	at    time.Time
	place int
}

// idle is how long to sleep when nothing is planned.
const idle = time.Hour

// plan has v looked at no later than at, and says whether that is now the
// earliest entry.
func (a *agenda) plan(v *visit, at time.Time) (earliest bool) {
	switch {
	case v.place == 0:
		v.at = at
		heap.Push(a, v)
	case at.Before(v.at):
		v.at = at
		heap.Fix(a, v.place-1)
	}
	return v.place == 1
}

// next takes out and returns a visit that is due, or nil.
func (a *agenda) next(now time.Time) *visit {
	if len(a.visits) == 0 || a.visits[0].at.After(now) {
		return nil
	}
	return heap.Pop(a).(*visit) //nolint:forcetypeassert // Push puts nothing else in
}

// wait is how long until the earliest entry is due.
func (a *agenda) wait(now time.Time) time.Duration {
	if len(a.visits) == 0 {
		return idle
	}
	return max(0, a.visits[0].at.Sub(now))
}

// Len, Less, Swap, Push and Pop are [heap.Interface].

// Len returns how many visits are planned.
func (a *agenda) Len() int { return len(a.visits) }

// Less orders by time.
func (a *agenda) Less(i, j int) bool { return a.visits[i].at.Before(a.visits[j].at) }

// Swap exchanges two entries.
func (a *agenda) Swap(i, j int) {
	a.visits[i], a.visits[j] = a.visits[j], a.visits[i]
	a.visits[i].place, a.visits[j].place = i+1, j+1
}

// Push appends an entry.
func (a *agenda) Push(x any) {
	v := x.(*visit) //nolint:forcetypeassert // plan pushes nothing else
	a.visits = append(a.visits, v)
	v.place = len(a.visits)
}

// Pop takes the last entry out.
func (a *agenda) Pop() any {
	last := len(a.visits) - 1
	v := a.visits[last]
	a.visits[last] = nil
	a.visits = a.visits[:last]
	v.place = 0
	return v
}
