package account

import (
	"context"
	"slices"
	"sync"
	"time"
)

// gate decides who may hash a password now. It bounds how many hashes run at once (each
// takes megabytes), how many calls wait for that, and how long. Nobody can fill it for
// the others:
//
//   - One check per user runs at a time, so that a failure is counted before the next
//     guess is looked at: a hundred guesses sent at once are worth no more than a hundred
//     sent one after the other.
//   - Of each caller ([visit]) one change of password waits, or signInsWaiting sign-ins,
//     as programs of one user may start together. The next is refused at once.
//   - One network may take only a share of the places, and all newcomers together leave
//     a quarter of them.
//   - Callers who are known go first.
type gate struct {
	concurrency int
	queue       int
	share       int // Of the queue that one network may fill; negative for all of it.
	wait        time.Duration

	mu      sync.Mutex // Protects what follows.
	checked map[string]bool
	waiting []*turn // In the order of arrival; at most queue.
}

// signInsWaiting is how many sign-ins of one user from one network wait.
const signInsWaiting = 8

// visit is who asks for a password check. Two equal ones are the same caller.
type visit struct {
	kind    visitKind
	user    string
	network string // [Network], "" for one that is not known.
}

type visitKind int

const (
	newcomer visitKind = iota // A sign-in of a user from a network that is new for the user.
	known                     // A sign-in from a network where the user signed in before.
	inside                    // A caller who is signed in: a change of password.
	staff                     // An administrator, who sets the user's password.
)

// turn is a call that waits.
type turn struct {
	visit
	come chan struct{} // closed when the check may run
}

func newGate(concurrency, queue, share int, wait time.Duration) *gate {
	return &gate{concurrency: concurrency, queue: queue, share: share, wait: wait, checked: map[string]bool{}}
}

// enter waits until the user's password may be checked. The caller must call leave.
// Errors: ErrBusy when too many wait or it takes too long, or ctx's cause.
func (g *gate) enter(ctx context.Context, v visit) (leave func(), err error) {
	t, err := g.lineUp(v)
	if err != nil {
		return nil, err
	}
	leave = func() { g.leave(v.user) }
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-t.come:
		return leave, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = ErrBusy
	}
	if g.giveUp(t) {
		return nil, err
	}
	return leave, nil // Its turn came at the same moment.
}

// lineUp takes a place in the queue, or ErrBusy.
func (g *gate) lineUp(v visit) (*turn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &turn{visit: v, come: make(chan struct{})}
	if len(g.checked) < g.concurrency && !g.checked[v.user] {
		g.run(t)
		return t, nil
	}
	newcomers, ofNetwork, own := 0, 0, 0
	for _, other := range g.waiting {
		if other.same(v) {
			own++
		}
		if other.kind == newcomer {
			newcomers++
		}
		// Callers who are known do not lose their share to newcomers on the same network.
		if other.network == v.network && (other.kind == newcomer) == (v.kind == newcomer) {
			ofNetwork++
		}
	}
	if own >= signInsWaiting || own > 0 && v.kind >= inside ||
		len(g.waiting) >= g.queue || g.share >= 0 && v.network != "" && ofNetwork >= g.share ||
		v.kind == newcomer && newcomers >= g.queue-g.queue/4 {
		return nil, ErrBusy
	}
	g.waiting = append(g.waiting, t)
	return t, nil
}

// same reports whether two visits are of one caller. A user who is signed in is one
// caller wherever the calls come from.
func (v visit) same(other visit) bool {
	return v.kind == other.kind && v.user == other.user && (v.kind == inside || v.network == other.network)
}

// run is called with mu held.
func (g *gate) run(t *turn) {
	g.checked[t.user] = true
	close(t.come)
}

func (g *gate) leave(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.checked, user)
	g.next()
}

// giveUp leaves the queue; false if the turn has come.
func (g *gate) giveUp(t *turn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, t)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

// next lets the first run for whom there is room; it is called with mu held.
func (g *gate) next() {
	for _, newcomers := range []bool{false, true} {
		for i := 0; i < len(g.waiting) && len(g.checked) < g.concurrency; {
			t := g.waiting[i]
			if (t.kind == newcomer) != newcomers || g.checked[t.user] {
				i++
				continue
			}
			g.waiting = slices.Delete(g.waiting, i, i+1)
			g.run(t)
		}
	}
}

// length returns how many calls wait.
func (g *gate) length() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
