// Package live keeps what is known of every stream that is attached to this node: one
// [Stream] each, from its attach to its end. Package push sends the messages.
//
// Everything that depends on a stream being attached is here: which stream holds a
// connection on which node ([Registry]), who is signed in and whose orders are
// canceled on a disconnect ([Streams.RunPresence]), and the evidence of what a
// client received ([Evidence]).
//
// Life of a stream: [Streams.Attach], any number of [Streams.Acknowledge],
// [Stream.End]. All methods may be called from any goroutine; none calls the store
// or the registry with a lock held. The caller runs two goroutines: [Streams.Run], which
// must outlive the streams, and [Streams.RunPresence], which must stop before a node
// that shuts down ends its streams.
package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

// Options are the parts and settings of a node's streams. Hub, Evidence, Submit and
// Directory are required; other zero values take the defaults.
type Options struct {
	// Node is the name of this process; [DefaultNode].
	Node string
	// Hub has the streams of this node.
	Hub *push.Hub
	// Registry has the streams of all nodes; by default a [MemoryRegistry].
	Registry Registry
	// Evidence keeps what was observed of streams.
	Evidence Evidence
	// Submit must carry out commands as one group and return the error of each in its
	// place.
	Submit func(context.Context, []trade.Command) []error
	// Directory has the venue's users.
	Directory Directory
	// Presence are the settings of who is signed in.
	Presence PresenceOptions
	// EvidenceInterval is the shortest time between two stored acknowledgements of a
	// stream; 10 s. The last one is stored at the stream's end.
	EvidenceInterval time.Duration
	// EvidenceRetention is how long evidence is kept after a stream's end; 90 days.
	// Negative keeps it without limit.
	EvidenceRetention time.Duration
	// Clock returns the time; time.Now by default.
	Clock func() time.Time
	// Fault takes errors of background work that will be tried again; nil for none.
	Fault func(error)
}

const (
	// entryTTL is how long the registry keeps an entry that is not renewed, and
	// renewInterval how often this node renews its own.
	entryTTL      = time.Minute
	renewInterval = entryTTL / 3
	pruneInterval = time.Hour
)

// Streams are the streams that are attached to this node. Make them with [New].
type Streams struct {
	options  Options
	registry Registry
	evidence *evidenceLog
	presence *presence

	mu      sync.Mutex // protects what follows
	streams map[string]*Stream
}

// New returns the streams of a node that has none yet. It closes the evidence of streams
// of an earlier process of the node. Errors are the evidence store's.
func New(ctx context.Context, options Options) (*Streams, error) {
	options.Node = cmp.Or(options.Node, DefaultNode)
	options.EvidenceInterval = cmp.Or(options.EvidenceInterval, 10*time.Second)
	options.EvidenceRetention = cmp.Or(options.EvidenceRetention, 90*24*time.Hour)
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Fault == nil {
		options.Fault = func(error) {}
	}
	s := &Streams{
		options:  options,
		registry: options.Registry,
		evidence: &evidenceLog{store: options.Evidence, wake: make(chan struct{}, 1)},
		presence: newPresence(options.Submit, options.Directory, options.Presence, options.Fault),
		streams:  map[string]*Stream{},
	}
	if s.registry == nil {
		s.registry = NewMemoryRegistry(s.end)
	}
	if err := options.Evidence.Close(ctx, options.Node, s.now()); err != nil {
		return nil, fmt.Errorf("live: close evidence: %w", err)
	}
	return s, nil
}

func (s *Streams) now() time.Time { return s.options.Clock().Round(0).UTC() }

// Attach takes a stream that feed has attached. cancelAfter is the time without a stream
// after which its session's orders are canceled; 0 for never. The caller must call
// [Stream.End] in the end. After an error, which is the registry's, the stream has ended.
func (s *Streams) Attach(ctx context.Context, attached *feed.Attached, cancelAfter time.Duration) (*Stream, error) {
	info := attached.Stream.Info()
	stream := &Stream{
		Push: attached.Stream, feed: attached, streams: s,
		Entry: Entry{
			Node: s.options.Node, Attach: attached.Attach, Connection: info.Connection, User: info.User,
			Session: info.Session, Instance: info.Instance, Remote: info.Remote, Since: s.now(),
		},
		principal: principal{trade.UserID(info.User), info.Session, cancelAfter},
	}
	s.setLive(stream)
	previous, err := s.registry.Attach(ctx, stream.Entry, entryTTL)
	if err == nil && previous.Node != "" && previous.Node != s.options.Node {
		reason := push.ReasonSuperseded
		if previous.Instance == stream.Instance {
			reason = push.ReasonReplaced
		}
		err = s.registry.End(ctx, previous, reason, "another stream attached to the connection")
	}
	// Two streams that attach at once may come here in the other order. The hub has then
	// ended the earlier one, which ends here like any other stream.
	if err != nil && !errors.Is(err, ErrLaterAttach) {
		attached.Close()
		s.forget(stream)
		return nil, fmt.Errorf("live: attach: %w", err)
	}
	stream.observe(Observation{Kind: Began, Entry: stream.Entry, Epoch: stream.Push.Epoch()})
	stream.observeCarried()
	s.presence.attached(stream.principal)
	return stream, nil
}

// Acted notes that a session has entered or changed an order. If it has no stream and gets
// none within cancelAfter, its DAY orders are canceled then; 0 is never. The engine must
// already have the command.
func (s *Streams) Acted(user trade.UserID, session string, cancelAfter time.Duration) {
	s.presence.acted(principal{user, session, cancelAfter})
}

// setLive makes a stream its connection's live one, unless a later one is.
func (s *Streams) setLive(stream *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.streams[stream.Connection]; other == nil || other.Attach < stream.Attach {
		s.streams[stream.Connection] = stream
	}
}

// forget removes an ended stream.
func (s *Streams) forget(stream *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[stream.Connection] == stream {
		delete(s.streams, stream.Connection)
	}
}

// Acknowledge notes that the client has the responses up to a number of the stream with
// this attach number. Errors are those of push.Hub.Acknowledge.
func (s *Streams) Acknowledge(connection, user string, attach, number uint64) error {
	advanced, err := s.options.Hub.Acknowledge(connection, user, attach, number)
	if err != nil || !advanced {
		return err
	}
	if stream := s.stream(connection); stream != nil && stream.Attach == attach {
		stream.acknowledged()
	}
	return nil
}

// Attached returns the connections of a user that have a stream, on any node. Errors
// are the registry's.
func (s *Streams) Attached(ctx context.Context, user string) (map[string]bool, error) {
	entries, err := s.registry.List(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("live: list streams: %w", err)
	}
	attached := make(map[string]bool, len(entries))
	for _, e := range entries {
		attached[e.Connection] = true
	}
	return attached, nil
}

// End ends the stream of a user's connection, on whichever node it is. A connection
// without a stream is no error. Errors are the registry's.
func (s *Streams) End(ctx context.Context, user, connection string, reason push.Reason, message string) error {
	entries, err := s.registry.List(ctx, user)
	for _, e := range entries {
		if err == nil && e.Connection == connection {
			err = s.registry.End(ctx, e, reason, message)
		}
	}
	if err != nil {
		return fmt.Errorf("live: end a stream: %w", err)
	}
	return nil
}

// end ends a stream of this node, unless another has taken over its connection.
func (s *Streams) end(e Entry, reason push.Reason, message string) {
	if stream := s.stream(e.Connection); stream != nil && stream.Attach == e.Attach {
		s.options.Hub.End(push.Selector{Connection: e.Connection}, reason, message)
	}
}

// stream returns the live stream of a connection, or nil.
func (s *Streams) stream(connection string) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[connection]
}

// Run renews the registry's entries, writes evidence and deletes what is too old,
// until ctx ends. Then it writes the remainder and returns the error of that. It reports
// earlier errors to Options.Fault.
func (s *Streams) Run(ctx context.Context) error {
	renew, prune := time.NewTicker(renewInterval), time.NewTicker(pruneInterval)
	defer renew.Stop()
	defer prune.Stop()
	write := time.NewTimer(0) // Runs while observations wait.
	defer write.Stop()
	s.fault(s.prune(ctx))
	for {
		select {
		case <-ctx.Done():
			return s.evidence.flush(ctx)
		case <-s.evidence.wake:
			write.Reset(evidenceWait)
		case <-write.C:
			if err := s.evidence.flush(ctx); err != nil {
				s.fault(err)
				write.Reset(evidenceWait)
			}
		case <-renew.C:
			s.fault(s.renew(ctx))
		case <-prune.C:
			s.fault(s.prune(ctx))
		}
	}
}

// renew renews the entries of this node. It ends the streams whose connections another
// node holds: that node's request to end them was lost.
func (s *Streams) renew(ctx context.Context) error {
	s.mu.Lock()
	entries := make([]Entry, 0, len(s.streams))
	for _, stream := range s.streams {
		entries = append(entries, stream.Entry)
	}
	s.mu.Unlock()
	lost, err := s.registry.Renew(ctx, entries, entryTTL)
	if err != nil {
		return fmt.Errorf("live: renew: %w", err)
	}
	for _, e := range lost {
		s.end(e, push.ReasonReplaced, "another stream attached to the connection")
	}
	for _, e := range entries {
		// The renewal may have restored the entry of a stream that ended meanwhile.
		if s.stream(e.Connection) == nil {
			s.fault(s.registry.Detach(ctx, e))
		}
	}
	return nil
}

func (s *Streams) prune(ctx context.Context) error {
	if s.options.EvidenceRetention < 0 {
		return nil
	}
	if err := s.evidence.store.Prune(ctx, s.now().Add(-s.options.EvidenceRetention)); err != nil {
		return fmt.Errorf("live: prune evidence: %w", err)
	}
	return nil
}

// fault reports an error, unless work was only stopped.
func (s *Streams) fault(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.options.Fault(err)
	}
}
