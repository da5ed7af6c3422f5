package feed_test

import (
	"slices"
	"testing"

	"todoku/digest"
	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

// TestDigestsAreThoseOfTheSequenceAskedFor also requests earlier sequences, as streams
// that are behind do: the digests must be those of the state at that sequence.
func TestDigestsAreThoseOfTheSequenceAskedFor(t *testing.T) {
	s := newServer(t, 41, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("root", trade.RoleAdmin))...)
	accounts := []trade.AccountID{"alice", "bob", "root", ""}
	held := map[uint64][]uint64{} // By sequence, in the order of accounts.
	remember := func() {
		sums := make([]uint64, len(accounts))
		add := func(account trade.AccountID, hash uint64) {
			sums[slices.Index(accounts, account)] += hash
			sums[len(sums)-1] += hash
		}
		for _, o := range s.venue.orders {
			add(o.Account, digest.Order(uint64(o.ID), o.Sequence))
		}
		for _, p := range s.venue.positions {
			add(p.Account, digest.Position(string(p.Account), string(p.Symbol), p.Sequence))
		}
		held[s.venue.sequence] = sums
	}
	answered, past := 0, 0
	check := func(sequence uint64) {
		t.Helper()
		for i, account := range accounts {
			topic := push.Topic("account:" + account)
			if account == "" {
				topic = "accounts"
			}
			got := s.feed.Digests(slices.Values([]push.Topic{"venue", topic, "market:AAA"}), sequence)
			if len(got) == 0 && sequence < s.venue.sequence {
				continue
			}
			if want := (feed.AccountDigest{Account: account, Sum: held[sequence][i]}); len(got) != 1 || got[0] != want {
				t.Fatalf("at %d, asked for %d: %v, want %v", s.venue.sequence, sequence, got, want)
			}
			answered++
			if sequence < s.venue.sequence {
				past++
			}
		}
	}
	remember()
	for i := range 600 {
		s.steps(1)
		remember()
		for back := range min(s.venue.sequence-4, 12) {
			check(s.venue.sequence - back)
		}
		switch i {
		case 200: // From the journal's beginning.
			s.restart()
			check(s.venue.sequence)
		case 400: // From a snapshot and the records after it.
			s.snapshot()
			from := s.venue.sequence
			s.steps(3)
			remember()
			s.restart()
			check(s.venue.sequence)
			if got := s.feed.Digests(slices.Values([]push.Topic{"account:alice"}), from-1); got != nil {
				t.Errorf("before the snapshot of %d: %v", from, got)
			}
			for back := range uint64(12) {
				held[s.venue.sequence-back-1] = nil
			}
			for range 12 {
				s.steps(1)
				remember()
			}
		}
	}
	if past*2 < answered {
		t.Errorf("of %d answers only %d were of the past", answered, past)
	}
	all := slices.Values([]push.Topic{"account:alice", "account:bob", "account:nobody"})
	got := s.feed.Digests(all, s.venue.sequence)
	want := []feed.AccountDigest{{"alice", held[s.venue.sequence][0]}, {"bob", held[s.venue.sequence][1]}, {"nobody", 0}}
	if !slices.Equal(got, want) {
		t.Errorf("several accounts: %v, want %v", got, want)
	}
	// If the digest of one account is unknown, none is given.
	for s.feed.Digests(slices.Values([]push.Topic{"account:alice"}), s.venue.sequence-200) != nil {
		s.steps(1)
	}
	if got := s.feed.Digests(all, s.venue.sequence-200); got != nil {
		t.Errorf("of a distant past: %v", got)
	}
}

func BenchmarkDigests(b *testing.B) {
	s := newServer(b, 43, feed.Options{})
	s.play(s.venue.opening(trader("alice"))...)
	s.steps(100)
	topics := slices.Values([]push.Topic{"venue", "user:alice", "self:alice", "account:alice", "market:AAA", "market:BBB"})
	for b.Loop() {
		s.feed.Digests(topics, s.venue.sequence)
	}
}
