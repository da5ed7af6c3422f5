package feed

import (
	"slices"

	"todoku/push"
	"todoku/trade"
)

// Who receives what. This file is the only place that decides it: the functions
// that begin with "of" say to which topics a message goes, topicsOf which topics a
// user's stream has. A leak is a mistake in one of them.
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

// accountTopic is how the topic of an account begins.
const accountTopic = "account:"

// Each of these is a row of the table: it returns to which topics a message goes.

func (n *names) ofReport(e *trade.ExecutionReport) []*subject { return n.account(e.Order.Account) }

func (n *names) ofCancelRejected(e *trade.CancelRejected) []*subject {
	return n.account(e.Order.Account)
}

func (n *names) ofPartyTrade(party *trade.Party) []*subject { return n.account(party.Account) }

func (n *names) ofPosition(p *trade.Position) []*subject { return n.account(p.Account) }

func (n *names) ofLimits(e *trade.LimitsChanged) []*subject { return n.account(e.Account) }

func (n *names) ofPrint(t *trade.Trade) []*subject { return n.market(t.Symbol) }

func (n *names) ofLevel(e *trade.LevelChanged) []*subject { return n.market(e.Symbol) }

func (n *names) ofInstrument() []*subject { return n.venue }

func (n *names) ofPresence() []*subject { return n.presence }

func (n *names) ofUser(u *trade.User) []*subject { return n.self(u.ID) }

func (n *names) ofAnnouncement(e *trade.Announced) []*subject {
	if len(e.To) == 0 {
		return n.venue
	}
	var audience []*subject
	for i, user := range e.To {
		if !slices.Contains(e.To[:i], user) {
			audience = append(audience, n.user(user)...)
		}
	}
	return audience
}

// topicsOf returns what a user's stream has: what the user may see, as far as
// the subscription asks for it. symbols are those of the subscription.
func (n *names) topicsOf(user *trade.User, subscription Subscription, symbols []trade.Symbol) []push.Topic {
	topics := make([]push.Topic, 0, 4+len(user.Accounts)+len(symbols))
	topics = append(topics, topicVenue, n.user(user.ID)[0].topic)
	if user.Roles.Has(trade.RoleAdmin) {
		topics = append(topics, topicAdmin)
	} else {
		topics = append(topics, n.self(user.ID)[0].topic)
	}
	if subscription.AllAccounts && seesAllAccounts(user) {
		topics = append(topics, topicAccounts)
	} else {
		for _, account := range user.Accounts {
			topics = append(topics, n.account(account)[0].topic)
		}
	}
	if subscription.Presence {
		topics = append(topics, topicPresence)
	}
	for _, symbol := range symbols {
		topics = append(topics, n.market(symbol)[0].topic)
	}
	return topics
}

// seesAllAccounts says whether a user may ask for every account.
func seesAllAccounts(user *trade.User) bool {
	return user.Roles.Has(trade.RoleRisk | trade.RoleAdmin)
}

// subject is a topic and what is known of it, so that a record on the hot path
// looks nothing up twice.
type subject struct {
	topic push.Topic
	// entries is where the index has the topic, nil before the first event.
	entries *entries
	// wanted says that the topic had a subscriber when the hub's interest was at
	// this number.
	wanted   bool
	interest uint64
}

// names makes audiences and keeps those it made, so that a record on the hot path
// allocates none. They must not be changed. Used by one goroutine at a time.
type names struct {
	accounts map[trade.AccountID][]*subject // The account's own topic first.
	markets  map[trade.Symbol][]*subject
	users    map[trade.UserID][]*subject
	selves   map[trade.UserID][]*subject // The user's own topic first.

	venue, presence []*subject
	everyAccount    *subject
	admin           *subject
}

func newNames() *names {
	return &names{
		accounts:     make(map[trade.AccountID][]*subject),
		markets:      make(map[trade.Symbol][]*subject),
		users:        make(map[trade.UserID][]*subject),
		selves:       make(map[trade.UserID][]*subject),
		venue:        []*subject{{topic: topicVenue}},
		presence:     []*subject{{topic: topicPresence}},
		everyAccount: &subject{topic: topicAccounts},
		admin:        &subject{topic: topicAdmin},
	}
}

func (n *names) account(a trade.AccountID) []*subject {
	return intern(n.accounts, a, accountTopic, n.everyAccount)
}

func (n *names) market(s trade.Symbol) []*subject { return intern(n.markets, s, "market:") }

func (n *names) user(u trade.UserID) []*subject { return intern(n.users, u, "user:") }

func (n *names) self(u trade.UserID) []*subject { return intern(n.selves, u, "self:", n.admin) }

func intern[K ~string](made map[K][]*subject, key K, prefix string, others ...*subject) []*subject {
	audience := made[key]
	if audience == nil {
		audience = append([]*subject{{topic: push.Topic(prefix + string(key))}}, others...)
		made[key] = audience
	}
	return audience
}
