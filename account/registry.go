package account

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// registry is what this process knows of live sessions and connections, so that
// Verify asks no database. The store is the truth: a session enters after it was
// stored and leaves after its end was. A connection enters before it is stored,
// which keeps the bounds exact; its ID leaves this package only after it is stored.
type registry struct {
	mu          sync.RWMutex // protects everything below
	sessions    map[string]*liveSession
	connections map[string]*Connection
	users       map[string]map[string]*liveSession // by user, then by session
	// ended holds sessions that have ended, until no access token of theirs can be
	// valid any more. A read of the store that began before the end cannot bring
	// them back, and their tokens cost no second read.
	ended map[string]time.Time
}

// lookUpInterval is the least time between two look-ups of a session's connections.
const lookUpInterval = time.Second

// liveSession is a session and its connections.
type liveSession struct {
	Session
	connections map[string]*Connection
	inUse       uint64    // The newest generation whose access token was seen.
	lookedUp    time.Time // When an unknown connection was last looked up in the store.
}

func newRegistry(sessions []Session, connections []Connection) *registry {
	r := &registry{
		sessions:    make(map[string]*liveSession, len(sessions)),
		connections: make(map[string]*Connection, len(connections)),
		users:       map[string]map[string]*liveSession{},
		ended:       map[string]time.Time{},
	}
	for _, s := range sessions {
		r.insert(s)
	}
	r.addConnections(connections)
	return r
}

// addConnections takes over stored connections of live sessions that are not known yet.
func (r *registry) addConnections(stored []Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range stored {
		live, ok := r.sessions[c.Session]
		if _, known := r.connections[c.ID]; ok && !known {
			r.enter(live, c)
		}
	}
}

// insert is called with mu held, or before anyone else has the registry.
func (r *registry) insert(s Session) *liveSession {
	live := &liveSession{Session: s, connections: map[string]*Connection{}}
	r.sessions[s.ID] = live
	if r.users[s.User] == nil {
		r.users[s.User] = map[string]*liveSession{}
	}
	r.users[s.User][s.ID] = live
	return live
}

// add enters a session that was just stored with its first connection.
func (r *registry) add(s Session, c Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enter(r.insert(s), c)
}

// enter adds a connection to its session; it is called with mu held.
func (r *registry) enter(live *liveSession, c Connection) {
	live.connections[c.ID] = &c
	r.connections[c.ID] = &c
}

// session returns the session, or false if it has ended.
func (r *registry) session(id string) (Session, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live, ok := r.sessions[id]
	if !ok {
		return Session{}, false
	}
	return live.Session, true
}

// cancelOnDisconnect returns the setting, which all connections of a session share.
func (r *registry) cancelOnDisconnect(session string) time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if live := r.sessions[session]; live != nil {
		for _, c := range live.connections {
			return c.CancelOnDisconnect
		}
	}
	return 0
}

// hasEnded reports whether the session is known to have ended.
func (r *registry) hasEnded(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ended := r.ended[id]
	return ended
}

// take takes over a session as the store has it: a refreshed one, or one of another
// process. It reports whether the session is alive, and whether this was news: the
// same or a later refresh may have come first.
func (r *registry) take(s Session) (alive, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ended := r.ended[s.ID]; ended {
		return false, false
	}
	live, ok := r.sessions[s.ID]
	switch {
	case !ok:
		r.insert(s)
	case live.Generation > s.Generation, live.Generation == s.Generation && !s.AccessExpires.After(live.AccessExpires):
		return true, false
	default:
		live.Session = s
	}
	return true, true
}

// newest returns the session, and whether nobody was seen to use the tokens of its newest
// generation; or false if it has ended.
func (r *registry) newest(id string) (s Session, unused, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live, ok := r.sessions[id]
	if !ok {
		return Session{}, false, false
	}
	return live.Session, live.inUse < live.Generation, true
}

// use notes that the tokens of the session's generation are in use.
func (r *registry) use(s Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if live, ok := r.sessions[s.ID]; ok {
		live.inUse = max(live.inUse, s.Generation)
	}
}

// used reports whether somebody was seen to use the tokens of the session's generation.
func (r *registry) used(s Session) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live, ok := r.sessions[s.ID]
	return ok && live.inUse >= s.Generation
}

// end removes sessions and returns those that were there, so that each end is
// reported once however many ended it. Their tokens are refused without a look into
// the store until the time given.
func (r *registry) end(ids []string, until time.Time) []Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ended []Session
	for _, id := range ids {
		r.ended[id] = until
		live, ok := r.sessions[id]
		if !ok {
			continue
		}
		ended = append(ended, live.Session)
		for connection := range live.connections {
			delete(r.connections, connection)
		}
		delete(r.sessions, id)
		delete(r.users[live.User], id)
		if len(r.users[live.User]) == 0 {
			delete(r.users, live.User)
		}
	}
	return ended
}

// list returns the sessions of a user, or all for "", oldest first.
func (r *registry) list(user string) []Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live := r.sessions
	if user != "" {
		live = r.users[user]
	}
	list := make([]Session, 0, len(live))
	for _, s := range live {
		list = append(list, s.Session)
	}
	slices.SortFunc(list, func(a, b Session) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// due returns the IDs of at most limit sessions that have expired at now, and
// forgets ended ones whose tokens have expired too.
func (r *registry) due(now time.Time, limit int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.ended, func(_ string, until time.Time) bool { return now.After(until) })
	var ids []string
	for id, s := range r.sessions {
		if len(ids) == limit {
			break
		}
		if !now.Before(s.Expires) {
			ids = append(ids, id)
		}
	}
	return ids
}

// makeRoom says which session must end before user may have another: none while
// there are fewer than bound, else the one idle longest. A session is idle when
// its newest access token has expired: no stream and no call can be using it.
// It reports false when there is no room and none is idle.
func (r *registry) makeRoom(user string, bound int, now time.Time) (id string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.users[user]) < bound {
		return "", true
	}
	oldest := now
	for candidate, s := range r.users[user] {
		if s.AccessExpires.Before(oldest) {
			id, oldest = candidate, s.AccessExpires
		}
	}
	return id, id != ""
}

// connection returns a copy of the connection, or false if it has ended.
func (r *registry) connection(id string) (Connection, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.connections[id]
	if !ok {
		return Connection{}, false
	}
	return *c, true
}

// mayLookUp reports whether a connection of the session may be looked up in the store, and
// notes that it is.
func (r *registry) mayLookUp(session string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	live, ok := r.sessions[session]
	if !ok || !live.lookedUp.IsZero() && now.Sub(live.lookedUp).Abs() < lookUpInterval {
		return false
	}
	live.lookedUp = now
	return true
}

// found notes that the last look-up found its connection, so the next one need not wait.
func (r *registry) found(session string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if live, ok := r.sessions[session]; ok {
		live.lookedUp = time.Time{}
	}
}

// reserve enters a new connection of a live session, with the CancelOnDisconnect of
// its other connections. At a bound it removes the connection that was detached
// longest ago and returns its ID, or refuses with ErrTooManyConnections when all are
// attached. Without attached, none may be removed. ErrRevoked: the session has ended.
func (r *registry) reserve(c *Connection, perSession, perUser int, attached map[string]bool) (replaced string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	live, ok := r.sessions[c.Session]
	if !ok {
		return "", ErrRevoked
	}
	for _, other := range live.connections {
		c.CancelOnDisconnect = other.CancelOnDisconnect
	}
	ofUser := 0
	for _, s := range r.users[c.User] {
		ofUser += len(s.connections)
	}
	if len(live.connections) >= perSession || ofUser >= perUser {
		if attached == nil {
			return "", ErrTooManyConnections
		}
		victim := longestDetached(attached, live)
		if victim == nil && len(live.connections) < perSession {
			victim = longestDetached(attached, slices.Collect(maps.Values(r.users[c.User]))...)
		}
		if victim == nil {
			return "", ErrTooManyConnections
		}
		replaced = victim.ID
		r.forget(victim.ID)
	}
	r.enter(live, *c)
	return replaced, nil
}

// longestDetached returns the connection that was detached longest ago, nil when all
// are attached.
func longestDetached(attached map[string]bool, sessions ...*liveSession) (longest *Connection) {
	for _, s := range sessions {
		for id, c := range s.connections {
			if !attached[id] && (longest == nil || c.LastSeen.Before(longest.LastSeen)) {
				longest = c
			}
		}
	}
	return longest
}

// forget removes a connection; it is called with mu held.
func (r *registry) forget(id string) {
	if c, ok := r.connections[id]; ok {
		delete(r.connections, id)
		delete(r.sessions[c.Session].connections, id)
	}
}

// drop removes a connection.
func (r *registry) drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id)
}

// detached notes when a connection was last without a stream.
func (r *registry) detached(id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.connections[id]; ok {
		c.LastSeen = at
	}
}

// counts returns how many sessions and connections there are.
func (r *registry) counts() (sessions, connections int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.sessions), len(r.connections)
}
