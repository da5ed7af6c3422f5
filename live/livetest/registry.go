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
// live.Registry. Each is empty at first, and that of a node with the name that
// open is given. pass must let a time pass, or wait so long.
func Registry(t *testing.T, open func(t *testing.T, node string, end EndFunc) live.Registry, pass func(time.Duration)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, live.Registry, func(time.Duration)){
		"TheLaterOfTwoAttachesHoldsTheConnection": testTakeOver,
		"AnEntryThatIsNotRenewedExpires":          testExpiry,
		"RenewingRestoresWhatWasLost":             testRenew,
		"AStreamListsByUserInOrder":               testList,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, open(t, "n", func(e live.Entry, _ push.Reason, _ string) { t.Errorf("ended %+v", e) }), pass)
		})
	}
	t.Run("OnlyTheHolderIsEnded", func(t *testing.T) {
		ended := make(chan string, 10)
		testEnd(t, open(t, "n", func(e live.Entry, reason push.Reason, message string) {
			ended <- fmt.Sprint(e.Attach, reason, message)
		}), ended)
	})
}

// held is an entry of a user's connection, whose name begins with the user's.
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
		t.Errorf("%q has %+v, want %+v", user, got, want)
	}
}

func testTakeOver(t *testing.T, r live.Registry, _ func(time.Duration)) {
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

func testExpiry(t *testing.T, r live.Registry, pass func(time.Duration)) {
	kept, left := held(1, "a1"), held(2, "a2")
	for _, e := range []live.Entry{kept, left} {
		_, err := r.Attach(t.Context(), e, time.Second)
		must(t, err)
	}
	_, err := r.Renew(t.Context(), []live.Entry{kept}, time.Minute)
	must(t, err)
	pass(1100 * time.Millisecond)
	wantHeld(t, r, "a", kept)
	if previous := attach(t, r, held(1, "a2")); previous != (live.Entry{}) {
		t.Errorf("took over %+v, which had expired", previous)
	}
}

func testRenew(t *testing.T, r live.Registry, _ func(time.Duration)) {
	earlier, later, unknown := held(1, "a1"), held(2, "a1"), held(3, "a2")
	attach(t, r, later)
	lost, err := r.Renew(t.Context(), []live.Entry{earlier, unknown}, time.Minute)
	must(t, err)
	if !slices.Equal(lost, []live.Entry{earlier}) {
		t.Errorf("lost %+v, want %+v", lost, earlier)
	}
	wantHeld(t, r, "a", later, unknown)
}

func testList(t *testing.T, r live.Registry, _ func(time.Duration)) {
	a, b, c := held(3, "a1"), held(2, "b1"), held(1, "a2")
	for _, e := range []live.Entry{a, b, c} {
		attach(t, r, e)
	}
	wantHeld(t, r, "", c, b, a)
	wantHeld(t, r, "a", c, a)
	wantHeld(t, r, "nobody")
}

func testEnd(t *testing.T, r live.Registry, ended <-chan string) {
	first, second := held(1, "a1"), held(2, "a1")
	attach(t, r, first)
	attach(t, r, second)
	must(t, r.End(t.Context(), first, push.ReasonReplaced, "late"))
	must(t, r.End(t.Context(), held(9, "none"), push.ReasonReplaced, "unknown"))
	must(t, r.End(t.Context(), second, push.ReasonSuperseded, "now"))
	if got := <-ended; got != "2SUPERSEDEDnow" {
		t.Errorf("ended %q", got)
	}
	if len(ended) != 0 {
		t.Errorf("also ended %q", <-ended)
	}
}
