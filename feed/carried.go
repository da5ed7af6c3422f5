package feed

import (
	"slices"
	"strings"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// What a stream carried, and since which event. Together with how far the client
// acknowledged, it shows who received an event. It is what the stream was subscribed to
// and not what its user might see, so it never claims too much.

// Carried means that the stream carried topics from the event after After on.
type Carried struct {
	After uint64
	// Topics are separated by blanks, for [Audience.Includes].
	Topics string
}

// maxCarried bounds the changes that wait to be taken. Past it nothing is claimed
// until they are taken.
const maxCarried = 64

// TakeCarried returns the changes of what the stream carried since the last call,
// the first of them at its attach.
func (a *Attached) TakeCarried() []Carried {
	a.feed.mu.Lock()
	defer a.feed.mu.Unlock()
	taken := a.carried
	a.carried = nil
	if len(taken) == maxCarried {
		a.note(a.feed.position.At())
	}
	return taken
}

// note remembers what the stream carries after a sequence. The caller holds Feed.mu.
func (a *Attached) note(after uint64) {
	topics := a.topicList()
	if n := len(a.carried); n > 0 && a.carried[n-1].Topics == topics {
		return
	}
	switch len(a.carried) {
	case maxCarried:
	case maxCarried - 1:
		a.carried = append(a.carried, Carried{After: after})
	default:
		a.carried = append(a.carried, Carried{after, topics})
	}
}

// everyMarket stands for the topics of all instruments.
const everyMarket = marketPrefix + "*"

// topicList returns the stream's topics as one text. The caller holds Feed.mu.
func (a *Attached) topicList() string {
	words := make([]string, 0, len(a.topics)+1)
	for _, topic := range a.topics {
		if !a.subscription.AllSymbols || !isMarket(string(topic)) {
			words = append(words, string(topic))
		}
	}
	if a.subscription.AllSymbols {
		words = append(words, everyMarket)
	}
	return strings.Join(words, " ")
}

func isMarket(topic string) bool { return strings.HasPrefix(topic, marketPrefix) }

// Audience is the topics to which the events of one record went.
type Audience map[push.Topic]bool

// AudienceOf returns the audience of a record, a pure function of it. The error means
// that this version cannot read the record.
func AudienceOf(entry journal.Record) (Audience, error) {
	r, err := record.Decode(entry.Sequence, entry.Time, entry.Data)
	if err != nil {
		return nil, err
	}
	return audienceOf(r), nil
}

func audienceOf(r *trade.Record) Audience {
	audience := Audience{}
	for _, m := range newComposer().compose(r) {
		if m.level != nil {
			continue // State: single changes are not evidence.
		}
		for _, s := range m.audience {
			audience[s.topic] = true
		}
	}
	return audience
}

// Includes returns whether a stream that carried these topics was in the audience.
func (a Audience) Includes(topics string) bool {
	return slices.ContainsFunc(strings.Fields(topics), func(word string) bool {
		if word != everyMarket {
			return a[push.Topic(word)]
		}
		for topic := range a {
			if isMarket(string(topic)) {
				return true
			}
		}
		return false
	})
}
