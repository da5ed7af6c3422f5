package livetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"todoku/live"
	"todoku/push"
)

// EndFunc is how a registry ends a stream of its node.
type EndFunc func(e live.Entry, reason push.Reason, message string)

// Registry checks that the registries which open returns keep the promises of
// live.Registry. Each must be empty at first and belong to the node "n".
func Registry(t *testing.T, open func(end EndFunc) live.Registry) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, live.Registry){
		"TheLaterOfTwoAttachesHoldsTheConnection": testTakeOver,
		"AnEntryThatIsNotRenewedExpires":          testExpiry,
		"RenewingRestoresLostEntries":             testRenew,
		"EntriesAreListedByUserInOrder":           testList,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, open(func(e live.Entry, _ push.Reason, _ string) { t.Errorf("ended %+v", e) }))
		})
	}
	t.Run("OnlyTheHolderIsEnded", testEnd(open))
}

// held is an entry of a connection, whose name begins with the user's.
func held(attach uint64, connection string) live.Entry {
	e := entry(attach, connection[:1])
	e.Connection, e.Instance, e.Since = connection, "i", start
	return e
}

func attach(t *testing.T, r live.Registry, e live.Entry) live.Entry {
	t.Helper()
	previous, err := r.Attach(t.Context(), e, time.Minute)
	must(t, err)
	return previous
}

func wantHeld(t *testing.T, r live.Registry, user string, want ...live.Entry) {
	t.Helper()
	got, err := r.List(t.Context(), user)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("user %q has %+v, want %+v", user, got, want)
	}
}

func testTakeOver(t *testing.T, r live.Registry) {
	first, second := held(1, "a1"), held(2, "a1")
	if previous := attach(t, r, first); previous != (live.Entry{}) {
		t.Errorf("took over %+v", previous)
	}
	if previous := attach(t, r, second); previous != first {
		t.Errorf("took over %+v, want %+v", previous, first)
	}
	if _, err := r.Attach(t.Context(), first, time.Minute); !errors.Is(err, live.ErrLaterAttach) {
		t.Errorf("the earlier attach: %v", err)
	}
	must(t, r.Detach(t.Context(), first)) // Does not hold it any more.
	wantHeld(t, r, "a", second)
	must(t, r.Detach(t.Context(), second))
	wantHeld(t, r, "a")
	must(t, r.Detach(t.Context(), second))
}

func testExpiry(t *testing.T, r live.Registry) {
	kept, left := held(1, "a1"), held(2, "a2")
	for _, e := range []live.Entry{kept, left} {
		_, err := r.Attach(t.Context(), e, time.Second)
		must(t, err)
	}
	_, err := r.Renew(t.Context(), []live.Entry{kept}, time.Minute)
	must(t, err)
	time.Sleep(1100 * time.Millisecond)
	wantHeld(t, r, "a", kept)
	if previous := attach(t, r, held(1, "a2")); previous != (live.Entry{}) {
		t.Errorf("took over %+v, which had expired", previous)
	}
}

func testRenew(t *testing.T, r live.Registry) {
	earlier, later, unknown := held(1, "a1"), held(2, "a1"), held(3, "a2")
	attach(t, r, later)
	lost, err := r.Renew(t.Context(), []live.Entry{earlier, unknown}, time.Minute)
	must(t, err)
	if !slices.Equal(lost, []live.Entry{earlier}) {
		t.Errorf("lost %+v, want %+v", lost, earlier)
	}
	wantHeld(t, r, "a", later, unknown)
}

func testList(t *testing.T, r live.Registry) {
	a, b, c := held(3, "a1"), held(2, "b1"), held(1, "a2")
	for _, e := range []live.Entry{a, b, c} {
		attach(t, r, e)
	}
	wantHeld(t, r, "", c, b, a)
	wantHeld(t, r, "a", c, a)
	wantHeld(t, r, "nobody")
}

func testEnd(open func(EndFunc) live.Registry) func(*testing.T) {
	return func(t *testing.T) {
		ended := make(chan string, 10) // A registry may end streams later, from elsewhere.
		r := open(func(e live.Entry, reason push.Reason, message string) {
			ended <- fmt.Sprint(e.Attach, reason, message)
		})
		first, second := held(1, "a1"), held(2, "a1")
		attach(t, r, first)
		attach(t, r, second)
		must(t, r.End(t.Context(), first, push.ReasonReplaced, "late"))
		must(t, r.End(t.Context(), held(9, "none"), push.ReasonReplaced, "unknown"))
		must(t, r.End(t.Context(), second, push.ReasonSuperseded, "now"))
		if got := <-ended; got != "2SUPERSEDEDnow" || len(ended) != 0 {
			t.Errorf("ended %q and %d more", got, len(ended))
		}
	}
}
