package push

import (
	"time"
)

// What one can know of streams: a list of the live ones, the last ends, and a
// listener for logs, metrics and the access log.

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
	Expiry       time.Time // Of the session; zero: none.
}

// EndRecord is a stream that ended.
type EndRecord struct {
	StreamInfo
	EndedAt time.Time
	Reason  Reason
	Message string
}

// AckEvent is an advancing acknowledgement.
type AckEvent struct {
	Stream StreamInfo
	Number uint64
	Cursor uint64        // What the client has now, at least.
	Since  time.Duration // From the hand-over of that response to its acknowledgement.
}

// Listener is told what happens to streams that have a consumer. Its methods are
// called without any lock of the hub held, by the goroutine that consumes the
// stream or acknowledges, and hold that goroutine only. Attached comes before
// Ended for each stream; events of different streams come in any order.
type Listener interface {
	Attached(StreamInfo)
	Ended(EndRecord)
	Acknowledged(AckEvent)
}

// silent is the Listener for nobody.
type silent struct{}

func (silent) Attached(StreamInfo)   {}
func (silent) Ended(EndRecord)       {}
func (silent) Acknowledged(AckEvent) {}
