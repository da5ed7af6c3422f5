package feed_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"todoku/feed"
	"todoku/push"
)

func TestAPageContinuesWithinARecordAfterAnyOfItsEvents(t *testing.T) {
	s := newServer(t, 41, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.steps(60)
	subscription := feed.Subscription{AllSymbols: true}
	beginning := feed.Place{Cursor: s.feed.Cursor(0)}
	all, _, _, err := s.feed.Notifications(t.Context(), "alice", &beginning, 1000, subscription)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		after := feed.Place{Cursor: s.feed.Cursor(m.Sequence), Within: true, Index: m.Index}
		rest, _, end, err := s.feed.Notifications(t.Context(), "alice", &after, 1000, subscription)
		if err != nil || !end {
			t.Fatalf("after %s: end %t, %v", after, end, err)
		}
		if !slices.EqualFunc(rest, all[i+1:], same) {
			t.Fatalf("after %s: %d messages, want the last %d of %d", after, len(rest), len(all)-i-1, len(all))
		}
		one, _, _, err := s.feed.Notifications(t.Context(), "alice", &after, 1, subscription)
		if err != nil || len(one) == 0 && i+1 < len(all) {
			t.Fatalf("after %s: a page of one has %d messages, %v", after, len(one), err)
		}
	}
	after := feed.Place{Cursor: s.feed.Cursor(s.venue.sequence + 1), Within: true}
	_, _, _, err = s.feed.Notifications(t.Context(), "alice", &after, 7, subscription)
	wantError(t, err, feed.ErrBadCursor)
}

func same(a, b feed.Message) bool { return bytes.Equal(words{}.Encode(a), words{}.Encode(b)) }

func FuzzParsePlace(f *testing.F) {
	for _, text := range []string{"e:7", "e:7.0", "e:7.12", "e:0.1", "e:7.", "e:7.01", "e:7.1.2", "e:7.4294967296", "", "."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, err := feed.ParsePlace(text)
		switch {
		case err != nil && !errors.Is(err, push.ErrBadCursor):
			t.Errorf("%q: %v", text, err)
		case err == nil && place.String() != text:
			t.Errorf("%q is read as %q", text, place)
		}
	})
}
