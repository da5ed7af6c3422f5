package feed

import (
	"errors"
	"fmt"

	"todoku/push"
	"todoku/trade"
)

// Errors of the package, matched with errors.Is. Those of the hub, such as
// [push.ErrNotAttached], are returned unchanged.
var (
	// ErrNotReady means that the feed has not caught up with the journal yet.
	ErrNotReady = errors.New("feed: not ready yet")
	// ErrStopped means that Run has returned.
	ErrStopped = errors.New("feed: stopped")
	// ErrUnknownUser means that the venue has no such user.
	ErrUnknownUser = errors.New("feed: unknown user")
	// ErrSuspended means that the user may not use the venue now.
	ErrSuspended = errors.New("feed: user is suspended")
	// ErrNotPermitted means that the user's roles do not allow what is asked for.
	ErrNotPermitted = errors.New("feed: not permitted")
	// ErrBadSubscription is inside every [*SubscriptionError].
	ErrBadSubscription = errors.New("feed: bad subscription")
	// ErrBadCursor means that a cursor is ahead of the venue.
	ErrBadCursor = fmt.Errorf("feed: cursor is ahead of the journal: %w", push.ErrBadCursor)
	// ErrUnknownEpoch means that a cursor belongs to another history.
	ErrUnknownEpoch = errors.New("feed: cursor of another history")
	// ErrTooFarBehind means that more has happened after a cursor, or it is longer ago,
	// than is replayed.
	ErrTooFarBehind = errors.New("feed: too far behind")
	// ErrCompacted means that the records after a cursor are no longer kept.
	ErrCompacted = errors.New("feed: history of that time is no longer kept")
	// ErrReattach means that a change of subscription needs more state than a live
	// stream can take.
	ErrReattach = errors.New("feed: the change needs more state than a live stream can take; attach again without a cursor")
	// ErrBadIndex means that a stored index is damaged or of another version.
	ErrBadIndex = errors.New("feed: bad index")
)

// SubscriptionError is what is wrong with a subscription. It matches
// [ErrBadSubscription].
type SubscriptionError struct {
	// Symbol is the unknown instrument; empty for another problem.
	Symbol trade.Symbol
	// Problem is the text for people.
	Problem string
}

// Error returns the problem.
func (e *SubscriptionError) Error() string {
	return ErrBadSubscription.Error() + ": " + e.Problem
}

// Is makes errors.Is(err, ErrBadSubscription) true.
func (e *SubscriptionError) Is(target error) bool { return target == ErrBadSubscription }
