package account

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// stripes is how many groups of users have a place of their own in the gate.
const stripes = 256

// gate decides who may hash a password now. It bounds three things: how many
// hashes run at once (each takes megabytes), how many calls wait for that, and
// how long. It also admits one check at a time per user, so that a failure is
// counted before the next guess is looked at: a hundred guesses sent at once are
// worth no more than a hundred sent one after the other. And one network address
// may fill only a part of the queue, so that a flood from one source leaves room for
// everybody else.
type gate struct {
	seed    maphash.Seed
	users   [stripes]chan struct{}
	running chan struct{}
	queue   int
	share   int // Of the queue that one network may fill; negative for all of it.
	wait    time.Duration

	mu       sync.Mutex // Protects what follows.
	waiting  int
	networks map[string]int // Those with a call that waits; at most queue.
}

func newGate(concurrency, queue, share int, wait time.Duration) *gate {
	g := &gate{
		seed:     maphash.MakeSeed(),
		running:  make(chan struct{}, concurrency),
		queue:    queue,
		share:    share,
		wait:     wait,
		networks: map[string]int{},
	}
	for i := range g.users {
		g.users[i] = make(chan struct{}, 1)
	}
	return g
}

// enter waits for the user's turn and then for a free hash. network is where the
// call comes from, "" for nowhere that counts. The caller must call leave. Errors:
// ErrBusy when too many wait or it takes too long, or ctx's cause.
//
// Users share a turn when their names fall on the same stripe. That costs them
// some milliseconds, and saves a map that a flood of names could fill.
func (g *gate) enter(ctx context.Context, user, network string) (leave func(), err error) {
	if !g.lineUp(network) {
		return nil, ErrBusy
	}
	defer g.stepOut(network)
	timer := time.NewTimer(g.wait)
	defer timer.Stop()

	turn := g.users[maphash.String(g.seed, user)%stripes]
	if err := take(ctx, turn, timer); err != nil {
		return nil, err
	}
	if err := take(ctx, g.running, timer); err != nil {
		<-turn
		return nil, err
	}
	return func() { <-g.running; <-turn }, nil
}

// lineUp takes a place in the queue; false if there is none for the network.
func (g *gate) lineUp(network string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= g.queue || network != "" && g.share >= 0 && g.networks[network] >= g.share {
		return false
	}
	g.waiting++
	if network != "" {
		g.networks[network]++
	}
	return true
}

func (g *gate) stepOut(network string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	if network == "" {
		return
	}
	if g.networks[network]--; g.networks[network] == 0 {
		delete(g.networks, network)
	}
}

// length returns how many calls wait.
func (g *gate) length() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

func take(ctx context.Context, slot chan struct{}, timer *time.Timer) error {
	select {
	case slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ErrBusy
	}
}
