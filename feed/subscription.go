package feed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"todoku/push"
	"todoku/trade"
)

// MaxSymbols bounds the instruments that a subscription names.
const MaxSymbols = 1000

// maxInitial bounds the state that a live stream gets at once when its subscription or
// its user's rights grow, because that goes through the stream's queue of events.
const maxInitial = 1000

// Subscription is what a stream carries besides what always concerns its user.
type Subscription struct {
	// Symbols are the instruments whose book, best prices and prints are wanted.
	Symbols []trade.Symbol
	// AllSymbols asks for every instrument, those created later included.
	AllSymbols bool
	// Presence asks for who signs in and out.
	Presence bool
	// AllAccounts asks for everything of all accounts; needs RISK or ADMIN.
	AllAccounts bool
	// StateInterval is the least time between two values of state with one key; zero
	// means the hub's default. It cannot be changed after the attach.
	StateInterval time.Duration
}

func (s Subscription) clone() Subscription {
	s.Symbols = slices.Clone(s.Symbols)
	return s
}

// visibility is what a stream may see of accounts and presence.
type visibility struct {
	all      bool
	accounts []trade.AccountID
	presence bool
}

func visibilityOf(user *trade.User, subscription Subscription) visibility {
	return visibility{
		all:      subscription.AllAccounts && seesAllAccounts(user),
		accounts: user.Accounts,
		presence: subscription.Presence,
	}
}

func (p visibility) sees(account trade.AccountID) bool {
	return p.all || slices.Contains(p.accounts, account)
}

// authorise returns a user who may use the venue and have the subscription. The caller
// holds mu. Errors: ErrNotReady, ErrStopped, ErrUnknownUser, ErrSuspended,
// ErrNotPermitted, a *SubscriptionError.
func (f *Feed) authorise(id trade.UserID, subscription Subscription) (*trade.User, error) {
	user := f.views.users[id]
	switch {
	case !f.isReady():
		return nil, ErrNotReady
	case isClosed(f.stopped):
		return nil, ErrStopped
	case user == nil:
		return nil, ErrUnknownUser
	case user.Suspended:
		return nil, ErrSuspended
	case subscription.AllAccounts && !seesAllAccounts(user):
		return nil, fmt.Errorf("%w: all accounts need the role RISK or ADMIN", ErrNotPermitted)
	case len(subscription.Symbols) > MaxSymbols:
		return nil, &SubscriptionError{Problem: fmt.Sprintf("more than %d instruments; ask for all of them instead", MaxSymbols)}
	}
	for _, symbol := range subscription.Symbols {
		if err := symbol.Validate(); err != nil {
			// The name itself may be huge or hostile and is not repeated.
			return nil, &SubscriptionError{Problem: err.Error()}
		}
		if f.views.markets[symbol] == nil {
			return nil, &SubscriptionError{Symbol: symbol, Problem: "unknown instrument " + string(symbol)}
		}
	}
	return user, nil
}

// UpdateSubscription changes what the connection's live stream carries and returns the
// cursor from which on it does. The present state of accounts and presence that the
// stream did not see before is sent first. StateInterval does not change.
//
// Errors: ErrNotReady, ErrStopped, ErrUnknownUser, ErrSuspended, ErrNotPermitted,
// a *SubscriptionError, ErrReattach, and those of push.Hub.Subscribe:
// ErrNotAttached, ErrNotYours, ErrTooManyTopics. Nothing has changed then.
func (f *Feed) UpdateSubscription(
	ctx context.Context, connection string, id trade.UserID, subscription Subscription,
) (push.Cursor, error) {
	if err := ctx.Err(); err != nil {
		return push.Cursor{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.authorise(id, subscription)
	if err != nil {
		return push.Cursor{}, err
	}
	a := f.streams[connection]
	switch {
	case a == nil:
		return push.Cursor{}, push.ErrNotAttached
	case a.user != id:
		return push.Cursor{}, push.ErrNotYours
	}
	if err := f.resubscribe(a, user, subscription); err != nil {
		return push.Cursor{}, err
	}
	return f.Cursor(f.position.At()), nil
}

// resubscribe makes a live stream carry what the user may see of a subscription, and
// nothing else. The caller holds mu.
func (f *Feed) resubscribe(a *Attached, user *trade.User, subscription Subscription) error {
	topics := f.topicsOf(user, subscription)
	seen := visibilityOf(user, subscription)
	initial, err := f.initial(a.visibility, seen)
	if err != nil {
		return err
	}
	add, remove := difference(topics, a.topics), difference(a.topics, topics)
	if err := f.hub.Subscribe(a.connection, string(a.user), add, remove, initial); err != nil {
		return err
	}
	a.subscription, a.topics, a.visibility = subscription.clone(), topics, seen
	a.note(f.position.At())
	return nil
}

// initial encodes what a stream with one visibility sees beyond another. The caller
// holds mu.
func (f *Feed) initial(before, after visibility) ([]*push.Message, error) {
	added, fits := f.views.beyond(after, before, maxInitial)
	if !fits {
		return nil, fmt.Errorf("%w: more than %d messages", ErrReattach, maxInitial)
	}
	s := snapshot{sequence: f.position.At(), time: f.time}
	return encodeItems(f.encoder, s, take(added.pull(), maxInitial), 0), nil
}

// difference returns the topics that are in a and not in b, in the order of a.
func difference(a, b []push.Topic) []push.Topic {
	in := topicSet(b)
	return slices.DeleteFunc(slices.Clone(a), func(topic push.Topic) bool { return in[topic] })
}

// regrant makes a stream follow a change of what its user may see or has asked for.
// A stream for which this fails is ended: its client resumes and gets a snapshot. The
// caller holds mu.
func (f *Feed) regrant(a *Attached, user *trade.User, change string) {
	if err := f.resubscribe(a, user, a.subscription); err != nil {
		f.hub.End(push.Selector{Connection: a.connection}, push.ReasonInternal, change)
		f.forget(a)
	}
}

// userChanges makes the live streams of a user follow a record that is about to change
// the user. It comes before the record is applied and published: a stream that is cut
// off between the new state and the record resumes before the record, finds that the
// user changed, and begins with a snapshot. The caller holds mu.
func (f *Feed) userChanges(user *trade.User) {
	for _, a := range f.streams {
		if a.user == user.ID {
			f.regrant(a, user, "the user's rights changed")
		}
	}
}

// revoke ends the streams of a suspended user. The caller holds mu.
func (f *Feed) revoke(user *trade.User) {
	f.hub.End(push.Selector{User: string(user.ID)}, push.ReasonUserSuspended, "the user was suspended")
	for _, a := range f.streams {
		if a.user == user.ID {
			f.forget(a)
		}
	}
}

// marketsChanged gives a new instrument to the streams that want all of them.
// The caller holds mu.
func (f *Feed) marketsChanged() {
	for _, a := range f.streams {
		if user := f.views.users[a.user]; a.subscription.AllSymbols && user != nil {
			f.regrant(a, user, "an instrument could not be added")
		}
	}
}
