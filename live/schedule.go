package live

import (
	"container/heap"
	"time"
)

// schedule says which subjects are to be looked at next. Each is in it once, at the
// earliest time that it was planned for; a later time is found when that one comes.
// The zero schedule is empty.
type schedule struct{ subjects []*subject }

// idle is how long to sleep when nothing is planned.
const idle = time.Hour

// plan has s looked at no later than at, and reports whether that is now the
// earliest entry.
func (l *schedule) plan(s *subject, at time.Time) (earliest bool) {
	switch {
	case s.place == 0:
		s.due = at
		heap.Push(l, s)
	case at.Before(s.due):
		s.due = at
		heap.Fix(l, s.place-1)
	}
	return s.place == 1
}

// next takes out and returns a subject that is due, or nil.
func (l *schedule) next(now time.Time) *subject {
	if len(l.subjects) == 0 || l.subjects[0].due.After(now) {
		return nil
	}
	return heap.Pop(l).(*subject) //nolint:forcetypeassert // Push puts nothing else in
}

// wait is how long until the earliest entry is due.
func (l *schedule) wait(now time.Time) time.Duration {
	if len(l.subjects) == 0 {
		return idle
	}
	return max(0, l.subjects[0].due.Sub(now))
}

// Len, Less, Swap, Push and Pop are [heap.Interface].

// Len returns how many subjects are planned.
func (l *schedule) Len() int { return len(l.subjects) }

// Less orders by time.
func (l *schedule) Less(i, j int) bool { return l.subjects[i].due.Before(l.subjects[j].due) }

// Swap exchanges two entries.
func (l *schedule) Swap(i, j int) {
	l.subjects[i], l.subjects[j] = l.subjects[j], l.subjects[i]
	l.subjects[i].place, l.subjects[j].place = i+1, j+1
}

// Push appends an entry.
func (l *schedule) Push(x any) {
	s := x.(*subject) //nolint:forcetypeassert // plan pushes nothing else
	l.subjects = append(l.subjects, s)
	s.place = len(l.subjects)
}

// Pop takes the last entry out.
func (l *schedule) Pop() any {
	last := len(l.subjects) - 1
	s := l.subjects[last]
	l.subjects[last] = nil
	l.subjects = l.subjects[:last]
	s.place = 0
	return s
}
