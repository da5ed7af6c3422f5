package accounttest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"todoku/account"
)

// MemoryStore is an [account.Store] in memory. It is the simplest statement of what
// a Store does.
type MemoryStore struct {
	mu          sync.Mutex // protects everything below
	keys        map[uint32]account.Key
	credentials map[string]account.Credential
	attempts    map[string]account.Failures
	sessions    map[string]account.Session
	connections map[string]account.Connection
	entries     []account.Entry
	lastEntry   uint64
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		keys:        map[uint32]account.Key{},
		credentials: map[string]account.Credential{},
		attempts:    map[string]account.Failures{},
		sessions:    map[string]account.Session{},
		connections: map[string]account.Connection{},
	}
}

// lock locks the store and returns what unlocks it.
func (m *MemoryStore) lock() (unlock func()) {
	m.mu.Lock()
	return m.mu.Unlock
}

// Keys implements [account.KeyStore].
func (m *MemoryStore) Keys(context.Context) ([]account.Key, error) {
	defer m.lock()()
	keys := slices.SortedFunc(maps.Values(m.keys), func(a, b account.Key) int { return cmp.Compare(a.ID, b.ID) })
	for i := range keys {
		keys[i].Secret = slices.Clone(keys[i].Secret)
	}
	return keys, nil
}

// AddKey implements [account.KeyStore].
func (m *MemoryStore) AddKey(_ context.Context, key account.Key) error {
	defer m.lock()()
	if _, ok := m.keys[key.ID]; ok {
		return fmt.Errorf("%w: %v exists", account.ErrConflict, key)
	}
	key.Secret = slices.Clone(key.Secret)
	m.keys[key.ID] = key
	return nil
}

// DeleteKeys implements [account.KeyStore].
func (m *MemoryStore) DeleteKeys(_ context.Context, below uint32) error {
	defer m.lock()()
	maps.DeleteFunc(m.keys, func(id uint32, _ account.Key) bool { return id < below })
	return nil
}

// Credential implements [account.CredentialStore].
func (m *MemoryStore) Credential(_ context.Context, user string) (account.Credential, error) {
	defer m.lock()()
	c, ok := m.credentials[user]
	if !ok {
		return account.Credential{}, fmt.Errorf("%w: credential", account.ErrNotFound)
	}
	return c, nil
}

// PutCredential implements [account.CredentialStore].
func (m *MemoryStore) PutCredential(_ context.Context, c account.Credential, keep string) error {
	defer m.lock()()
	if m.credentials[c.User].Version+1 != c.Version {
		return fmt.Errorf("%w: credential", account.ErrConflict)
	}
	m.credentials[c.User] = c
	m.endSessions(func(s account.Session) bool { return s.User == c.User && s.ID != keep })
	return nil
}

// Attempts implements [account.CredentialStore].
func (m *MemoryStore) Attempts(_ context.Context, subject string) (account.Failures, error) {
	defer m.lock()()
	f := m.attempts[subject]
	f.Subject = subject
	return f, nil
}

// ChangeAttempts implements [account.CredentialStore].
func (m *MemoryStore) ChangeAttempts(_ context.Context, subjects []string, change func(account.Failures) account.Failures) ([]account.Failures, error) {
	defer m.lock()()
	changed := make([]account.Failures, 0, len(subjects))
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

// CreateSession implements [account.SessionStore].
func (m *MemoryStore) CreateSession(_ context.Context, s account.Session, c account.Connection, credential uint64) error {
	defer m.lock()()
	if m.credentials[s.User].Version != credential {
		return fmt.Errorf("%w: credential", account.ErrConflict)
	}
	if _, ok := m.sessions[s.ID]; ok {
		return fmt.Errorf("%w: session exists", account.ErrConflict)
	}
	m.sessions[s.ID] = s
	m.connections[c.ID] = c
	return nil
}

// RotateSession implements [account.SessionStore].
func (m *MemoryStore) RotateSession(_ context.Context, s account.Session) error {
	defer m.lock()()
	stored, ok := m.sessions[s.ID]
	if !ok {
		return fmt.Errorf("%w: session", account.ErrNotFound)
	}
	if stored.Generation+1 != s.Generation {
		return fmt.Errorf("%w: session", account.ErrConflict)
	}
	m.sessions[s.ID] = s
	return nil
}

// EndSessions implements [account.SessionStore].
func (m *MemoryStore) EndSessions(_ context.Context, ids []string) error {
	defer m.lock()()
	m.endSessions(func(s account.Session) bool { return slices.Contains(ids, s.ID) })
	return nil
}

// endSessions is called with mu held.
func (m *MemoryStore) endSessions(which func(account.Session) bool) {
	maps.DeleteFunc(m.sessions, func(_ string, s account.Session) bool { return which(s) })
	maps.DeleteFunc(m.connections, func(_ string, c account.Connection) bool {
		_, ok := m.sessions[c.Session]
		return !ok
	})
}

// Session implements [account.SessionStore].
func (m *MemoryStore) Session(_ context.Context, id string) (account.Session, error) {
	defer m.lock()()
	s, ok := m.sessions[id]
	if !ok {
		return account.Session{}, fmt.Errorf("%w: session", account.ErrNotFound)
	}
	return s, nil
}

// Sessions implements [account.SessionStore].
func (m *MemoryStore) Sessions(context.Context) ([]account.Session, error) {
	defer m.lock()()
	return slices.Collect(maps.Values(m.sessions)), nil
}

// CreateConnection implements [account.ConnectionStore].
func (m *MemoryStore) CreateConnection(_ context.Context, c account.Connection, replaced string) error {
	defer m.lock()()
	if _, ok := m.sessions[c.Session]; !ok {
		return fmt.Errorf("%w: session", account.ErrNotFound)
	}
	delete(m.connections, replaced)
	m.connections[c.ID] = c
	return nil
}

// Connections implements [account.ConnectionStore].
func (m *MemoryStore) Connections(_ context.Context, session string) ([]account.Connection, error) {
	defer m.lock()()
	var found []account.Connection
	for _, c := range m.connections {
		if session == "" || c.Session == session {
			found = append(found, c)
		}
	}
	return found, nil
}

// AppendAccess implements [account.AccessStore].
func (m *MemoryStore) AppendAccess(_ context.Context, entries []account.Entry) error {
	defer m.lock()()
	for _, e := range entries {
		m.lastEntry++
		e.ID = m.lastEntry
		m.entries = append(m.entries, e)
	}
	return nil
}

// Access implements [account.AccessStore].
func (m *MemoryStore) Access(_ context.Context, query account.AccessQuery) ([]account.Entry, error) {
	defer m.lock()()
	var found []account.Entry
	for _, e := range slices.Backward(m.entries) {
		if len(found) == query.Limit {
			break
		}
		if (query.Before == 0 || e.ID < query.Before) && selects(query.AccessFilter, e) {
			found = append(found, e)
		}
	}
	return found, nil
}

// selects is the meaning of an AccessFilter.
func selects(f account.AccessFilter, e account.Entry) bool {
	return (f.User == "" || f.User == e.User) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) &&
		(f.From.IsZero() || !e.Time.Before(f.From)) &&
		(f.Until.IsZero() || e.Time.Before(f.Until))
}

// Prune implements [account.AccessStore].
func (m *MemoryStore) Prune(_ context.Context, log, attempts time.Time) error {
	defer m.lock()()
	m.entries = slices.DeleteFunc(m.entries, func(e account.Entry) bool { return e.Time.Before(log) })
	maps.DeleteFunc(m.attempts, func(_ string, a account.Failures) bool {
		return a.Last.Before(attempts) && a.LockedUntil.Before(attempts)
	})
	return nil
}
