package apptest_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// The two messages that everything began with: OTHER_USER_LOGIN and
// TRADE_SUCCEEDS.

// presences picks who signed in and out.
func presences(all []*todokuv1.Message) []string {
	var list []string
	for _, m := range all {
		if p := m.GetUserPresence(); p != nil {
			list = append(list, presence(p))
		}
	}
	return list
}

func presence(p *todokuv1.UserPresence) string {
	if p.GetOnline() {
		return p.GetDisplayName() + " in"
	}
	return p.GetDisplayName() + " out"
}

// TestOthersSeeOnlyAUsersFirstStreamAndLastEnd opens and closes desktops,
// resumes within the grace, and signs out.
func TestOthersSeeOnlyAUsersFirstStreamAndLastEnd(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Presence.Grace = time.Minute })
	admin, bob := app.SignIn("admin"), app.SignIn("bob")
	watcher := bob.Attach(&request{Subscription: &todokuv1.Subscription{Presence: true}})
	deaf := app.SignIn("vera").Attach(&request{})
	comes := func(want string) {
		t.Helper()
		watcher.Await(want, func(m *todokuv1.Message) bool {
			p := m.GetUserPresence()
			return p != nil && presence(p) == want
		})
	}
	nothing := func(mark string) {
		t.Helper()
		admin.Announce(mark)
		if got := presences(watcher.Until(mark)); len(got) > 0 {
			t.Errorf("before %s: received %v, want nothing", mark, got)
		}
	}
	alice := app.SignIn("alice")
	comes("Test vera in") // Its stream came before.
	nothing("signed in only")
	s := alice.Attach(&request{InstanceId: "one"})
	comes("Test alice in")
	second := app.SignIn("alice").Attach(&request{})
	nothing("two desktops")
	second.Cut()
	nothing("one desktop left")
	s.Cut()
	s = alice.Attach(&request{InstanceId: "one", ResumeAfter: s.Cursor})
	nothing("resumed within the grace")
	online, err := bob.Market.ListUsers(t.Context(), &todokuv1.ListUsersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(online.GetUsers(), func(p *todokuv1.UserPresence) bool { return p.GetDisplayName() == "Test alice" }) {
		t.Errorf("online are %v, want Test alice among them", online.GetUsers())
	}
	if _, err := alice.Sessions.Logout(t.Context(), &todokuv1.LogoutRequest{}); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, s, codes.Unauthenticated, "SESSION_REVOKED")
	comes("Test alice out") // Nobody can resume a session that was ended: no grace.
	admin.Announce("end")
	if got := presences(deaf.Until("end")); len(got) > 0 {
		t.Errorf("vera did not subscribe and received %v", got)
	}
	// A later stream finds the users who are online in its snapshot.
	late := app.SignIn("carol").Attach(&request{Subscription: &todokuv1.Subscription{Presence: true}})
	if got := presences(late.Snapshot()); !slices.Contains(got, "Test bob in") || slices.Contains(got, "Test alice in") {
		t.Errorf("the snapshot says %v", got)
	}
}

// TestAnAbsenceLongerThanTheGraceIsASignOut lets a short grace pass.
func TestAnAbsenceLongerThanTheGraceIsASignOut(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Presence.Grace = 300 * time.Millisecond })
	watcher := app.SignIn("bob").Attach(&request{Subscription: &todokuv1.Subscription{Presence: true}})
	s := app.SignIn("alice").Attach(&request{})
	for _, want := range []string{"Test alice in", "Test alice out"} {
		watcher.Await(want, func(m *todokuv1.Message) bool {
			p := m.GetUserPresence()
			return p != nil && presence(p) == want
		})
		s.Cut()
	}
}

// TestOnlyBothPartiesAreNotifiedOfATrade is TRADE_SUCCEEDS, with and without
// disclosure of the counterparty.
func TestOnlyBothPartiesAreNotifiedOfATrade(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, bob, carol := app.SignIn("alice"), app.SignIn("bob"), app.SignIn("carol")
	streams := map[string]*apptest.Stream{}
	for user, d := range map[string]*apptest.Desktop{"alice": alice, "bob": bob, "carol": carol} {
		streams[user] = d.Attach(&request{})
	}
	for _, c := range []struct{ symbol, quantity, price, counterparty string }{
		{"USDJPY", "3", "150.125", ""},
		{"DISC", "100", "2000", "the other"},
	} {
		alice.Place(apptest.Limit("a-"+c.symbol, c.symbol, sell, c.quantity, c.price))
		bob.Place(apptest.Limit("b-"+c.symbol, c.symbol, buy, c.quantity, c.price))
		var ids []string
		for user, want := range map[string]struct {
			order, other string
			side         todokuv1.Side
			maker        bool
		}{"alice": {"a-", "bob", sell, true}, "bob": {"b-", "alice", buy, false}} {
			got := streams[user].Await("the trade", func(m *todokuv1.Message) bool { return m.GetTrade() != nil }).GetTrade()
			counterparty := ""
			if c.counterparty != "" {
				counterparty = want.other
			}
			if got.GetAccount() != user || got.GetClientOrderId() != want.order+c.symbol || got.GetSide() != want.side ||
				got.GetMaker() != want.maker || got.GetQuantity() != c.quantity || got.GetPrice() != c.price ||
				got.GetStatus() != todokuv1.TradeStatus_TRADE_STATUS_CONCLUDED || got.GetCounterparty() != counterparty {
				t.Errorf("%s received %v", user, got)
			}
			ids = append(ids, got.GetTradeId())
		}
		if ids[0] != ids[1] || ids[0] == "" {
			t.Errorf("the parties know the trade as %v", ids)
		}
	}
	app.SignIn("admin").Announce("end")
	for _, m := range streams["carol"].Until("end") {
		if m.GetTrade() != nil || m.GetExecutionReport() != nil {
			t.Errorf("carol received %v", m)
		}
	}
}

// TestPastNotificationsAreListedAsTheyWerePushed pages through what a stream
// brought.
func TestPastNotificationsAreListedAsTheyWerePushed(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, bob := app.SignIn("alice"), app.SignIn("bob")
	s := alice.Attach(&request{})
	s.Snapshot()
	after := s.Cursor
	for _, id := range []string{"1", "2", "3"} {
		alice.Place(apptest.Limit("a"+id, "USDJPY", buy, "1", "150"))
		bob.Place(apptest.Limit("b"+id, "USDJPY", sell, "1", "150"))
	}
	app.SignIn("admin").Announce("end")
	var pushed, listed []string
	for _, m := range append(s.Until("end"), nil) {
		if m != nil && m.GetSequence() != 0 && m.GetHeartbeat() == nil {
			pushed = append(pushed, m.String())
		}
	}
	for end := false; !end; {
		reply, err := alice.Notifications.ListNotifications(t.Context(), &todokuv1.ListNotificationsRequest{After: after, PageSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reply.GetMessages() {
			if m.GetAnnouncement() == nil {
				listed = append(listed, m.String())
			}
		}
		after, end = reply.GetCursor(), reply.GetEnd()
	}
	if !slices.Equal(pushed, listed) || len(pushed) < 12 {
		t.Errorf("pushed %d:\n%q\nlisted %d:\n%q", len(pushed), pushed, len(listed), listed)
	}
	_, err := alice.Notifications.ListNotifications(t.Context(), &todokuv1.ListNotificationsRequest{After: s.Hello.GetEpoch() + ":99999"})
	wantRefusal(t, err, codes.InvalidArgument, "BAD_CURSOR", "after")
}
