package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Bounds that are part of the contract with clients and cannot be set.
const (
	// MinStateInterval and MaxStateInterval bound AttachRequest.StateInterval.
	MinStateInterval = 10 * time.Millisecond
	MaxStateInterval = 10 * time.Second
	// DefaultStateInterval is used where AttachRequest.StateInterval is zero.
	DefaultStateInterval = 50 * time.Millisecond
	// FragmentBytes is the size past which the messages of one sequence travel
	// in several responses marked as fragments.
	FragmentBytes = 1 << 20
	// PackBytes is the size up to which small groups are put into one response.
	PackBytes = 64 << 10
)

// Config has the settings of a hub. For every number, zero means the default. A
// negative number switches the limit off where the comment says "may be off".
type Config struct {
	// Epoch is the epoch of all cursors; see Cursor.
	Epoch string
	// FirstAttach is one less than the first attach number. A server passes a number
	// that rises across its restarts (the Unix time in milliseconds, shifted), so
	// that an acknowledgement from before a restart never counts after it.
	FirstAttach uint64

	// HeartbeatInterval is the time between heartbeats, ± 10 %, regardless of
	// other traffic. Default 5 s.
	HeartbeatInterval time.Duration
	// AckTimeout ends a stream without an advancing acknowledgement. Default
	// 45 s; may be off.
	AckTimeout time.Duration
	// SendTimeout ends a stream whose send has been blocked for this time. Default 5 s.
	SendTimeout time.Duration
	// StreamAge is when a stream is asked to reconnect, ± 15 %. Default 30 min;
	// may be off.
	StreamAge time.Duration
	// ReconnectGrace is the time between a Reconnect and the end. Default 10 s.
	ReconnectGrace time.Duration
	// ExpiryGrace is the time between a session's expiry and the end of its
	// streams. Default 30 s.
	ExpiryGrace time.Duration
	// Gather bounds how long messages under load wait for others, so that one send
	// carries several. The wait is 5 µs for each stream that was woken last; a
	// message that comes after a pause never waits. Zero or negative: off.
	Gather time.Duration

	// QueueMessages and QueueBytes bound the events that wait for one stream: their
	// number, and their memory, which is their data and 256 bytes for each. The
	// stream ends when a publication finds the queue at either bound.
	// Defaults 4,096 and 1.5 MiB.
	QueueMessages int
	QueueBytes    int
	// UnackedBytes bounds the data that was sent on a stream and not acknowledged: it
	// may all be in buffers on the way to a client that is gone. The hub keeps no copy
	// of it. The stream ends with ReasonNotAcknowledging before it sends more.
	// Default 256 MiB; may be off.
	UnackedBytes int
	// StreamsPerUser and StreamsPerAddress bound live streams. Default 100 and
	// no limit; may be off. An attach that takes over does not count.
	StreamsPerUser    int
	StreamsPerAddress int
	// Network returns the network by which StreamsPerAddress counts a remote address.
	// It must not block. Nil: the address itself.
	Network func(remote string) string
	// TopicsPerStream bounds subscriptions. Default 1,000; may be off.
	TopicsPerStream int
	// EndsKept is how many ended streams are remembered. Default 1,000.
	EndsKept int

	// HasState returns whether a topic can ever carry state. No StateBegin is sent for
	// one that cannot. It must not block. Nil: all topics can.
	HasState func(Topic) bool
	// Sending, if set, is called with every response before it is handed to the
	// transport, which waits for it. It must keep nothing of the response.
	Sending func(StreamName, *Response)
	// Gone returns how a client went away whose call has this context, as one of a few
	// words for records and metrics. It must not block. Nil: "".
	Gone func(context.Context) string
	// Encoder makes the hub's own messages. Nil: NopEncoder.
	Encoder Encoder
	// Listener, if set, is called at the attach, end and acknowledgements of streams.
	Listener Listener
}

// Encoder makes the hub's own messages in the form of Message.Data. It must be
// safe for concurrent use and must not block. For a nil result the response has no
// such message.
type Encoder interface {
	// Heartbeat is called for every heartbeat.
	Heartbeat(HeartbeatInfo) []byte
	// Reconnect asks the client to open its next stream now.
	Reconnect(ReconnectInfo) []byte
	// Expiry carries the new expiry of the session, after SetExpiry changed it.
	Expiry(time.Time) []byte
	// StateBegin precedes a topic's state whenever it is sent whole: when the
	// topic is subscribed, and when the stream is so far behind that the hub has
	// forgotten changes. The client drops the topic's state that it has.
	StateBegin(Topic) []byte
}

// NopEncoder makes none of the hub's own messages: heartbeats and reconnects are
// responses without messages. Embed it to make only some.
type NopEncoder struct{}

// Heartbeat returns nil.
func (NopEncoder) Heartbeat(HeartbeatInfo) []byte { return nil }

// Reconnect returns nil.
func (NopEncoder) Reconnect(ReconnectInfo) []byte { return nil }

// Expiry returns nil.
func (NopEncoder) Expiry(time.Time) []byte { return nil }

// StateBegin returns nil.
func (NopEncoder) StateBegin(Topic) []byte { return nil }

// HelloInfo is what a Hello may contain.
type HelloInfo struct {
	Connection        string
	Attach            uint64 // To be named in acknowledgements.
	TookOver          Reason // How another stream of the connection was ended by this attach; "" if there was none.
	Head              Cursor // The last published sequence.
	Resume            Cursor // The first response's Previous.
	HeartbeatInterval time.Duration
	AckTimeout        time.Duration // Zero: off.
	StateInterval     time.Duration
	Expiry            time.Time // Zero: none.
	Time              time.Time
}

// HeartbeatInfo is what a heartbeat may contain.
type HeartbeatInfo struct {
	Connection string
	User       string
	Session    string
	Attach     uint64
	Number     uint64    // Of the response that carries it.
	Cursor     Cursor    // Of the response that carries it.
	Time       time.Time // Now.
	Expiry     time.Time // Of the session; zero: none.
	Conflated  uint64    // State updates skipped for this stream since it was attached.
	// Topics yields the stream's topics if everything of them up to Cursor, initial
	// messages included, has been handed to the transport and nothing beyond. It is
	// nil when the stream is behind, within its opening or within a step. It must be
	// used during the call only.
	Topics iter.Seq[Topic]
}

// ReconnectInfo is what a reconnect may contain.
type ReconnectInfo struct {
	Connection string
	Reason     Reason        // ReasonStreamAge or ReasonShutdown.
	Within     time.Duration // The stream is ended after this time.
}

// WithDefaults returns the settings with all defaults filled in.
func (c Config) WithDefaults() Config {
	c.HeartbeatInterval = cmp.Or(c.HeartbeatInterval, 5*time.Second)
	c.AckTimeout = cmp.Or(c.AckTimeout, 45*time.Second)
	c.SendTimeout = cmp.Or(c.SendTimeout, 5*time.Second)
	c.StreamAge = cmp.Or(c.StreamAge, 30*time.Minute)
	c.ReconnectGrace = cmp.Or(c.ReconnectGrace, 10*time.Second)
	c.ExpiryGrace = cmp.Or(c.ExpiryGrace, 30*time.Second)
	c.QueueMessages = cmp.Or(c.QueueMessages, 4096)
	c.QueueBytes = cmp.Or(c.QueueBytes, 3<<19)
	c.UnackedBytes = cmp.Or(c.UnackedBytes, 256<<20)
	c.StreamsPerUser = cmp.Or(c.StreamsPerUser, 100)
	c.StreamsPerAddress = cmp.Or(c.StreamsPerAddress, -1)
	c.TopicsPerStream = cmp.Or(c.TopicsPerStream, 1000)
	c.EndsKept = cmp.Or(c.EndsKept, 1000)
	if c.Network == nil {
		c.Network = func(remote string) string { return remote }
	}
	return c
}

// ErrConfig means that settings contradict each other; the text says which.
var ErrConfig = errors.New("push: settings contradict each other")

// Validate reports every contradiction in the settings, defaults filled in.
// NewHub does not call it; a program should, before it starts anything.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	refuse(!validEpoch(c.Epoch), "epoch %q must be 1 to %d of A-Z a-z 0-9 _ -", c.Epoch, MaxEpoch)
	refuse(c.HeartbeatInterval < 0, "heartbeat interval %s must be positive", c.HeartbeatInterval)
	refuse(c.SendTimeout < 0, "send timeout %s must be positive", c.SendTimeout)
	refuse(c.ReconnectGrace < 0 || c.ExpiryGrace < 0, "graces must not be negative")
	refuse(c.QueueMessages < 0 || c.QueueBytes < 0 || c.EndsKept < 0, "queue bounds and kept ends must be positive")
	refuse(c.AckTimeout > 0 && c.AckTimeout < 2*c.HeartbeatInterval,
		"ack timeout %s leaves no two heartbeats of %s to acknowledge", c.AckTimeout, c.HeartbeatInterval)
	refuse(c.StreamAge > 0 && c.StreamAge < c.HeartbeatInterval,
		"stream age %s is below the heartbeat interval %s", c.StreamAge, c.HeartbeatInterval)
	refuse(c.Gather >= c.HeartbeatInterval, "gathering %s must be far below the heartbeat interval %s", c.Gather, c.HeartbeatInterval)
	return errors.Join(errs...)
}
