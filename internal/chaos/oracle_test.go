package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"todoku/feed/feedtest"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/push/pushtest"
	"todoku/trade"
)

// oracle answers from the journal: which events concern a user, the state at any sequence,
// the values of each price level, and how often a book was updated.
type oracle struct {
	users   map[string]trade.User
	records []*trade.Record
	concern map[string][]pushtest.Event // By observer.
	// levels are the values of a key of a book, oldest first.
	levels map[string]map[string][]value
	// updates are the sequences at which a book was updated, once per update.
	updates map[string][]uint64
}

// value is the value of a key from a sequence on.
type value struct {
	from uint64
	text string
}

func newOracle(t testing.TB, dir string, users []trade.User) *oracle {
	t.Helper()
	o := &oracle{users: map[string]trade.User{}, concern: map[string][]pushtest.Event{}, levels: map[string]map[string][]value{}, updates: map[string][]uint64{}}
	for _, u := range users {
		o.users[string(u.ID)] = u
	}
	books := map[trade.Symbol]*book{}
	apptest.EachRecord(t, dir, func(r *trade.Record) {
		o.records = append(o.records, r)
		o.apply(books, r)
	})
	return o
}

// book is an order book, naively.
type book struct {
	sides   [2]map[trade.Price]*trade.LevelChanged
	version uint64
	last    trade.Price
	best    string
}

// apply brings the books up to a record. Best prices are recorded only when they differ
// from the last recorded ones.
func (o *oracle) apply(books map[trade.Symbol]*book, r *trade.Record) {
	moved := map[trade.Symbol]bool{}
	for _, event := range r.Events {
		switch e := event.(type) {
		case *trade.InstrumentChanged:
			if symbol := e.Instrument.Symbol; books[symbol] == nil {
				b := &book{sides: [2]map[trade.Price]*trade.LevelChanged{{}, {}}}
				b.best = b.bestValue()
				books[symbol], o.levels[string(symbol)] = b, map[string][]value{bestKey: {{r.Sequence, b.best}}}
			}
		case *trade.LevelChanged:
			b := books[e.Symbol]
			b.version = e.BookVersion
			b.sides[e.Side-1][e.Price] = e
			if e.Quantity == 0 {
				delete(b.sides[e.Side-1], e.Price)
			}
			text := levelValue(&todokuv1.BookLevel{Quantity: e.Quantity.String(), Orders: e.Orders})
			o.update(e.Symbol, levelKey(todokuv1.Side(e.Side), e.Price.String()), value{r.Sequence, text})
			moved[e.Symbol] = true
		case *trade.TradeChanged:
			switch {
			case e.Trade.Status == trade.TradeStatusConcluded:
				books[e.Trade.Symbol].last = e.Trade.Price
			case e.LastMoved: // By a bust.
				books[e.Trade.Symbol].last = e.LastPrice
			}
			moved[e.Trade.Symbol] = true
		}
	}
	for symbol := range moved {
		b := books[symbol]
		if best := b.bestValue(); best != b.best {
			b.best = best
			o.update(symbol, bestKey, value{r.Sequence, best})
		}
	}
}

func (o *oracle) update(symbol trade.Symbol, key string, v value) {
	levels := o.levels[string(symbol)]
	levels[key] = append(levels[key], v)
	o.updates[string(symbol)] = append(o.updates[string(symbol)], v.from)
}

func (b *book) bestValue() string {
	text := func(side trade.Side, better func(a, b trade.Price) bool) string {
		var top *trade.LevelChanged
		for _, level := range b.sides[side-1] {
			if top == nil || better(level.Price, top.Price) {
				top = level
			}
		}
		if top == nil {
			return levelText(nil)
		}
		return levelText(&todokuv1.BookLevel{Price: top.Price.String(), Quantity: top.Quantity.String(), Orders: top.Orders})
	}
	last := ""
	if b.last != 0 {
		last = b.last.String()
	}
	return bestValue(text(trade.SideBuy, func(a, b trade.Price) bool { return a > b }),
		text(trade.SideSell, func(a, b trade.Price) bool { return a < b }), last, b.version)
}

// at returns the value of a key of a book as of a sequence; "" if it had none.
func (o *oracle) at(symbol, key string, sequence uint64) string {
	values := o.levels[symbol][key]
	after, _ := slices.BinarySearchFunc(values, sequence, func(v value, s uint64) int {
		if v.from <= s {
			return -1
		}
		return 1
	})
	if after == 0 {
		return ""
	}
	return values[after-1].text
}

// updated returns how many updates a book had after one sequence, up to another.
func (o *oracle) updated(symbol string, after, through uint64) int {
	updates := o.updates[symbol]
	from, _ := slices.BinarySearch(updates, after+1)
	to, _ := slices.BinarySearch(updates, through+1)
	return max(0, to-from)
}

// observer returns a user with the topics of its subscription.
func (o *oracle) observer(user string, of *todokuv1.Subscription) feedtest.Observer {
	observer := feedtest.Observer{User: o.users[user], Presence: of.GetPresence(), All: of.GetAllAccounts()}
	for _, symbol := range of.GetSymbols() {
		if symbol != "*" {
			observer.Symbols = append(observer.Symbols, trade.Symbol(symbol))
			continue
		}
		for s := range o.levels {
			observer.Symbols = append(observer.Symbols, trade.Symbol(s))
		}
	}
	return observer
}

// events lists the events that concern a user with this subscription, by sequence.
func (o *oracle) events(user string, of *todokuv1.Subscription) []pushtest.Event {
	key := fmt.Sprint(user, slices.Sorted(slices.Values(of.GetSymbols())), of.GetPresence(), of.GetAllAccounts())
	events, known := o.concern[key]
	if !known {
		observer := o.observer(user, of)
		for _, r := range o.records {
			events = append(events, observer.Concerns(r)...)
		}
		o.concern[key] = events
	}
	return events
}

// between cuts a part out of a list of events.
func between(events []pushtest.Event, after, through uint64) []pushtest.Event {
	find := func(sequence uint64) int {
		at, _ := slices.BinarySearchFunc(events, sequence, func(e pushtest.Event, s uint64) int { return cmp.Compare(e.Sequence, s) })
		return at
	}
	if through == ^uint64(0) {
		return events[find(after+1):]
	}
	return events[find(after+1):max(find(after+1), find(through+1))]
}

// standing is the state at a sequence: values by key, as words_test.go defines them.
type standing struct {
	values map[string]string
	owner  map[string]trade.AccountID // Of orders, positions and limits.
}

// question asks for the state at a sequence, as an observer sees it.
type question struct {
	at       uint64
	observer feedtest.Observer
	answer   func(map[string]string)
}

// ask answers questions, in the order of their sequences.
func (o *oracle) ask(questions []question) {
	slices.SortStableFunc(questions, func(a, b question) int { return cmp.Compare(a.at, b.at) })
	s := standing{values: map[string]string{}, owner: map[string]trade.AccountID{}}
	for _, r := range o.records {
		for len(questions) > 0 && questions[0].at < r.Sequence {
			questions[0].answer(s.seen(questions[0].observer))
			questions = questions[1:]
		}
		for _, event := range r.Events {
			s.apply(event)
		}
	}
	for _, q := range questions {
		q.answer(s.seen(q.observer))
	}
}

func (s *standing) apply(event trade.Event) {
	switch e := event.(type) {
	case *trade.ExecutionReport:
		key, text := orderFrom(&e.Order)
		s.values[key], s.owner[key] = text, e.Order.Account
		if !e.Order.Status.Working() {
			delete(s.values, key)
			delete(s.owner, key)
		}
	case *trade.PositionChanged:
		p := &e.Position
		key := "position/" + string(p.Account) + "/" + string(p.Symbol)
		s.values[key] = p.Quantity.String() + " for " + p.Cost.String() + ", realised " + p.Realised.String()
		s.owner[key] = p.Account
	case *trade.LimitsChanged:
		key := "limits/" + string(e.Account)
		s.values[key], s.owner[key] = strconv.Itoa(int(e.Limits.MaxOpenOrders)), e.Account
	case *trade.InstrumentChanged:
		s.values["instrument/"+string(e.Instrument.Symbol)] = strconv.Itoa(int(e.Instrument.Status)) + " " + e.Instrument.StatusReason
	case *trade.UserChanged:
		s.values["user/"+string(e.User.ID)] = e.User.DisplayName
	case *trade.PresenceChanged:
		delete(s.values, "online/"+e.DisplayName)
		if e.Online {
			s.values["online/"+e.DisplayName] = "yes"
		}
	}
}

// seen returns the values that an observer may see.
func (s *standing) seen(by feedtest.Observer) map[string]string {
	seen := maps.Clone(s.values)
	maps.DeleteFunc(seen, func(key, _ string) bool {
		switch kind, name, _ := strings.Cut(key, "/"); kind {
		case "order", "position", "limits":
			return !by.All && !slices.Contains(by.User.Accounts, s.owner[key])
		case "user":
			return name != string(by.User.ID)
		case "online":
			return !by.Presence
		}
		return false
	})
	return seen
}
