package account

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Errors that a Store returns, wrapped or bare.
var (
	// ErrNotFound says that the thing asked for is not stored.
	ErrNotFound = errors.New("account: not found")
	// ErrConflict says that what is stored is not what the caller expected;
	// nothing was changed.
	ErrConflict = errors.New("account: changed by a concurrent write")
)

// Store is what a database must do for a [Service]; accounttest.Run is the suite
// that every Store passes.
//
// Each method must be one transaction: durable when it returns nil, without
// effect when it returns an error. Methods must be safe for concurrent use and
// must not keep the slices or byte slices they are given. Times come back as
// they went in to the nanosecond, in UTC; the zero time stays the zero time.
type Store interface {
	// Keys must return all keys by rising ID.
	Keys(ctx context.Context) ([]Key, error)
	// AddKey must return ErrConflict if a key with that ID exists.
	AddKey(ctx context.Context, key Key) error
	// DeleteKeys must delete every key whose ID is less than below.
	DeleteKeys(ctx context.Context, below uint32) error

	// Credential must return ErrNotFound for a user without one.
	Credential(ctx context.Context, user string) (Credential, error)
	// PutCredential must store c if its Version is one more than the stored one
	// (a missing credential has version 0) and return ErrConflict otherwise. In
	// the same transaction it must delete the user's sessions, except the one
	// whose ID is keep, and their connections.
	PutCredential(ctx context.Context, c Credential, keep string) error
	// Attempts must return the failures counted against subject; if there are
	// none, the zero value with its Subject set.
	Attempts(ctx context.Context, subject string) (Failures, error)
	// ChangeAttempts must replace, in one transaction, what is stored for each
	// subject by what change makes of it, and return the new values in the order
	// of subjects. change gets and returns the zero value with its Subject set
	// where nothing is stored; a Count of 0 is stored as nothing. change is pure
	// and quick and may be called under a lock, also more than once.
	ChangeAttempts(ctx context.Context, subjects []string, change func(Failures) Failures) ([]Failures, error)

	// CreateSession must store a session with its first connection, and return
	// ErrConflict if the user's credential does not have the given version:
	// a password changed meanwhile must not leave a session of the old one.
	CreateSession(ctx context.Context, s Session, c Connection, credential uint64) error
	// RotateSession must replace the session from by to, which has the same ID, if
	// Generation and Refreshed of the stored one are those of from. It must return
	// ErrConflict if that is not so, and ErrNotFound if the session does not exist.
	RotateSession(ctx context.Context, from, to Session) error
	// EndSessions must delete the sessions and their connections; one that does
	// not exist is not an error.
	EndSessions(ctx context.Context, ids []string) error
	// Session must return ErrNotFound if the session does not exist.
	Session(ctx context.Context, id string) (Session, error)
	// Sessions must return all sessions, in any order.
	Sessions(ctx context.Context) ([]Session, error)

	// CreateConnection must delete the connection replaced, unless that is "",
	// and store c. It must return ErrNotFound if c's session does not exist.
	CreateConnection(ctx context.Context, c Connection, replaced string) error
	// Connections must return the connections of a session, or all for "", in any order.
	Connections(ctx context.Context, session string) ([]Connection, error)

	// AppendAccess must store the entries in order under rising IDs of its own
	// choice, greater than any it ever used.
	AppendAccess(ctx context.Context, entries []Entry) error
	// Access must return the entries that match the query, newest (greatest ID)
	// first.
	Access(ctx context.Context, query AccessQuery) ([]Entry, error)
	// Prune must delete what is older than before says, at most PruneBatch log entries,
	// and report whether more log entries are left to delete.
	Prune(ctx context.Context, before Horizon) (more bool, err error)
}

// PruneBatch is how many log entries one Prune deletes at most: a write that takes longer
// holds up sign-ins.
const PruneBatch = 10_000

// Horizon says what is too old to be kept. A zero time keeps everything.
type Horizon struct {
	// Log is for all entries of the access log, Activity for the kinds that
	// [ActivityKinds] lists.
	Log      time.Time
	Activity time.Time
	// Attempts is for failed attempts: their Last and LockedUntil must both be before it.
	Attempts time.Time
}

// Key signs tokens. A new one takes over from the one before; old ones stay as
// long as a token signed by them may be shown.
type Key struct {
	// ID counts from 1; the greatest is the one that signs.
	ID uint32
	// Secret is 32 random bytes.
	Secret []byte
	// Created is when the key took over.
	Created time.Time
}

// String names the key and not its secret.
func (k Key) String() string { return "key " + strconv.FormatUint(uint64(k.ID), 10) }

// GoString is String, so that %#v keeps the secret too.
func (k Key) GoString() string { return k.String() }

// Credential is a user's password, hashed.
type Credential struct {
	User string
	// Hash is in the PHC string format: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
	Hash string
	// Version counts the user's passwords from 1.
	Version uint64
	// Updated is when this password was set.
	Updated time.Time
}

// String names the user and not the hash.
func (c Credential) String() string { return "credential of " + c.User }

// GoString is String, so that %#v keeps the hash too.
func (c Credential) GoString() string { return c.String() }

// Failures is how often a password check failed in a row.
type Failures struct {
	// Subject says whose failures: a text that begins with "user:", "sign-in:",
	// "change:" or "address:".
	Subject string
	Count   int
	// Last is when the last one failed.
	Last time.Time
	// LockedUntil is until when attempts are refused unseen; zero for not locked.
	LockedUntil time.Time
}

// Session is what a sign-in makes. It lives until it is ended or was not
// refreshed for Config.RefreshTTL.
type Session struct {
	// ID is random. It is shown in listings and opens nothing by itself.
	ID   string
	User string
	// ClientName is what the client called itself, and RemoteAddr where it
	// signed in from.
	ClientName string
	RemoteAddr string
	Created    time.Time
	// Generation counts refresh tokens from 1, and KeyID is the key that signed
	// the newest. With the two the newest refresh token is computed again; it is
	// stored nowhere.
	Generation uint64
	KeyID      uint32
	// Refreshed is when the newest generation was made.
	Refreshed time.Time
	// AccessExpires is when the newest access token expires.
	AccessExpires time.Time
	// Expires is when the session ends unless it is refreshed.
	Expires time.Time
}

// Connection is what a stream attaches to: one desktop or tab of a session.
type Connection struct {
	// ID is unguessable (128 random bits); only its session may use it.
	ID         string
	Session    string
	User       string
	ClientName string
	RemoteAddr string
	Created    time.Time
	// CancelOnDisconnect is how long after its stream is lost the user's orders
	// are to be cancelled; 0 is never.
	CancelOnDisconnect time.Duration
	// LastSeen is when its last stream detached here, or when it was made.
	LastSeen time.Time
}

// AccessFilter selects entries of the access log. Zero fields select everything.
type AccessFilter struct {
	User string
	// Kinds is any of these.
	Kinds []Kind
	// From and Until bound Time: from From on, and before Until.
	From  time.Time
	Until time.Time
}

// AccessQuery selects entries of the access log.
type AccessQuery struct {
	AccessFilter
	// Before is an ID: only entries with smaller ones match. 0 is no bound.
	Before uint64
	// Limit is the greatest number of entries to return, at least 1.
	Limit int
}
