// Package livetest has the suites that every live.Registry and every live.Evidence
// passes.
package livetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"todoku/live"
)

// start has nanoseconds, which a store must not round.
var start = time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.UTC)

// entry is the entry of a stream in the tests of evidence.
func entry(attach uint64, user string) live.Entry {
	return live.Entry{Node: "n", Attach: attach, Connection: "c", User: user, Session: "s", Remote: "192.0.2.1"}
}

// stream returns the observations of a stream that carried "a" after 10 and "a b" after
// 20, acknowledged 12 and 25, and ended at 30.
func stream(attach uint64, user string) []live.Observation {
	of := live.Entry{Attach: attach}
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	return []live.Observation{
		{Kind: live.Began, Entry: entry(attach, user), Time: at(0), Epoch: "e"},
		{Kind: live.Carried, Entry: of, Time: at(0), Sequence: 10, Topics: "a"},
		{Kind: live.Acknowledged, Entry: of, Time: at(1), Sequence: 12},
		{Kind: live.Carried, Entry: of, Time: at(2), Sequence: 20, Topics: "a b"},
		{Kind: live.Acknowledged, Entry: of, Time: at(3), Sequence: 25},
		{Kind: live.Ended, Entry: of, Time: at(4), Sequence: 30, Reason: "STREAM_AGE"},
	}
}

// receivers returns the receivers that a query finds, a line each.
func receivers(t *testing.T, store live.Evidence, query live.Query) []string {
	t.Helper()
	if query.Limit == 0 {
		query.Limit = 100
	}
	if query.Epoch == "" {
		query.Epoch = "e"
	}
	list, err := store.Query(t.Context(), query)
	must(t, err)
	var lines []string
	for _, r := range list {
		lines = append(lines, fmt.Sprintf("%d %s %q acknowledged %d %s", r.Attach, r.User, r.Topics, r.Acknowledged, r.Reason))
	}
	return lines
}

// Evidence checks that the stores which open returns keep the promises of
// live.Evidence. Each is empty at first and the caller's to close.
func Evidence(t *testing.T, open func(t *testing.T) live.Evidence) {
	t.Helper()
	t.Run("ReceiversFollowFromObservations", func(t *testing.T) { testReceivers(t, open(t)) })
	t.Run("OnlyTheStreamsOfANodeAreClosed", func(t *testing.T) { testClose(t, open(t)) })
	t.Run("OnlyStreamsThatEndedEarlierArePruned", func(t *testing.T) { testPrune(t, open(t)) })
}

func testReceivers(t *testing.T, store live.Evidence) {
	t.Helper()
	ctx := t.Context()
	must(t, store.Append(ctx, stream(1, "alice")))
	must(t, store.Append(ctx, stream(2, "bob")))
	must(t, store.Append(ctx, stream(3, "alice")[:3])) // Attached still.
	must(t, store.Append(ctx, []live.Observation{{Kind: live.Ended, Entry: live.Entry{Attach: 99}, Time: start, Sequence: 50}}))
	must(t, store.Append(ctx, nil))

	both := []string{`1 alice "a" acknowledged 12 STREAM_AGE`, `2 bob "a" acknowledged 12 STREAM_AGE`, `3 alice "a" acknowledged 12 `}
	for name, c := range map[string]struct {
		query live.Query
		want  []string
	}{
		"before all":         {live.Query{Sequence: 10}, nil},
		"of the first":       {live.Query{Sequence: 11}, both},
		"of one user":        {live.Query{Sequence: 12, User: "bob"}, both[1:2]},
		"behind an attach":   {live.Query{Sequence: 12, After: 1, Limit: 1}, both[1:2]},
		"of another history": {live.Query{Sequence: 12, Epoch: "other"}, nil},
		"at a later acknowledgement": {
			live.Query{Sequence: 20, User: "bob"}, []string{`2 bob "a" acknowledged 25 STREAM_AGE`},
		},
		"of other topics": {live.Query{Sequence: 21, User: "bob"}, []string{`2 bob "a b" acknowledged 25 STREAM_AGE`}},
		"unacknowledged":  {live.Query{Sequence: 30, User: "bob"}, []string{`2 bob "a b" acknowledged 0 STREAM_AGE`}},
		"never sent":      {live.Query{Sequence: 31}, []string{`3 alice "a" acknowledged 0 `}},
		"of later times": {
			live.Query{Sequence: 12, Committed: start.Add(5 * time.Second)}, []string{`3 alice "a" acknowledged 12 `},
		},
	} {
		if got := receivers(t, store, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}

	list, err := store.Query(ctx, live.Query{Epoch: "e", Sequence: 12, Limit: 1})
	must(t, err)
	want := live.Receiver{
		Entry: entry(1, "alice"), Topics: "a",
		Acknowledged: 12, AcknowledgedAt: start.Add(time.Second), Ended: start.Add(4 * time.Second), Reason: "STREAM_AGE",
	}
	want.Since = start
	if len(list) != 1 || list[0] != want {
		t.Errorf("got %+v, want %+v", list, want)
	}
}

func testClose(t *testing.T, store live.Evidence) {
	t.Helper()
	ctx := t.Context()
	other := stream(2, "bob")[:3]
	other[0].Node = "m"
	must(t, store.Append(ctx, stream(1, "alice")[:3]))
	must(t, store.Append(ctx, other))
	must(t, store.Close(ctx, "n", start.Add(time.Minute)))
	want := []string{`1 alice "a" acknowledged 0 PROCESS_GONE`, `2 bob "a" acknowledged 0 `}
	if got := receivers(t, store, live.Query{Sequence: 31}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func testPrune(t *testing.T, store live.Evidence) {
	t.Helper()
	ctx := t.Context()
	must(t, store.Append(ctx, stream(1, "alice")))
	must(t, store.Append(ctx, stream(2, "bob")[:3]))
	must(t, store.Prune(ctx, start.Add(4*time.Second)))
	if got := receivers(t, store, live.Query{Sequence: 12}); len(got) != 2 {
		t.Errorf("pruned too early: %q", got)
	}
	must(t, store.Prune(ctx, start.Add(30*time.Second)))
	if got := receivers(t, store, live.Query{Sequence: 12}); len(got) != 1 {
		t.Errorf("after pruning: %q", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
