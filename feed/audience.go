package feed

import (
	"todoku/push"
	"todoku/trade"
)

// Who is told what. This file is the only place that decides it: audience says
// to which topics a message goes, topicsOf which topics a user's stream has.
// A leak is a mistake in one of these two functions.
//
//	message                                    topics
//	Report, CancelRejected, PartyTrade,
//	Position, AccountLimits                    account:A, accounts
//	Print, LevelUpdate, Best                   market:S
//	Instrument                                 venue
//	Announcement                               venue, or user:U of each one named
//	Presence                                   presence
//	User                                       self:U, admin
//
// A stream never has two topics that carry the same message: one that has
// accounts has no account:A, one that has admin has no self:U.

// Topics that are not about one thing.
const (
	// topicVenue is what concerns everybody.
	topicVenue push.Topic = "venue"
	// topicPresence is who signs in and out, for those who ask for it.
	topicPresence push.Topic = "presence"
	// topicAccounts is everything of all accounts, for RISK and ADMIN who ask.
	topicAccounts push.Topic = "accounts"
	// topicAdmin is changes of users, for ADMIN.
	topicAdmin push.Topic = "admin"
)

// audience appends the topics that a message goes to.
func (n *names) audience(topics []push.Topic, body any) []push.Topic {
	switch b := body.(type) {
	case *Report:
		return append(topics, n.account(b.Order.Account), topicAccounts)
	case *trade.CancelRejected:
		return append(topics, n.account(b.Order.Account), topicAccounts)
	case *PartyTrade:
		return append(topics, n.account(b.Account), topicAccounts)
	case *trade.Position:
		return append(topics, n.account(b.Account), topicAccounts)
	case *AccountLimits:
		return append(topics, n.account(b.Account), topicAccounts)
	case *Print:
		return append(topics, n.market(b.Symbol))
	case *LevelUpdate:
		return append(topics, n.market(b.Symbol))
	case *Best:
		return append(topics, n.market(b.Symbol))
	case *trade.Instrument:
		return append(topics, topicVenue)
	case *Announcement:
		if len(b.to) == 0 {
			return append(topics, topicVenue)
		}
		for i, user := range b.to {
			if !named(b.to[:i], user) {
				topics = append(topics, n.user(user))
			}
		}
		return topics
	case *Presence:
		return append(topics, topicPresence)
	case *trade.User:
		return append(topics, n.self(b.ID), topicAdmin)
	}
	// What the table does not name is told to nobody.
	return topics
}

// topicsOf returns what a user's stream has: what the user may see, as far as
// the subscription asks for it. symbols are those of the subscription.
func (n *names) topicsOf(user *trade.User, subscription Subscription, symbols []trade.Symbol) []push.Topic {
	topics := make([]push.Topic, 0, 4+len(user.Accounts)+len(symbols))
	topics = append(topics, topicVenue, n.user(user.ID))
	if user.Roles.Has(trade.RoleAdmin) {
		topics = append(topics, topicAdmin)
	} else {
		topics = append(topics, n.self(user.ID))
	}
	if subscription.AllAccounts && seesAllAccounts(user) {
		topics = append(topics, topicAccounts)
	} else {
		for _, account := range user.Accounts {
			topics = append(topics, n.account(account))
		}
	}
	if subscription.Presence {
		topics = append(topics, topicPresence)
	}
	for _, symbol := range symbols {
		topics = append(topics, n.market(symbol))
	}
	return topics
}

// seesAllAccounts says whether a user may ask for every account.
func seesAllAccounts(user *trade.User) bool {
	return user.Roles.Has(trade.RoleRisk | trade.RoleAdmin)
}

func named(users []trade.UserID, user trade.UserID) bool {
	for _, u := range users {
		if u == user {
			return true
		}
	}
	return false
}

// names makes topics and keeps those it made, so that a record on the hot path
// allocates none. Used by one goroutine at a time.
type names struct {
	accounts map[trade.AccountID]push.Topic
	markets  map[trade.Symbol]push.Topic
	users    map[trade.UserID]push.Topic
	selves   map[trade.UserID]push.Topic
}

func newNames() *names {
	return &names{
		accounts: make(map[trade.AccountID]push.Topic),
		markets:  make(map[trade.Symbol]push.Topic),
		users:    make(map[trade.UserID]push.Topic),
		selves:   make(map[trade.UserID]push.Topic),
	}
}

func (n *names) account(a trade.AccountID) push.Topic { return intern(n.accounts, a, "account:") }

func (n *names) market(s trade.Symbol) push.Topic { return intern(n.markets, s, "market:") }

func (n *names) user(u trade.UserID) push.Topic { return intern(n.users, u, "user:") }

func (n *names) self(u trade.UserID) push.Topic { return intern(n.selves, u, "self:") }

func intern[K ~string](made map[K]push.Topic, key K, prefix string) push.Topic {
	topic, ok := made[key]
	if !ok {
		topic = push.Topic(prefix + string(key))
		made[key] = topic
	}
	return topic
}
