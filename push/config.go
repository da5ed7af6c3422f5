package push

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Bounds that are part of the contract with clients, and so no settings.
const (
	// MinStateInterval and MaxStateInterval bound AttachRequest.StateInterval.
	MinStateInterval = 10 * time.Millisecond
	MaxStateInterval = 10 * time.Second
	// DefaultStateInterval is used where a stream names none.
	DefaultStateInterval = 50 * time.Millisecond
	// FragmentBytes is the size past which the messages of one sequence travel
	// in several responses marked as fragments.
	FragmentBytes = 1 << 20
	// PackBytes is the size up to which small groups are put into one response.
	PackBytes = 64 << 10
)

// Config sets a hub up. For every number zero means the default and a negative
// value switches the limit off where the comment says "may be off".
type Config struct {
	// Epoch is the epoch of all cursors; see Cursor.
	Epoch string
	// FirstAttach is the attach number before the first one given. A server
	// passes something that rises across its restarts (the Unix time in
	// milliseconds, shifted), so that an acknowledgement from before a restart
	// never counts for a stream after it.
	FirstAttach uint64

	// HeartbeatInterval is the time between heartbeats, ± 10 %, regardless of
	// other traffic. Default 5 s.
	HeartbeatInterval time.Duration
	// AckTimeout ends a stream without an advancing acknowledgement. Default
	// 45 s; may be off.
	AckTimeout time.Duration
	// SendTimeout ends a stream whose send has been blocked so long. Default 5 s.
	SendTimeout time.Duration
	// StreamAge is when a stream is asked to reconnect, ± 15 %. Default 30 min;
	// may be off.
	StreamAge time.Duration
	// ReconnectGrace is the time between a Reconnect and the end. Default 10 s.
	ReconnectGrace time.Duration
	// ExpiryGrace is the time between a session's expiry and the end of its
	// streams. Default 30 s.
	ExpiryGrace time.Duration
	// Gather bounds how long messages under load may wait for others, so that one
	// send carries several. A message that comes after a pause never waits, and
	// one for few streams hardly: the wait is 5 µs for each stream that was woken
	// last. Zero and below: off.
	Gather time.Duration

	// QueueMessages and QueueBytes bound the events that wait for one stream: their
	// number, and the memory that they keep alive, which is their data and 256 bytes
	// for each. The stream ends when a publication finds the queue at either bound.
	// Defaults 4,096 and 1.5 MiB.
	QueueMessages int
	QueueBytes    int
	// UnackedBytes bounds the data that was sent on a stream and not acknowledged.
	// Nothing is kept for it here; it is what may lie in buffers on the way to a
	// client that is gone. The stream ends with ReasonNotAcknowledging before it
	// sends more. Default 256 MiB; may be off.
	UnackedBytes int
	// StreamsPerUser and StreamsPerAddress bound live streams. Default 100 and
	// no limit; may be off. An attach that takes over does not count.
	StreamsPerUser    int
	StreamsPerAddress int
	// Network names what StreamsPerAddress counts a remote address as; it must not
	// block. Nil: the address itself.
	Network func(remote string) string
	// TopicsPerStream bounds subscriptions. Default 1,000; may be off.
	TopicsPerStream int
	// EndsKept is how many ended streams are remembered. Default 1,000.
	EndsKept int

	// HasState says whether a topic can ever carry state, so that Encoder's
	// StateBegin is not sent for topics that cannot. It must not block. Nil: all
	// topics can.
	HasState func(Topic) bool
	// Sending is shown every response before it is handed to the transport, by the
	// stream's consumer, which waits for it; it must keep nothing of the response.
	// Nil: nobody.
	Sending func(StreamName, *Response)
	// Gone says how a client went away whose call has this context, in one of a few
	// words for records and metrics. It must not block. Nil: no word.
	Gone func(context.Context) string
	// Encoder makes the hub's own messages. Nil: NopEncoder.
	Encoder Encoder
	// Listener, if set, gets what happens to streams.
	Listener Listener
}

// Encoder makes the hub's own messages in the form of Message.Data. It must be
// safe for concurrent use and must not block. A nil result means: the response
// without such a message.
type Encoder interface {
	// Heartbeat is called for every heartbeat.
	Heartbeat(HeartbeatInfo) []byte
	// Reconnect tells the client to open its next stream now.
	Reconnect(ReconnectInfo) []byte
	// Expiry tells when the session expires now, after SetExpiry changed it.
	Expiry(time.Time) []byte
	// StateBegin precedes a topic's state whenever it is sent whole: when the
	// topic is subscribed and when the stream fell behind what the hub
	// remembers. The client forgets what it held of the topic.
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

// HelloInfo is what only the hub knows of a stream that begins.
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

// HeartbeatInfo is what a heartbeat may say.
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
	// Topics yields what the stream is subscribed to, if everything of these topics
	// up to Cursor has been handed on, the caller's initial messages included, and
	// nothing beyond. Nil otherwise: the stream is behind, within its opening or
	// within a step. To be used during the call only.
	Topics iter.Seq[Topic]
}

// ReconnectInfo is what a reconnect may say.
type ReconnectInfo struct {
	Connection string
	Reason     Reason        // ReasonStreamAge or ReasonShutdown.
	Within     time.Duration // The stream is ended after it.
}

// WithDefaults returns the settings as a hub takes them: with every default in
// its place.
func (c Config) WithDefaults() Config {
	duration := func(d *time.Duration, standard time.Duration) {
		if *d == 0 {
			*d = standard
		}
	}
	number := func(n *int, standard int) {
		if *n == 0 {
			*n = standard
		}
	}
	duration(&c.HeartbeatInterval, 5*time.Second)
	duration(&c.AckTimeout, 45*time.Second)
	duration(&c.SendTimeout, 5*time.Second)
	duration(&c.StreamAge, 30*time.Minute)
	duration(&c.ReconnectGrace, 10*time.Second)
	duration(&c.ExpiryGrace, 30*time.Second)
	number(&c.QueueMessages, 4096)
	number(&c.QueueBytes, 3<<19)
	number(&c.UnackedBytes, 256<<20)
	number(&c.StreamsPerUser, 100)
	number(&c.StreamsPerAddress, -1)
	number(&c.TopicsPerStream, 1000)
	number(&c.EndsKept, 1000)
	if c.Network == nil {
		c.Network = func(remote string) string { return remote }
	}
	return c
}

// ErrConfig means that settings contradict each other; the text says which.
var ErrConfig = errors.New("push: settings contradict each other")

// Validate reports every contradiction in the settings, defaults filled in.
// NewHub does not call it: a program does, before it starts anything.
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
