package feed

import (
	"errors"
	"fmt"

	"todoku/push"
	"todoku/trade"
)

// Errors of the package, matched with errors.Is. Those of the hub (see
// [push.ErrNotAttached] and its neighbours) come through unchanged.
var (
	// ErrNotReady says that the feed has not caught up with the journal yet; it
	// will within moments.
	ErrNotReady = errors.New("feed: not ready yet")
	// ErrStopped says that Run has returned.
	ErrStopped = errors.New("feed: stopped")
	// ErrUnknownUser says that the venue has no such user.
	ErrUnknownUser = errors.New("feed: unknown user")
	// ErrSuspended says that the user may not use the venue now.
	ErrSuspended = errors.New("feed: user is suspended")
	// ErrNotPermitted says that the user's roles do not allow what is asked for.
	ErrNotPermitted = errors.New("feed: not permitted")
	// ErrBadSubscription is inside every [*SubscriptionError].
	ErrBadSubscription = errors.New("feed: bad subscription")
	// ErrBadCursor says that a cursor is ahead of the venue.
	ErrBadCursor = fmt.Errorf("feed: cursor from the future: %w", push.ErrBadCursor)
	// ErrUnknownEpoch says that a cursor belongs to another history.
	ErrUnknownEpoch = errors.New("feed: cursor of another history")
	// ErrTooFarBehind says that more happened after a cursor, or longer ago, than
	// is replayed.
	ErrTooFarBehind = errors.New("feed: too far behind")
	// ErrCompacted says that the records after a cursor are no longer kept.
	ErrCompacted = errors.New("feed: history of that time is no longer kept")
	// ErrReattach says that a change of subscription needs more state than a live
	// stream is given at once: attach anew without a cursor.
	ErrReattach = errors.New("feed: attach again without a cursor for that much state")
	// ErrBadIndex says that a stored index is damaged or of another version.
	ErrBadIndex = errors.New("feed: bad index")
)

// SubscriptionError says what is wrong with a subscription. It matches
// [ErrBadSubscription].
type SubscriptionError struct {
	// Symbol is the unknown instrument; empty when it is not about one.
	Symbol trade.Symbol
	// Problem says what is wrong, for people.
	Problem string
}

// Error says what is wrong.
func (e *SubscriptionError) Error() string {
	return ErrBadSubscription.Error() + ": " + e.Problem
}

// Is makes errors.Is(err, ErrBadSubscription) true.
func (e *SubscriptionError) Is(target error) bool { return target == ErrBadSubscription }
