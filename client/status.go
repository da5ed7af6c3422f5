package client

import (
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// State is the state of a feed.
type State string

// The states of a feed.
const (
	StateIdle       State = "IDLE" // no loop runs over it; OnStatus is not called
	StateConnecting State = "CONNECTING"
	StateLive       State = "LIVE"
	StateStale      State = "STALE"    // nothing has come for a while
	StateResuming   State = "RESUMING" // a stream has ended and the next has not begun
	// StateDiverged: the digests differ although a snapshot was taken recently. The feed
	// goes on and will request another one.
	StateDiverged State = "DIVERGED"
)

// Status is the state of a feed, for a screen that must show whether it is current.
type Status struct {
	State State
	// Since is when State last changed.
	Since time.Time
	// Cursor is that of the last processed update.
	Cursor string
	// Silence is the time since the last response; 0 before the first.
	Silence time.Duration
	// Lag is the time from the commit of the latest event to its delivery, ± LagError,
	// which is 0 before the first event. A slow loop and a replay make it large.
	Lag, LagError time.Duration
	// ClockAhead is how far the venue's clock is ahead of this machine's, ± ClockError,
	// which is 0 while that is unknown.
	ClockAhead, ClockError time.Duration
	// End is how the last stream ended, nil while it is the first.
	End *End
	// Streams counts the streams that began, Handovers those that took over from one that
	// still delivered.
	Streams, Handovers uint64
}

// standing is a feed's status and what completes it at the time of a call.
type standing struct {
	Status
	heard  time.Time
	clocks clocks
}

// Status returns the present status.
func (f *Feed) Status() Status {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.standing.at(now)
}

func (s *standing) at(now time.Time) Status {
	status := s.Status
	if !s.heard.IsZero() {
		status.Silence = now.Sub(s.heard)
	}
	status.ClockAhead, status.ClockError, _ = s.clocks.ahead(now)
	return status
}

// stand sets the state and calls OnStatus if it changed.
func (f *Feed) stand(state State) {
	now := time.Now()
	f.mu.Lock()
	changed := f.standing.State != state
	if changed {
		f.standing.State, f.standing.Since = state, now
	}
	status := f.standing.at(now)
	f.mu.Unlock()
	if changed && f.options.OnStatus != nil {
		f.options.OnStatus(status)
	}
}

// ended records the end of a stream and calls OnEnd.
func (f *Feed) ended(end End) {
	f.mu.Lock()
	f.standing.End = &end
	f.mu.Unlock()
	if f.options.OnEnd != nil {
		f.options.OnEnd(end)
	}
}

func (f *Feed) heard(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.standing.heard = at
}

// began records a stream that was requested at sent and began with hello.
func (f *Feed) began(hello *todokuv1.Hello, sent, arrived time.Time, a *attachment) {
	f.mu.Lock()
	f.acks = a.acks
	if accounts := hello.GetUser().GetAccounts(); len(accounts) > 0 {
		f.account = accounts[0]
	}
	if venue := hello.GetServerTime(); venue.IsValid() {
		f.standing.clocks.hello(sent, venue.AsTime(), arrived)
	}
	f.standing.Streams++
	if a.successor {
		f.standing.Handovers++
	}
	f.mu.Unlock()
	f.stand(StateLive)
}

func (f *Feed) heartbeat(heartbeat *todokuv1.Heartbeat, arrived time.Time) {
	if venue := heartbeat.GetServerTime(); venue.IsValid() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.standing.clocks.heartbeat(venue.AsTime(), arrived)
	}
}
