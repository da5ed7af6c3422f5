package apptest_test

import (
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// TestTheSameInstanceReplacesItsStreamAndAnotherSupersedesIt covers take-over.
func TestTheSameInstanceReplacesItsStreamAndAnotherSupersedesIt(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	first := alice.Attach(&request{InstanceId: "one"})
	second := alice.Attach(&request{InstanceId: "one"})
	wantEnd(t, first, codes.Aborted, "REPLACED")
	if second.Hello.GetSupersededAnother() {
		t.Error("a reconnect says that it superseded another client")
	}
	third := alice.Attach(&request{InstanceId: "two"})
	wantEnd(t, second, codes.Aborted, "SUPERSEDED")
	if !third.Hello.GetSupersededAnother() {
		t.Error("the Hello does not say that it took over")
	}
	if third.Hello.GetAttachNumber() <= second.Hello.GetAttachNumber() || second.Hello.GetAttachNumber() <= first.Hello.GetAttachNumber() {
		t.Error("attach numbers do not rise")
	}
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	third.Report("a", execNew)
}

// TestAConnectionServesOnlyTheSessionThatOpenedIt covers connections that are not
// there and those of others, another session of the same user included.
func TestAConnectionServesOnlyTheSessionThatOpenedIt(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, elsewhere, bob := app.SignIn("alice"), app.SignIn("alice"), app.SignIn("bob")
	s := alice.Attach(&request{})
	wantRefusal(t, alice.AttachRefused(&request{ConnectionId: "no-such-connection"}), codes.NotFound, "UNKNOWN_CONNECTION", "")
	for _, other := range []*apptest.Desktop{elsewhere, bob} {
		wantRefusal(t, other.AttachRefused(&request{ConnectionId: alice.Connection}), codes.PermissionDenied, "NOT_YOUR_CONNECTION", "")
		_, err := other.Notifications.UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{ConnectionId: alice.Connection})
		wantRefusal(t, err, codes.PermissionDenied, "NOT_YOUR_CONNECTION", "")
		_, err = other.Notifications.AcknowledgeNotifications(t.Context(), s.Acknowledgement(1))
		wantRefusal(t, err, codes.PermissionDenied, "NOT_YOUR_CONNECTION", "")
	}
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	s.Report("a", execNew)
}

// TestTwoDesktopsOfOneUserBothGetEverything covers connections of one session and
// of two.
func TestTwoDesktopsOfOneUserBothGetEverything(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	streams := []*apptest.Stream{alice.Attach(&request{}), alice.Another().Attach(&request{}), app.SignIn("alice").Attach(&request{})}
	bob := app.SignIn("bob")
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	bob.Place(apptest.Limit("b", "USDJPY", sell, "1", "150"))
	var trades []string
	for _, s := range streams {
		s.Report("a", execNew)
		s.Report("a", execTrade)
		m := s.Await("the trade", func(m *todokuv1.Message) bool { return m.GetTrade() != nil })
		trades = append(trades, m.GetTrade().GetTradeId()+" at "+strconv.FormatUint(m.GetSequence(), 10)+" "+strconv.FormatUint(uint64(m.GetIndex()), 10))
	}
	if trades[0] != trades[1] || trades[1] != trades[2] {
		t.Errorf("three desktops saw %v", trades)
	}
}

// TestASubscriptionChangesOnTheLiveStream adds and removes instruments and
// presence without reopening.
func TestASubscriptionChangesOnTheLiveStream(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, bob, admin := app.SignIn("alice"), app.SignIn("bob"), app.SignIn("admin")
	bob.Place(apptest.Limit("b1", "USDJPY", buy, "1", "150"))
	s := alice.Attach(&request{})
	admin.Announce("plain")
	for _, m := range s.Until("plain") {
		if m.GetBookUpdate() != nil || m.GetBookBegin() != nil || m.GetTradePrint() != nil {
			t.Errorf("unsubscribed stream got %v", m)
		}
	}
	update := func(subscription *todokuv1.Subscription) error {
		reply, err := alice.Notifications.UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{ConnectionId: alice.Connection, Subscription: subscription})
		if err == nil && reply.GetCursor() == "" {
			t.Error("the reply says no cursor")
		}
		return err
	}
	if err := update(&todokuv1.Subscription{Symbols: []string{"USDJPY"}}); err != nil {
		t.Fatal(err)
	}
	s.Await("the book", func(m *todokuv1.Message) bool { return m.GetBookUpdate().GetLevel().GetQuantity() == "1" })
	bob.Place(apptest.Limit("b2", "USDJPY", buy, "2", "150"))
	s.Await("the book's change", func(m *todokuv1.Message) bool { return m.GetBookUpdate().GetLevel().GetQuantity() == "3" })
	wantRefusal(t, update(&todokuv1.Subscription{Symbols: []string{"NOSUCH"}}), codes.InvalidArgument, "BAD_SUBSCRIPTION", "subscription")
	wantRefusal(t, update(&todokuv1.Subscription{AllAccounts: true}), codes.PermissionDenied, "NOT_PERMITTED", "")
	if err := update(nil); err != nil {
		t.Fatal(err)
	}
	// An instrument removed before a command gets none of its events: the mark comes after.
	bob.Place(apptest.Limit("b3", "USDJPY", sell, "1", "150"))
	admin.Announce("removed")
	for _, m := range s.Until("removed") {
		if p := m.GetTradePrint(); p != nil {
			t.Errorf("the unsubscribed stream got %v", p)
		}
	}
}

// TestOnlyAnAdvanceOnTheLiveAttachCountsAsAcknowledged covers receipts, the
// future's and the past's.
func TestOnlyAnAdvanceOnTheLiveAttachCountsAsAcknowledged(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	acknowledge := func(r *todokuv1.AcknowledgeNotificationsRequest) error {
		_, err := alice.Notifications.AcknowledgeNotifications(t.Context(), r)
		return err
	}
	old := alice.Attach(&request{InstanceId: "one"})
	s := alice.Attach(&request{InstanceId: "one"})
	s.Snapshot()
	// A snapshot's own cursor may be before its response's, if events in between do not
	// concern alice.
	app.SignIn("admin").Announce("told")
	s.Until("told")
	wantRefusal(t, acknowledge(old.Acknowledgement(1)), codes.FailedPrecondition, "OTHER_ATTACH", "")
	wantRefusal(t, acknowledge(s.Acknowledgement(s.Number+1_000)), codes.InvalidArgument, "NOT_SENT", "")
	s.Acknowledge()
	s.Acknowledge() // The same again is allowed.
	reply, err := app.SignIn("rita").Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if c := reply.GetConnections(); len(c) != 1 || c[0].GetAcknowledgedCursor() != s.Cursor || c[0].GetAttachNumber() != s.Hello.GetAttachNumber() {
		t.Errorf("connections are %v, want one that acknowledged %s", c, s.Cursor)
	}
	s.Cut()
	s.Finish() //nolint:errcheck // It was cut.
	wantEventually(t, func() bool {
		got := acknowledge(s.Acknowledgement(1))
		return got != nil && parseError(t, got).reason == "NOT_ATTACHED"
	}, "an acknowledgement without a stream is refused as NOT_ATTACHED")
}

// TestOnlyAStreamThatAcknowledgesStaysOpen runs three streams
// beside each other with the timeouts scaled down: one never acknowledges, one repeats the
// same acknowledgement, one acknowledges what has arrived.
func TestOnlyAStreamThatAcknowledgesStaysOpen(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) {
		// Acknowledging each heartbeat is enough even if the machine pauses for seconds.
		c.Push.HeartbeatInterval, c.Push.AckTimeout = 200*time.Millisecond, 5*time.Second
	})
	living, mute := app.SignIn("bob").Attach(&request{}), app.SignIn("alice").Attach(&request{})
	stuck := app.SignIn("carol")
	repeating := stuck.Attach(&request{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wantEnd(t, mute, codes.DeadlineExceeded, "NOT_ACKNOWLEDGING")
		wantEnd(t, repeating, codes.DeadlineExceeded, "NOT_ACKNOWLEDGING")
	}()
	over := false
	for beats := 0; !over || beats < 40; beats++ { // Longer than the timeout.
		living.Await("a heartbeat", func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil })
		living.Acknowledge()
		if !over {
			_, err := stuck.Notifications.AcknowledgeNotifications(t.Context(), repeating.Acknowledgement(1))
			if err != nil {
				wantRefusal(t, err, codes.FailedPrecondition, "NOT_ATTACHED", "")
			}
		}
		select {
		case <-ended:
			over = true
		default:
		}
	}
}
