package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"todoku/push"
	"todoku/trade"
)

// MaxSymbols bounds the instruments that a subscription names.
const MaxSymbols = 1000

// maxInitial bounds what a live stream is given at once when its subscription or
// its user grows: it goes through the stream's queue of events.
const maxInitial = 1000

// Subscription is what a stream carries beyond what always concerns its user.
type Subscription struct {
	// Symbols are the instruments whose book, best prices and prints are wanted.
	Symbols []trade.Symbol
	// AllSymbols asks for every instrument, those created later included.
	AllSymbols bool
	// Presence asks who signs in and out.
	Presence bool
	// AllAccounts asks for everything of all accounts; needs RISK or ADMIN.
	AllAccounts bool
	// StateInterval is how often state is sent at most per key; zero means the
	// hub's default. It is settled at the attach.
	StateInterval time.Duration
}

func (s Subscription) clone() Subscription {
	s.Symbols = slices.Clone(s.Symbols)
	return s
}

// visibility is the accounts that a stream may see.
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

// authorise returns the subscription's symbols if the user may have it. The
// caller holds mu.
func (f *Feed) authorise(user *trade.User, subscription Subscription) ([]trade.Symbol, error) {
	if subscription.AllAccounts && !seesAllAccounts(user) {
		return nil, fmt.Errorf("%w: all accounts need the role RISK or ADMIN", ErrNotPermitted)
	}
	if len(subscription.Symbols) > MaxSymbols {
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
	return f.symbols(subscription), nil
}

// symbols returns what a subscription means now. The caller holds mu.
func (f *Feed) symbols(subscription Subscription) []trade.Symbol {
	if !subscription.AllSymbols {
		return subscription.Symbols
	}
	all := make([]trade.Symbol, 0, len(f.views.markets))
	for _, instrument := range f.views.instruments() {
		all = append(all, instrument.Symbol)
	}
	return all
}

// UpdateSubscription changes what the connection's live stream carries and
// returns the cursor after which it does. What it newly sees of accounts and
// presence is sent first, as it stands. StateInterval stays as it was.
//
// Errors: ErrNotReady, ErrStopped, ErrUnknownUser, ErrSuspended, ErrNotPermitted,
// a *SubscriptionError, ErrReattach, and those of push.Hub.Subscribe:
// ErrNotAttached, ErrNotYours, ErrTooManyTopics. Nothing changed then.
func (f *Feed) UpdateSubscription(
	ctx context.Context, connection string, id trade.UserID, subscription Subscription,
) (push.Cursor, error) {
	if err := ctx.Err(); err != nil {
		return push.Cursor{}, err
	}
	if !f.isReady() {
		return push.Cursor{}, ErrNotReady
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.activeUser(id)
	if err != nil {
		return push.Cursor{}, err
	}
	if _, err := f.authorise(user, subscription); err != nil {
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

// resubscribe gives a live stream what the user may see of a subscription, and
// takes everything else away. The caller holds mu.
func (f *Feed) resubscribe(a *Attached, user *trade.User, subscription Subscription) error {
	topics := f.names.topicsOf(user, subscription, f.symbols(subscription))
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

// initial encodes what a stream with one visibility sees beyond another.
func (f *Feed) initial(before, after visibility) ([]*push.Message, error) {
	found := &holdings{}
	take := func(account trade.AccountID, view *accountView) {
		if view != nil && !before.sees(account) {
			found.take(view)
		}
	}
	if after.all {
		for account, view := range f.views.accounts {
			take(account, view)
		}
	} else {
		for _, account := range after.accounts {
			take(account, f.views.accounts[account])
		}
	}
	var online []string
	if after.presence && !before.presence {
		online = f.views.online()
	}
	count := found.count() + len(online)
	if count > maxInitial {
		return nil, fmt.Errorf("%w: %d messages, at most %d", ErrReattach, count, maxInitial)
	}
	found.sort()
	s := snapshot{sequence: f.position.At(), time: f.time, holdings: found, online: online}
	return encodeItems(f.encoder, s, s.held(nil), 0), nil
}

// difference returns what is in a and not in b, keeping a's order.
func difference(a, b []push.Topic) []push.Topic {
	in := make(map[push.Topic]bool, len(b))
	for _, topic := range b {
		in[topic] = true
	}
	var out []push.Topic
	for _, topic := range a {
		if !in[topic] {
			out = append(out, topic)
		}
	}
	return out
}

// regrant makes the live streams of a user follow what a record is about to
// change. It comes before the record is applied and published: a stream that is
// cut off between the new state and the record resumes before the record, finds
// that the user changed, and takes a snapshot. The caller holds mu.
func (f *Feed) regrant(user *trade.User) {
	for _, a := range f.streams {
		if a.user != user.ID {
			continue
		}
		err := f.resubscribe(a, user, a.subscription)
		if err == nil {
			continue
		}
		// The stream must not go on with what it may no longer see, nor without
		// what it should: it resumes, and begins with a snapshot.
		if !errors.Is(err, push.ErrNotAttached) {
			f.hub.End(push.Selector{Connection: a.connection}, push.ReasonInternal, "the user's rights changed")
		}
		f.forget(a)
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
		user := f.views.users[a.user]
		if !a.subscription.AllSymbols || user == nil {
			continue
		}
		if err := f.resubscribe(a, user, a.subscription); err != nil {
			// As in regrant: a stream that lacks what it asked for begins anew.
			f.hub.End(push.Selector{Connection: a.connection}, push.ReasonInternal, "an instrument could not be added")
			f.forget(a)
		}
	}
}
