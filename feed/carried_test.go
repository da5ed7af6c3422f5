package feed

import (
	"strings"
	"testing"

	"todoku/push"
	"todoku/trade"
)

func TestAnAudienceIncludesOnlyWhoCarriedOneOfItsTopics(t *testing.T) {
	record := &trade.Record{Sequence: 9, Events: []trade.Event{
		&trade.ExecutionReport{Order: trade.Order{ID: 1, Account: "alice", Symbol: "TDK"}},
		&trade.TradeChanged{Trade: trade.Trade{
			ID: 1, Symbol: "TDK", Buyer: trade.Party{Account: "alice"}, Seller: trade.Party{Account: "bob"},
		}},
		&trade.LevelChanged{Symbol: "OTHER"},
	}}
	audience := audienceOf(record)
	for topics, want := range map[string]bool{
		"":                                 false,
		"venue user:carol account:carol":   false,
		"venue account:alice":              true,
		"account:bob market:OTHER":         true,
		"account:carol market:TDK":         true,
		"account:carol market:OTHER":       false, // A level is state.
		"account:carol " + everyMarket:     true,
		"accounts":                         true,
		"account:alic account:alicee self": false,
	} {
		if got := audience.Includes(topics); got != want {
			t.Errorf("%q: %t, want %t", topics, got, want)
		}
	}
	quiet := audienceOf(&trade.Record{Events: []trade.Event{&trade.LevelChanged{Symbol: "TDK"}}})
	if quiet.Includes(everyMarket + " market:TDK accounts") {
		t.Error("the audience of a level is not empty")
	}
}

func TestWhatAStreamCarriedIsNeverClaimedPastTheBound(t *testing.T) {
	a := &Attached{feed: &Feed{}}
	a.feed.position.Set(1000)
	for i := range 2 * maxCarried {
		a.topics = []push.Topic{push.Topic(strings.Repeat("x", i+1))}
		a.note(uint64(i))
		a.note(uint64(i)) // A repetition changes nothing.
	}
	taken := a.TakeCarried()
	if len(taken) != maxCarried {
		t.Fatalf("%d changes, want %d", len(taken), maxCarried)
	}
	if last := taken[maxCarried-1]; last.Topics != "" || last.After != maxCarried-1 {
		t.Errorf("past the bound: %+v", last)
	}
	if next := a.TakeCarried(); len(next) != 1 || next[0].After != 1000 || next[0].Topics != string(a.topics[0]) {
		t.Errorf("after they were taken: %+v", next)
	}
	if rest := a.TakeCarried(); len(rest) != 0 {
		t.Errorf("taken twice: %+v", rest)
	}
}
