package feed

import (
	"slices"

	"todoku/push"
	"todoku/trade"
)

// Who receives what. [composer.compose] decides to which topics a message goes, and
// [Feed.topicsOf] which topics a user's stream has. A mistake in one of them is a leak.
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

const (
	// topicVenue carries what everybody receives.
	topicVenue push.Topic = "venue"
	// topicPresence carries who signs in and out, for those who ask for it.
	topicPresence push.Topic = "presence"
	// topicAccounts carries everything of all accounts, for RISK and ADMIN who ask.
	topicAccounts push.Topic = "accounts"
	// topicAdmin carries changes of users, for ADMIN.
	topicAdmin push.Topic = "admin"

	// accountPrefix and marketPrefix begin the topics of an account and an instrument.
	accountPrefix = "account:"
	marketPrefix  = "market:"
)

// topicsOf returns what a user's stream has: what the user may see of the
// subscription. The caller holds mu.
func (f *Feed) topicsOf(user *trade.User, subscription Subscription) []push.Topic {
	n := f.names
	topics := make([]push.Topic, 0, 4+len(user.Accounts)+len(subscription.Symbols))
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
	if subscription.AllSymbols {
		for _, instrument := range f.views.instruments() {
			topics = append(topics, n.market(instrument.Symbol)[0].topic)
		}
		return topics
	}
	for _, symbol := range subscription.Symbols {
		topics = append(topics, n.market(symbol)[0].topic)
	}
	return topics
}

// seesAllAccounts returns whether a user may ask for every account.
func seesAllAccounts(user *trade.User) bool {
	return user.Roles.Has(trade.RoleRisk | trade.RoleAdmin)
}

// subject is a topic and what is known of it, so that following a record looks
// nothing up twice.
type subject struct {
	topic push.Topic
	// entries is where the index has the topic, nil before the first event.
	entries *entries
	// wanted is whether the topic had a subscriber when the hub's interest was at
	// this number.
	wanted   bool
	interest uint64
}

// names makes audiences and keeps them, so that following a record allocates none.
// They must not be changed. Used by one goroutine at a time.
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
	return intern(n.accounts, a, accountPrefix, n.everyAccount)
}

func (n *names) market(s trade.Symbol) []*subject { return intern(n.markets, s, marketPrefix) }

func (n *names) user(u trade.UserID) []*subject { return intern(n.users, u, "user:") }

func (n *names) self(u trade.UserID) []*subject { return intern(n.selves, u, "self:", n.admin) }

// announcement returns the audience of an announcement: everybody, or those named.
func (n *names) announcement(e *trade.Announced) []*subject {
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

func intern[K ~string](made map[K][]*subject, key K, prefix string, others ...*subject) []*subject {
	audience := made[key]
	if audience == nil {
		audience = append([]*subject{{topic: push.Topic(prefix + string(key))}}, others...)
		made[key] = audience
	}
	return audience
}
