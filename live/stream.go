package live

import (
	"context"
	"sync"
	"time"

	"todoku/feed"
	"todoku/push"
)

// Stream is one attached stream and everything that this node keeps of it.
type Stream struct {
	// Entry is the stream's entry in the registry.
	Entry
	// Push sends what the stream carries. Its consumer is the caller of
	// [Streams.Attach].
	Push *push.Stream

	streams *Streams
	feed    *feed.Attached
	// principal is the user and session that the stream makes present.
	principal principal

	mu sync.Mutex // protects what follows
	// written is the newest acknowledged event in the evidence, added at writtenAt.
	// Acknowledgements are added once in an interval: the newest that was not added is
	// pending, for pendingEvent.
	written      uint64
	writtenAt    time.Time
	pendingEvent uint64
	pending      Observation
}

// observe adds an observation of the stream to the evidence.
func (s *Stream) observe(o Observation) {
	o.Attach = s.Attach
	if o.Time.IsZero() {
		o.Time = s.streams.now()
	}
	s.streams.evidence.add(o)
}

// observeCarried adds what the stream carried since the last call.
func (s *Stream) observeCarried() {
	for _, c := range s.feed.TakeCarried() {
		s.observe(Observation{Kind: Carried, Sequence: c.After, Topics: c.Topics})
	}
}

// acknowledged observes the newest event that the client has acknowledged, at most once
// in an interval.
func (s *Stream) acknowledged() {
	s.observeCarried()
	info, now := s.Push.Info(), s.streams.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if info.AckEvents > max(s.written, s.pendingEvent) {
		s.pendingEvent = info.AckEvents
		s.pending = Observation{Kind: Acknowledged, Time: now, Sequence: info.AckCursor}
	}
	if s.pendingEvent > s.written && now.Sub(s.writtenAt) >= s.streams.options.EvidenceInterval {
		s.observe(s.pending)
		s.written, s.writtenAt = s.pendingEvent, now
	}
}

// End notes that the stream has ended with its consumer's error, and releases what the
// stream held. It returns the reason. ctx may have ended.
func (s *Stream) End(ctx context.Context, end error) push.Reason {
	s.feed.Close()
	s.streams.forget(s)
	reason := push.ReasonOf(end)
	s.streams.presence.ended(s.principal, reason)
	s.observeCarried()
	s.mu.Lock()
	if s.pendingEvent > s.written {
		s.observe(s.pending)
	}
	s.mu.Unlock()
	s.observe(Observation{Kind: Ended, Sequence: s.Push.Info().Cursor, Reason: string(reason)})
	s.streams.fault(s.streams.registry.Detach(context.WithoutCancel(ctx), s.Entry))
	return reason
}
