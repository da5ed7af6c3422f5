package door

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/peer"
)

// Anybody can open connections, and as many as the limits allow. Those over which nobody
// has been admitted within a time are ended, so that strangers cannot hold the places of
// users. One admitted call is enough: clients keep a connection open between their calls
// for as long as they like.
//
// Load balancers call the health service and are never admitted. A few connections of
// each network that were used for that within the time are kept.
//
// A connection to the gRPC port is closed by a timer. One to the HTTP port is not: its
// requests have limits of their own, and a scrape that is under way is not to fail. The
// server asks [Overdue] and makes its answer the last one.

const (
	// DefaultAdmission is the default of [Limits.Admission].
	DefaultAdmission = time.Minute
	// probersPerNetwork and probersTotal bound the connections that are kept because of
	// health checks.
	probersPerNetwork = 16
	probersTotal      = 256
	// publicStreams bounds the streams of one connection that need no admission.
	publicStreams = 4
)

// admission is what is known about the callers of a connection. Safe for concurrent use.
type admission struct {
	opened   time.Time
	limit    time.Duration // negative for none
	admitted atomic.Bool
	probed   atomic.Bool  // since the timer last fired
	watches  atomic.Int32 // health watches that are open
	streams  atomic.Int32 // public streams that are open, watches included

	end func() // ends the timer and the place among the probers
}

// Admitted records that the caller of a call was admitted, so that the call's connection
// is kept. It takes the contexts of both ports and is cheap.
func Admitted(ctx context.Context) {
	if a := admissionOf(ctx); a != nil && !a.admitted.Load() && a.admitted.CompareAndSwap(false, true) {
		a.end()
	}
}

// WasAdmitted says whether a call of the connection of ctx was admitted.
func WasAdmitted(ctx context.Context) bool {
	a := admissionOf(ctx)
	return a != nil && a.admitted.Load()
}

// Overdue says whether the connection of a call is older than it may be without an
// admitted call, and has had none.
func Overdue(ctx context.Context) bool {
	a := admissionOf(ctx)
	return a != nil && a.limit >= 0 && !a.admitted.Load() && time.Since(a.opened) >= a.limit
}

// Probed records a call of the health service.
func Probed(ctx context.Context) {
	if a := admissionOf(ctx); a != nil {
		a.probed.Store(true)
	}
}

// PublicStream counts a stream that needs no admission; false if its connection has too
// many. Otherwise leave must be called at the end of the stream. A watch of the health
// service counts as a probe while it is open.
func PublicStream(ctx context.Context, watch bool) (leave func(), ok bool) {
	a := admissionOf(ctx)
	if a == nil {
		return func() {}, true
	}
	watches := int32(0)
	if watch {
		watches = 1
	}
	leave = func() {
		a.streams.Add(-1)
		a.watches.Add(-watches)
	}
	a.watches.Add(watches)
	if a.streams.Add(1) > publicStreams {
		leave()
		return nil, false
	}
	return leave, true
}

// admissionOf returns the admission of the connection of a call, or nil.
func admissionOf(ctx context.Context) *admission {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(addr); ok {
			return a.admission
		}
	}
	a, _ := ctx.Value(connKey{}).(addr)
	return a.admission
}

// probers counts the connections that are kept because of health checks.
type probers struct {
	total    int
	networks map[string]int
}

// enter counts a connection of a network; false if there are too many.
func (p *probers) enter(network string) bool {
	if p.total >= probersTotal || p.networks[network] >= probersPerNetwork {
		return false
	}
	p.total++
	p.networks[network]++
	return true
}

func (p *probers) leave(network string) {
	p.total--
	if p.networks[network]--; p.networks[network] == 0 {
		delete(p.networks, network)
	}
}

// admit begins the time in which somebody must be admitted over a connection. If timed,
// the connection is closed after it.
func (l *Limiter) admit(c *conn, timed bool) {
	a := &admission{opened: time.Now(), limit: l.limits.Admission, end: func() {}}
	c.admission = a
	if !timed || a.limit < 0 {
		return
	}
	network := c.network
	var timer *time.Timer
	ended, kept := false, false // protected by l.mu, as timer is
	a.end = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		ended = true
		timer.Stop()
		if kept {
			kept = false
			l.probers.leave(network)
		}
	}
	expire := func() (late bool) {
		probing := a.probed.Swap(false) || a.watches.Load() > 0
		l.mu.Lock()
		defer l.mu.Unlock()
		if ended {
			return false
		}
		if probing && (kept || l.probers.enter(network)) {
			kept = true
			timer.Reset(a.limit)
			return false
		}
		l.unadmitted++
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	timer = time.AfterFunc(a.limit, func() {
		if expire() {
			_ = c.Close() // The peer is not waited for.
		}
	})
}
