package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"todoku/push"
)

// DefaultNode is the name of the node of a venue that has only one.
const DefaultNode = "main"

// ErrLaterAttach says that a stream that attached later holds the connection.
var ErrLaterAttach = errors.New("live: a later stream is attached to the connection")

// Entry is the stream that holds a connection.
type Entry struct {
	// Node is the name of the process that serves the stream.
	Node string
	// Attach is the attach number; of two streams the later has the greater one.
	Attach     uint64
	Connection string
	User       string
	Session    string
	// Instance is the client instance that attached.
	Instance string
	// Remote is the client's address, without the port.
	Remote string
	// Since is when the stream attached.
	Since time.Time
}

// Registry has the stream that holds each connection, on all nodes. An entry expires
// unless it is renewed, so that the entries of a dead node disappear. A venue that loses
// its registry loses no event. livetest.Registry is the suite that every one passes.
//
// Methods must be safe for concurrent use. After an error that is not named here the
// caller may try again.
type Registry interface {
	// Attach must make the entry the holder of its connection until ttl has passed,
	// and return the one that held it, or the zero Entry. It must change nothing
	// and return ErrLaterAttach if an entry with a greater attach number holds it.
	Attach(ctx context.Context, e Entry, ttl time.Duration) (previous Entry, err error)
	// Renew must keep entries that hold their connections for another ttl, and restore
	// those whose connections no entry holds. It must return those whose connections a
	// later attach holds.
	Renew(ctx context.Context, entries []Entry, ttl time.Duration) (lost []Entry, err error)
	// Detach must remove the entry if it holds its connection.
	Detach(ctx context.Context, e Entry) error
	// List must return the entries of a user, or all for "", by rising attach number.
	List(ctx context.Context, user string) ([]Entry, error)
	// End must ask the entry's node to end its stream with a reason and a message
	// for people. It is no error if the stream has ended or its node is gone.
	End(ctx context.Context, e Entry, reason push.Reason, message string) error
}

// MemoryRegistry is the [Registry] of a venue with one node.
type MemoryRegistry struct {
	end func(e Entry, reason push.Reason, message string)

	mu      sync.Mutex // protects what follows
	holders map[string]holder
}

type holder struct {
	Entry
	expires time.Time
}

// NewMemoryRegistry returns an empty registry. end must end a stream of this node;
// it is called without locks.
func NewMemoryRegistry(end func(e Entry, reason push.Reason, message string)) *MemoryRegistry {
	return &MemoryRegistry{end: end, holders: map[string]holder{}}
}

// holder returns the entry that holds a connection, or the zero Entry. The caller holds
// mu.
func (m *MemoryRegistry) holder(connection string) Entry {
	if h := m.holders[connection]; time.Now().Before(h.expires) {
		return h.Entry
	}
	return Entry{}
}

// Attach implements [Registry].
func (m *MemoryRegistry) Attach(_ context.Context, e Entry, ttl time.Duration) (Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	previous := m.holder(e.Connection)
	if previous.Attach > e.Attach {
		return Entry{}, fmt.Errorf("%w: %d, not %d", ErrLaterAttach, previous.Attach, e.Attach)
	}
	m.holders[e.Connection] = holder{e, time.Now().Add(ttl)}
	return previous, nil
}

// Renew implements [Registry].
func (m *MemoryRegistry) Renew(_ context.Context, entries []Entry, ttl time.Duration) (lost []Entry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(m.holders, func(_ string, h holder) bool { return !now.Before(h.expires) })
	for _, e := range entries {
		if m.holders[e.Connection].Attach > e.Attach {
			lost = append(lost, e)
			continue
		}
		m.holders[e.Connection] = holder{e, now.Add(ttl)}
	}
	return lost, nil
}

// Detach implements [Registry].
func (m *MemoryRegistry) Detach(_ context.Context, e Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holders[e.Connection].Attach == e.Attach {
		delete(m.holders, e.Connection)
	}
	return nil
}

// List implements [Registry].
func (m *MemoryRegistry) List(_ context.Context, user string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Entry
	for connection, h := range m.holders {
		if (user == "" || user == h.User) && m.holder(connection) == h.Entry {
			list = append(list, h.Entry)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.Attach, b.Attach) })
	return list, nil
}

// End implements [Registry].
func (m *MemoryRegistry) End(_ context.Context, e Entry, reason push.Reason, message string) error {
	m.mu.Lock()
	held := m.holder(e.Connection).Attach == e.Attach
	m.mu.Unlock()
	if held {
		m.end(e, reason, message)
	}
	return nil
}
