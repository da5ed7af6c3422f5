package account

import (
	"errors"
	"time"
)

// What a caller can have done wrong. Every error of [Service] is one of these,
// wrapped, or the end of the caller's context. None contains a password or a token.
var (
	// ErrInvalid says that an argument is malformed: an empty name, a password
	// that is not UTF-8. It does not depend on what is stored.
	ErrInvalid = errors.New("account: invalid argument")
	// ErrBadCredentials is the one answer to an unknown user and to a wrong password.
	ErrBadCredentials = errors.New("account: user name or password is wrong")
	// ErrWrongPassword says that the old password given to change it is wrong.
	ErrWrongPassword = errors.New("account: the old password is wrong")
	// ErrLockedOut matches every [LockedOutError].
	ErrLockedOut = errors.New("account: too many failed attempts")
	// ErrBusy says that too many passwords are being checked; try again later.
	ErrBusy = errors.New("account: too many sign-ins at once")
	// ErrUnavailable says that the store could not be read or written, because the disk is
	// full or another program has locked it; the store's error is wrapped too.
	ErrUnavailable = errors.New("account: the accounts cannot be read or written now")
	// ErrBadToken says that a token was not issued here, or not as what it is used for.
	ErrBadToken = errors.New("account: not a valid token")
	// ErrExpired says that a token, or the session behind it, has reached its end.
	ErrExpired = errors.New("account: token has expired")
	// ErrRevoked says that the session behind a token was ended.
	ErrRevoked = errors.New("account: session has ended")
	// ErrReused says that a refresh token came back after its successor was
	// used; the session was ended, since two must hold it.
	ErrReused = errors.New("account: refresh token was used before; the session has been ended")
	// ErrTooManySessions says that a user has as many sessions in use as allowed.
	ErrTooManySessions = errors.New("account: too many sessions")
	// ErrTooManyConnections says that all connections allowed are attached.
	ErrTooManyConnections = errors.New("account: too many connections")
	// ErrUnknownConnection says that a connection does not exist or has ended.
	ErrUnknownConnection = errors.New("account: unknown connection")
	// ErrNotYourConnection says that a connection belongs to another session.
	ErrNotYourConnection = errors.New("account: connection belongs to another session")
)

// LockedOutError refuses a password check, whatever the password, because too
// many failed before. It matches [ErrLockedOut].
type LockedOutError struct {
	// Until is when the next attempt is looked at.
	Until time.Time
}

// Error says until when, to the second.
func (e *LockedOutError) Error() string {
	return ErrLockedOut.Error() + "; wait until " + e.Until.UTC().Format(time.RFC3339)
}

// Is makes errors.Is(err, ErrLockedOut) true.
func (e *LockedOutError) Is(target error) bool { return target == ErrLockedOut }
