package client

import (
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// State is how a feed stands.
type State string

// The states of a feed.
const (
	StateIdle       State = "IDLE" // no loop runs over it; not told, the loop knows
	StateConnecting State = "CONNECTING"
	StateLive       State = "LIVE"
	StateStale      State = "STALE"    // nothing has come for a while
	StateResuming   State = "RESUMING" // a stream has ended and the next has not begun
	// StateDiverged: it goes on although what was handed on is not what the venue
	// holds. A snapshot was asked for not long ago and did not help; it will be again.
	StateDiverged State = "DIVERGED"
)

// Status says how a feed stands, for a screen that must not look current when it is
// not.
type Status struct {
	State State
	// Since is when State became so.
	Since time.Time
	// Cursor is where the feed stands: everything up to there has been processed.
	Cursor string
	// Silence is for how long nothing has come; 0 before anything came.
	Silence time.Duration
	// Lag is how long the latest event took from being committed to being handed on,
	// give or take LagError; LagError is 0 when there was none yet. It grows where
	// the loop is slow, and is large for what is replayed.
	Lag, LagError time.Duration
	// ClockAhead is how far the venue's clock is ahead of this machine's, give or take
	// ClockError, which is 0 when that is not known yet.
	ClockAhead, ClockError time.Duration
	// End is how the last stream ended, nil while it is the first.
	End *End
	// Streams counts the streams that began, Handovers those of them that took over
	// from one that still delivered.
	Streams, Handovers uint64
}

// standing is what Status is made of.
type standing struct {
	state              State
	since, heard       time.Time
	cursor             string
	lag, lagError      time.Duration
	clocks             clocks
	end                *End
	streams, handovers uint64
}

// Status returns how the feed stands now.
func (f *Feed) Status() Status {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.statusLocked(now)
}

func (f *Feed) statusLocked(now time.Time) Status {
	s := &f.standing
	status := Status{
		State: s.state, Since: s.since, Cursor: s.cursor, Lag: s.lag, LagError: s.lagError,
		End: s.end, Streams: s.streams, Handovers: s.handovers,
	}
	if !s.heard.IsZero() {
		status.Silence = now.Sub(s.heard)
	}
	if ahead, give, known := s.clocks.ahead(now); known {
		status.ClockAhead, status.ClockError = ahead, give
	}
	return status
}

// stand changes the state and tells, if it is another one.
func (f *Feed) stand(state State) {
	now := time.Now()
	f.mu.Lock()
	changed := f.standing.state != state
	if changed {
		f.standing.state, f.standing.since = state, now
	}
	status := f.statusLocked(now)
	f.mu.Unlock()
	if changed {
		f.options.OnStatus(status)
	}
}

// ended takes note of the end of a stream and tells.
func (f *Feed) ended(end End) {
	f.mu.Lock()
	f.standing.end = &end
	f.mu.Unlock()
	f.options.OnEnd(end)
}

// heard takes note of when something came.
func (f *Feed) heard(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.standing.heard = at
}

// began takes note of a stream that was asked for at sent and began with hello.
func (f *Feed) began(hello *todokuv1.Hello, sent, arrived time.Time, a *attachment) {
	f.mu.Lock()
	f.receipts = a.receipts
	if accounts := hello.GetUser().GetAccounts(); len(accounts) > 0 {
		f.account = accounts[0]
	}
	if venue := hello.GetServerTime(); venue.IsValid() {
		f.standing.clocks.hello(sent, venue.AsTime(), arrived)
	}
	f.standing.streams++
	if a.successor {
		f.standing.handovers++
	}
	f.mu.Unlock()
	f.stand(StateLive)
}

// told takes note of a heartbeat.
func (f *Feed) told(heartbeat *todokuv1.Heartbeat, arrived time.Time) {
	if venue := heartbeat.GetServerTime(); venue.IsValid() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.standing.clocks.heartbeat(venue.AsTime(), arrived)
	}
}
