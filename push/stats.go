package push

import (
	"slices"
	"time"
)

// Information about streams: a list of the live ones, the last ends, and a listener
// for logs, metrics and the access log.

// StreamInfo describes a stream at one moment.
type StreamInfo struct {
	Connection   string
	Instance     string
	User         string
	Session      string
	Remote       string
	Attach       uint64
	AttachedAt   time.Time
	Age          time.Duration
	Idle         time.Duration // Since a response was last handed to the transport.
	Topics       int
	Responses    uint64
	Bytes        uint64 // Of message data handed to the transport.
	Conflated    uint64
	Queued       int // Events that wait.
	QueuedBytes  int
	SendBlocked  time.Duration // How long the present send has lasted; 0: none.
	Cursor       uint64        // Of the last response handed to the transport.
	Acknowledged uint64        // Number of the last acknowledged response; 0: none.
	AckCursor    uint64        // Cursor of it: what the client is known to have.
	AckIdle      time.Duration // Since the last advancing acknowledgement, or the attach.
	UnackedBytes uint64
	AckEvents    uint64    // Cursor of the newest acknowledged response with events; 0: none.
	Expiry       time.Time // Of the session; zero: none.
}

// StreamName identifies a stream.
type StreamName struct {
	Connection string
	User       string
	Attach     uint64
}

// EndRecord is a stream that ended.
type EndRecord struct {
	StreamInfo
	EndedAt time.Time
	Reason  Reason
	Message string
	Cause   string // How the client went away; see Config.Gone.
}

// AckEvent is an advancing acknowledgement.
type AckEvent struct {
	Stream StreamInfo
	Number uint64
	Cursor uint64        // What the client has now, at least.
	Since  time.Duration // From the hand-over of that response to its acknowledgement.
}

// Listener is called for streams on which Serve or Start was called. Its methods are
// called without a lock of the hub, and block only the goroutine that serves the
// stream or acknowledges. Attached comes before Ended for each stream; calls for
// different streams come in any order.
type Listener interface {
	Attached(StreamInfo)
	Ended(EndRecord)
	Acknowledged(AckEvent)
}

// silent is a Listener that does nothing.
type silent struct{}

func (silent) Attached(StreamInfo)   {}
func (silent) Ended(EndRecord)       {}
func (silent) Acknowledged(AckEvent) {}

// addEnd keeps the last ends. Dropping them by the hundreds makes it cheap. The caller
// holds h.mu.
func (h *Hub) addEnd(record EndRecord) {
	kept := max(0, h.config.EndsKept)
	h.ends = append(h.ends, record)
	if len(h.ends) > kept+100 {
		h.ends = slices.Delete(h.ends, 0, len(h.ends)-kept)
	}
}

// Info describes the stream now.
func (s *Stream) Info() StreamInfo {
	now := s.hub.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.infoLocked(now)
}

func (s *Stream) infoLocked(now int64) StreamInfo {
	info := StreamInfo{
		Connection:   s.connection,
		Instance:     s.instance,
		User:         s.user,
		Session:      s.session,
		Remote:       s.remote,
		Attach:       s.attach,
		AttachedAt:   s.hub.started.Add(time.Duration(s.attachedAt)),
		Age:          time.Duration(now - s.attachedAt),
		Idle:         time.Duration(now - s.sent.at),
		Topics:       s.topics,
		Responses:    s.sent.number,
		Bytes:        s.sent.bytes,
		Conflated:    s.conflated,
		Queued:       s.queued,
		QueuedBytes:  s.queuedBytes,
		Cursor:       s.sent.cursor,
		Acknowledged: s.acks.number,
		AckCursor:    s.acks.last.cursor,
		AckIdle:      time.Duration(now - s.acks.at),
		UnackedBytes: s.sent.bytes - s.acks.last.bytes,
		AckEvents:    s.acks.events,
		Expiry:       s.expiry,
	}
	if start := s.sendStart.Load(); start != 0 {
		info.SendBlocked = time.Duration(max(0, now-start))
	}
	return info
}

// record describes the stream at its end.
func (s *Stream) record() EndRecord {
	now := s.hub.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	record := EndRecord{StreamInfo: s.infoLocked(now), EndedAt: time.Now()}
	if s.ended != nil {
		record.Reason, record.Message, record.Cause = s.ended.Reason, s.ended.Message, s.ended.Cause
	}
	return record
}

// List describes the live streams, in no order.
func (h *Hub) List() []StreamInfo {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := make([]StreamInfo, 0, len(h.streams))
	for _, s := range h.streams {
		if !s.hasEnded() {
			list = append(list, s.Info())
		}
	}
	return list
}

// Ends describes the streams that ended last, newest first.
func (h *Hub) Ends() []EndRecord {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := slices.Clone(h.ends[max(0, len(h.ends)-h.config.EndsKept):])
	slices.Reverse(list)
	return list
}

// Connection returns the name of what the stream is attached to.
func (s *Stream) Connection() string { return s.connection }

// Epoch returns the epoch of the stream's cursors.
func (s *Stream) Epoch() string { return s.hub.config.Epoch }
