package live

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// Evidence is stored per stream: which topics it carried from which sequence on, what its
// client acknowledged, and what had been sent at its end. The receivers of an event
// follow from it; nothing is stored per event.

// ObservationKind is the kind of an [Observation].
type ObservationKind string

// The kinds, in the order of a stream's life.
const (
	// Began: a stream attached. The whole Entry and Epoch are set.
	Began ObservationKind = "BEGAN"
	// Carried: the stream carried Topics from the event after Sequence on.
	Carried ObservationKind = "CARRIES"
	// Acknowledged: the client had everything up to Sequence.
	Acknowledged ObservationKind = "ACKNOWLEDGED"
	// Ended: the stream ended for Reason; everything up to Sequence had been sent.
	Ended ObservationKind = "ENDED"
)

// ReasonProcessGone is the reason of streams whose process ended before it stored their
// end.
const ReasonProcessGone = "PROCESS_GONE"

// Observation is one fact about a stream.
type Observation struct {
	Kind ObservationKind
	// Entry says which stream it is. Only its Attach is set, unless Kind is Began.
	Entry
	// Time is when it happened, in UTC.
	Time time.Time
	// Epoch is the epoch of the journal that Sequence is of.
	Epoch    string
	Sequence uint64
	// Topics are words separated by blanks, opaque to this package.
	Topics string
	Reason string
}

// Query asks which streams were sent an event.
type Query struct {
	Epoch    string
	Sequence uint64
	// Committed is the time of the event; streams that ended earlier are omitted.
	Committed time.Time
	// User selects one user's streams unless it is empty.
	User string
	// After is an attach number: only streams with greater ones are returned.
	After uint64
	// Limit is the greatest number of streams to return, at least 1.
	Limit int
}

// Receiver is a stream that was sent an event, or may have been.
type Receiver struct {
	// Entry says whose stream it was. Instance is not kept.
	Entry
	// Topics are what it carried when the event was sent.
	Topics string
	// Acknowledged is the first stored acknowledgement of the event or a later one,
	// and AcknowledgedAt its time; zero for none.
	Acknowledged   uint64
	AcknowledgedAt time.Time
	// Ended is zero while the stream is attached.
	Ended  time.Time
	Reason string
}

// Evidence stores observations; livetest.Evidence is the suite that every store passes.
// Each method must be one transaction and safe for concurrent use. Times must be
// returned to the nanosecond, in UTC. Errors are the database's.
type Evidence interface {
	// Append must store the observations in order. Each replaces a stored one
	// of the same stream, kind and sequence. One of a stream that never began is no
	// error and may be dropped.
	Append(ctx context.Context, observations []Observation) error
	// Close must end every stream of the node that has not ended, at the time
	// given, with ReasonProcessGone.
	Close(ctx context.Context, node string, at time.Time) error
	// Query must return, by rising attach number, the streams of the epoch and user
	// that carried topics from before the sequence on and that are attached, or
	// ended at Committed or later and either were sent the sequence or ended with
	// ReasonProcessGone.
	Query(ctx context.Context, query Query) ([]Receiver, error)
	// Prune must delete the streams that ended before the time, with everything
	// about them.
	Prune(ctx context.Context, before time.Time) error
}

const (
	// evidenceQueue bounds the observations that wait to be written.
	evidenceQueue = 16384
	// evidenceBatch is how many observations one write stores, and evidenceWait how
	// long the first of them waits for others.
	evidenceBatch = 512
	evidenceWait  = 500 * time.Millisecond
	// evidencePage is how many streams are read at once.
	evidencePage = 1000
	// writeTimeout bounds a write, which does not end with its caller.
	writeTimeout = 10 * time.Second
	// maxReason bounds a stored reason, in bytes.
	maxReason = 256
)

// evidenceLog is the queue between the streams and the store. When it is full an
// observation is dropped and counted: evidence may be missing, but it is never wrong.
type evidenceLog struct {
	store   Evidence
	wake    chan struct{} // has a value when the first observation waits
	writing sync.Mutex    // held by the writer; taken before mu

	mu    sync.Mutex // protects what follows
	queue []Observation
	lost  uint64
}

// add queues an observation, without waiting for the store.
func (l *evidenceLog) add(o Observation) {
	o.Reason = o.Reason[:min(len(o.Reason), maxReason)]
	l.mu.Lock()
	first := len(l.queue) == 0
	if len(l.queue) >= evidenceQueue {
		l.lost++
	} else {
		l.queue = append(l.queue, o)
	}
	l.mu.Unlock()
	if first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// flush writes the queue in order. After an error the remainder stays queued.
func (l *evidenceLog) flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		batch := slices.Clone(l.queue[:min(len(l.queue), evidenceBatch)])
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		write, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		err := l.store.Append(write, batch)
		cancel()
		if err != nil {
			return fmt.Errorf("live: write evidence: %w", err)
		}
		l.mu.Lock()
		l.queue = slices.Delete(l.queue, 0, len(batch))
		l.mu.Unlock()
	}
}

// EvidenceCounts returns how many observations wait to be written, and how many were
// dropped since the start.
func (s *Streams) EvidenceCounts() (queued int, lost uint64) {
	s.evidence.mu.Lock()
	defer s.evidence.mu.Unlock()
	return len(s.evidence.queue), s.evidence.lost
}

// Receivers yields the streams that were sent an event, or may have been, by rising
// attach number, from everything observed before the call. It ignores query.After and
// query.Limit. An error is the store's and ends the sequence.
func (s *Streams) Receivers(ctx context.Context, query Query) iter.Seq2[Receiver, error] {
	return func(yield func(Receiver, error) bool) {
		if err := s.evidence.flush(ctx); err != nil {
			yield(Receiver{}, err)
			return
		}
		sent := s.sent()
		query.After, query.Limit = 0, evidencePage
		for {
			page, err := s.evidence.store.Query(ctx, query)
			if err != nil {
				yield(Receiver{}, fmt.Errorf("live: read evidence: %w", err))
				return
			}
			for _, r := range page {
				query.After = r.Attach
				notSent := r.Ended.IsZero() && sent[r.Attach] < query.Sequence
				if !notSent && !yield(r, nil) {
					return
				}
			}
			if len(page) < evidencePage {
				return
			}
		}
	}
}

// sent returns the last sequence sent on each stream of this node, by attach number.
func (s *Streams) sent() map[uint64]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := make(map[uint64]uint64, len(s.streams))
	for _, stream := range s.streams {
		sent[stream.Attach] = stream.Push.Info().Cursor
	}
	return sent
}
