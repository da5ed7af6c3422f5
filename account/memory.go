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
	receipts    []Receipt
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
func (m *MemoryStore) Connections(_ context.Context, session string) ([]Connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Connection
	for _, c := range m.connections {
		if session == "" || c.Session == session {
			found = append(found, c)
		}
	}
	return found, nil
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

// AppendReceipts implements [ReceiptStore].
func (m *MemoryStore) AppendReceipts(_ context.Context, receipts []Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.receipts = append(m.receipts, receipts...)
	return nil
}

// CloseReceipts implements [ReceiptStore].
func (m *MemoryStore) CloseReceipts(_ context.Context, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Clone(m.receipts) {
		if r.Step == ReceiptBegan && m.step(r.Attach, ReceiptEnded, nil) == nil {
			m.receipts = append(m.receipts, Receipt{Attach: r.Attach, Step: ReceiptEnded, Time: at, Reason: ProcessGone})
		}
	}
	return nil
}

// step returns the first receipt of an attach's step that fits, in order of
// sequence. It is called with mu held.
func (m *MemoryStore) step(attach uint64, step ReceiptStep, fits func(Receipt) bool) *Receipt {
	var found *Receipt
	for i := range m.receipts {
		r := &m.receipts[i]
		if r.Attach == attach && r.Step == step && (fits == nil || fits(*r)) && (found == nil || r.Sequence <= found.Sequence) {
			found = r
		}
	}
	return found
}

// Told implements [ReceiptStore].
func (m *MemoryStore) Told(_ context.Context, query ToldQuery) ([]Told, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Told
	for _, began := range m.receipts {
		if began.Step != ReceiptBegan || began.Attach <= query.After || began.Epoch != query.Epoch ||
			query.User != "" && began.User != query.User {
			continue
		}
		t := Told{
			Attach: began.Attach, User: began.User, Session: began.Session, Connection: began.Connection,
			RemoteAddr: began.RemoteAddr, Began: began.Time,
		}
		if end := m.step(began.Attach, ReceiptEnded, nil); end != nil {
			if end.Time.Before(query.Committed) || end.Sequence < query.Sequence && end.Reason != ProcessGone {
				continue
			}
			t.Ended, t.Reason = end.Time, end.Reason
		}
		carries := false
		last := uint64(0)
		for _, r := range m.receipts {
			if r.Attach == began.Attach && r.Step == ReceiptCarries && r.Sequence < query.Sequence && (!carries || r.Sequence >= last) {
				carries, last, t.Topics = true, r.Sequence, r.Topics
			}
		}
		if !carries {
			continue
		}
		if ack := m.step(began.Attach, ReceiptAcknowledged, func(r Receipt) bool { return r.Sequence >= query.Sequence }); ack != nil {
			t.Acknowledged, t.AcknowledgedAt = ack.Sequence, ack.Time
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Told) int { return cmp.Compare(a.Attach, b.Attach) })
	return list[:min(len(list), query.Limit)], nil
}

// PruneReceipts implements [ReceiptStore].
func (m *MemoryStore) PruneReceipts(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := map[uint64]bool{}
	for _, r := range m.receipts {
		if r.Step == ReceiptEnded && r.Time.Before(before) {
			gone[r.Attach] = true
		}
	}
	m.receipts = slices.DeleteFunc(m.receipts, func(r Receipt) bool { return gone[r.Attach] })
	return nil
}
