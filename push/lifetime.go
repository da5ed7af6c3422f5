package push

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// What ends a stream or announces its end: time limits, its session, its server.

// tick handles everything about a stream that is due by time. Run calls it when
// the nearest of its deadlines has come.
func (h *Hub) tick(s *Stream, now int64) {
	ended, wake := s.tick(now)
	switch {
	case ended:
		h.detach(s) // Serve would do it, but may never have been called.
	case wake:
		s.wake()
	}
}

func (s *Stream) tick(now int64) (ended, wake bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	config := &s.hub.config
	if s.ended == nil {
		if e := s.overdue(now); e != nil {
			s.endLocked(e)
		}
	}
	if s.ended != nil {
		return true, false
	}
	if now >= s.reconnectAt {
		s.reconnectAt = never
		if s.endAt == never { // Otherwise Drain has set it.
			s.endAt = now + int64(config.ReconnectGrace)
		}
		s.reconnectDue, wake = true, true
	}
	if now >= s.heartbeatAt {
		s.heartbeatAt = now + spread(config.HeartbeatInterval, 10)
		s.heartbeatDue, wake = true, true
	}
	if now >= s.stateAt {
		s.stateAt = never
		s.stateDue, wake = true, true
	}
	s.hub.timers.set(&s.timer, s.nextDeadline(now))
	return false, wake
}

// overdue returns the end that is due, or nil.
func (s *Stream) overdue(now int64) *End {
	config := &s.hub.config
	start := s.sendStart.Load()
	switch {
	case start != 0 && now-start >= int64(config.SendTimeout):
		return &End{Reason: ReasonSlowConsumer, Message: "a send was blocked for " + config.SendTimeout.String()}
	case s.expiryAt != never && now >= s.expiryAt+int64(config.ExpiryGrace):
		return &End{Reason: ReasonSessionExpired, Message: "the session expired " + config.ExpiryGrace.String() + " ago"}
	case now >= s.endAt:
		return &End{Reason: s.endReason, Message: "the stream was asked to reconnect and did not in time"}
	case config.AckTimeout > 0 && now-s.acks.at >= int64(config.AckTimeout):
		return &End{Reason: ReasonNotAcknowledging, Message: "nothing new acknowledged for " + config.AckTimeout.String()}
	}
	return nil
}

// nextDeadline returns when tick must be called again. The start of a send sets no
// deadline of its own. Instead tick is called at least once per SendTimeout, so that
// a send that begins now and blocks is found in time. The caller holds s.mu.
func (s *Stream) nextDeadline(now int64) int64 {
	if s.ended != nil {
		return now
	}
	config := &s.hub.config
	next := min(s.heartbeatAt, s.stateAt, s.reconnectAt, s.endAt)
	next = min(next, cmp.Or(s.sendStart.Load(), now)+int64(config.SendTimeout))
	if s.expiryAt != never {
		next = min(next, s.expiryAt+int64(config.ExpiryGrace))
	}
	if config.AckTimeout > 0 {
		next = min(next, s.acks.at+int64(config.AckTimeout))
	}
	return next
}

func (s *Stream) setExpiry(expiry time.Time, now int64) {
	s.expiry, s.expiryAt = expiry, never
	if !expiry.IsZero() {
		s.expiryAt = now + int64(time.Until(expiry))
	}
}

// SetExpiry changes when the session expires and returns how many streams it has
// here. They are sent the new expiry, and end with ReasonSessionExpired when it and
// Config.ExpiryGrace have passed. The zero time means never.
func (h *Hub) SetExpiry(session string, expiry time.Time) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	now := h.now()
	for _, s := range h.sessions[session] {
		if s.changeExpiry(expiry, now) {
			s.wake()
		}
	}
	return len(h.sessions[session])
}

func (s *Stream) changeExpiry(expiry time.Time, now int64) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if expiry.Equal(s.expiry) {
		return false
	}
	s.setExpiry(expiry, now)
	s.expiryDue = true
	s.hub.timers.earlier(&s.timer, s.nextDeadline(now))
	return true
}

// Selector selects the streams that match every non-empty field; the zero Selector
// selects all.
type Selector struct {
	Connection string
	Session    string
	User       string
}

// End ends the streams that match, with the reason and a message for people,
// and returns how many it ended. Their handlers return at once, even while a send is
// blocked.
func (h *Hub) End(which Selector, reason Reason, message string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	count := 0
	for _, s := range h.candidates(which) {
		match := (which.Connection == "" || which.Connection == s.connection) &&
			(which.Session == "" || which.Session == s.session) &&
			(which.User == "" || which.User == s.user)
		if match && !s.hasEnded() {
			s.end(&End{Reason: reason, Message: message})
			count++
		}
	}
	return count
}

// candidates returns a list that contains all streams that match. The caller
// holds h.mu.
func (h *Hub) candidates(which Selector) []*Stream {
	switch {
	case which.Connection != "":
		if s := h.streams[which.Connection]; s != nil {
			return []*Stream{s}
		}
		return nil
	case which.Session != "":
		return h.sessions[which.Session]
	case which.User != "":
		return h.users[which.User]
	}
	return slices.Collect(maps.Values(h.streams))
}

// Drain empties the hub. It refuses new streams, asks the live ones to reconnect,
// evenly distributed over spread so that they do not arrive elsewhere together, and
// ends those that remain after limit with ReasonShutdown. It returns nil when no
// stream is left. When ctx ends first, all are ended at once and its cause is
// returned. Run must be running.
func (h *Hub) Drain(ctx context.Context, spread, limit time.Duration) error {
	h.mu.Lock()
	h.draining = true
	now := h.now()
	for _, s := range h.streams {
		s.mu.Lock()
		s.endReason = ReasonShutdown
		s.endAt = min(s.endAt, now+int64(limit))
		s.reconnectAt = now
		if spread > 0 {
			s.reconnectAt += rand.Int64N(int64(spread)) //nolint:gosec // Jitter needs no secret.
		}
		h.timers.earlier(&s.timer, s.nextDeadline(now))
		s.mu.Unlock()
	}
	h.mu.Unlock()
	for {
		h.mu.RLock()
		left := len(h.streams)
		h.mu.RUnlock()
		if left == 0 {
			return nil
		}
		select {
		case <-h.emptied:
		case <-ctx.Done():
			h.End(Selector{}, ReasonShutdown, "the server stops at once")
			return context.Cause(ctx)
		}
	}
}

// spread returns d ± percent, evenly distributed, in nanoseconds.
func spread(d time.Duration, percent int64) int64 {
	width := int64(d) / 100 * percent
	if width <= 0 {
		return int64(d)
	}
	return int64(d) - width + rand.Int64N(2*width+1) //nolint:gosec // Jitter needs no secret.
}
