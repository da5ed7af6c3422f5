package account

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// MemoryStore is a [Store] that forgets everything with the process: for tests,
// and the plain statement of what a Store does.
type MemoryStore struct {
	mu          sync.Mutex // protects everything below
	keys        map[uint32]Key
	credentials map[string]Credential
	attempts    map[string]Failures
	sessions    map[string]Session
	connections map[string]Connection
	entries     []Entry
	lastEntry   uint64
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		keys:        map[uint32]Key{},
		credentials: map[string]Credential{},
		attempts:    map[string]Failures{},
		sessions:    map[string]Session{},
		connections: map[string]Connection{},
	}
}

// Keys implements [KeyStore].
func (m *MemoryStore) Keys(context.Context) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.SortedFunc(maps.Values(m.keys), func(a, b Key) int { return cmp.Compare(a.ID, b.ID) })
	for i := range keys {
		keys[i].Secret = slices.Clone(keys[i].Secret)
	}
	return keys, nil
}

// AddKey implements [KeyStore].
func (m *MemoryStore) AddKey(_ context.Context, key Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys[key.ID]; ok {
		return fmt.Errorf("%w: %v exists", ErrConflict, key)
	}
	key.Secret = slices.Clone(key.Secret)
	m.keys[key.ID] = key
	return nil
}

// DeleteKeys implements [KeyStore].
func (m *MemoryStore) DeleteKeys(_ context.Context, below uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.keys, func(id uint32, _ Key) bool { return id < below })
	return nil
}

// Credential implements [CredentialStore].
func (m *MemoryStore) Credential(_ context.Context, user string) (Credential, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.credentials[user]
	if !ok {
		return Credential{}, fmt.Errorf("%w: credential", ErrNotFound)
	}
	return c, nil
}

// PutCredential implements [CredentialStore].
func (m *MemoryStore) PutCredential(_ context.Context, c Credential, keep string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.credentials[c.User].Version+1 != c.Version {
		return fmt.Errorf("%w: credential", ErrConflict)
	}
	m.credentials[c.User] = c
	m.endSessions(func(s Session) bool { return s.User == c.User && s.ID != keep })
	return nil
}

// Attempts implements [CredentialStore].
func (m *MemoryStore) Attempts(_ context.Context, subject string) (Failures, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.attempts[subject]
	f.Subject = subject
	return f, nil
}

// ChangeAttempts implements [CredentialStore].
func (m *MemoryStore) ChangeAttempts(_ context.Context, subjects []string, change func(Failures) Failures) ([]Failures, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := make([]Failures, 0, len(subjects))
	for _, subject := range subjects {
		f := m.attempts[subject]
		f.Subject = subject
		f = change(f)
		if f.Count == 0 {
			delete(m.attempts, subject)
		} else {
			m.attempts[subject] = f
		}
		changed = append(changed, f)
	}
	return changed, nil
}

// CreateSession implements [SessionStore].
func (m *MemoryStore) CreateSession(_ context.Context, s Session, c Connection, credential uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.credentials[s.User].Version != credential {
		return fmt.Errorf("%w: credential", ErrConflict)
	}
	if _, ok := m.sessions[s.ID]; ok {
		return fmt.Errorf("%w: session exists", ErrConflict)
	}
	m.sessions[s.ID] = s
	c.Attached = 0
	m.connections[c.ID] = c
	return nil
}

// RotateSession implements [SessionStore].
func (m *MemoryStore) RotateSession(_ context.Context, s Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, ok := m.sessions[s.ID]
	if !ok {
		return fmt.Errorf("%w: session", ErrNotFound)
	}
	if stored.Generation+1 != s.Generation {
		return fmt.Errorf("%w: session", ErrConflict)
	}
	m.sessions[s.ID] = s
	return nil
}

// EndSessions implements [SessionStore].
func (m *MemoryStore) EndSessions(_ context.Context, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endSessions(func(s Session) bool { return slices.Contains(ids, s.ID) })
	return nil
}

// endSessions is called with mu held.
func (m *MemoryStore) endSessions(which func(Session) bool) {
	maps.DeleteFunc(m.sessions, func(_ string, s Session) bool { return which(s) })
	maps.DeleteFunc(m.connections, func(_ string, c Connection) bool {
		_, ok := m.sessions[c.Session]
		return !ok
	})
}

// Session implements [SessionStore].
func (m *MemoryStore) Session(_ context.Context, id string) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		return Session{}, fmt.Errorf("%w: session", ErrNotFound)
	}
	return s, nil
}

// Sessions implements [SessionStore].
func (m *MemoryStore) Sessions(context.Context) ([]Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.sessions)), nil
}

// CreateConnection implements [ConnectionStore].
func (m *MemoryStore) CreateConnection(_ context.Context, c Connection, replaced string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.sessions[c.Session]; !ok {
		return fmt.Errorf("%w: session", ErrNotFound)
	}
	delete(m.connections, replaced)
	c.Attached = 0
	m.connections[c.ID] = c
	return nil
}

// SaveConnections implements [ConnectionStore].
func (m *MemoryStore) SaveConnections(_ context.Context, connections []Connection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range connections {
		if stored, ok := m.connections[c.ID]; ok {
			stored.LastAttach, stored.LastSeen, stored.LastCursor = c.LastAttach, c.LastSeen, c.LastCursor
			m.connections[c.ID] = stored
		}
	}
	return nil
}

// DeleteConnections implements [ConnectionStore].
func (m *MemoryStore) DeleteConnections(_ context.Context, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.connections, id)
	}
	return nil
}

// Connections implements [ConnectionStore].
func (m *MemoryStore) Connections(context.Context) ([]Connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.connections)), nil
}

// AppendAccess implements [AccessStore].
func (m *MemoryStore) AppendAccess(_ context.Context, entries []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		m.lastEntry++
		e.ID = m.lastEntry
		m.entries = append(m.entries, e)
	}
	return nil
}

// Access implements [AccessStore].
func (m *MemoryStore) Access(_ context.Context, query AccessQuery) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Entry
	for _, e := range slices.Backward(m.entries) {
		if len(found) == query.Limit {
			break
		}
		if (query.Before == 0 || e.ID < query.Before) && query.matches(e) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Prune implements [AccessStore].
func (m *MemoryStore) Prune(_ context.Context, log, attempts time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = slices.DeleteFunc(m.entries, func(e Entry) bool { return e.Time.Before(log) })
	maps.DeleteFunc(m.attempts, func(_ string, a Failures) bool {
		return a.Last.Before(attempts) && a.LockedUntil.Before(attempts)
	})
	return nil
}
