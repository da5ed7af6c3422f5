package rpc

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
)

func TestHelloHasTheSettingsForTheClient(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	h := alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "i"}).hello
	if h.GetEpoch() != v.journal.Epoch() || h.GetHeadSequence() == 0 || h.GetAttachNumber() <= 1000 ||
		h.GetStart() != todokuv1.Hello_START_SNAPSHOT || h.GetSupersededAnother() || h.GetServerVersion() != "test" ||
		h.GetUser().GetUser() != "alice" || h.GetHeartbeatInterval().AsDuration() != 50*time.Millisecond ||
		h.GetWatchdogInterval().AsDuration() != 15*time.Second || h.GetStaleInterval().AsDuration() != 8*time.Second ||
		h.GetAcknowledgeInterval().AsDuration() != 15*time.Second ||
		h.GetServerTime().AsTime().IsZero() || !h.GetSessionExpireTime().AsTime().After(time.Now()) {
		t.Errorf("hello %v", h)
	}
}

func TestAResumedStreamContinuesAfterItsCursor(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	s := alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "i"})
	s.until("the snapshot's end", func(m *todokuv1.Message) bool { return m.GetSnapshotEnd() != nil })
	first := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	report := s.until("the report", func(m *todokuv1.Message) bool { return m.GetExecutionReport() != nil })
	if report.GetSequence() != first.GetSequence() || report.GetExecutionReport().GetOrder().GetOrderId() != first.GetOrderId() {
		t.Errorf("pushed %v for %v", report, first)
	}
	resume := s.last.GetCursor()
	s.cancel()
	missed := alice.place("a-2", todokuv1.Side_SIDE_BUY, "5", "150")
	s = alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "i", ResumeAfter: resume})
	if s.hello.GetStart() != todokuv1.Hello_START_REPLAY {
		t.Errorf("begins with %v", s.hello.GetStart())
	}
	next := s.until("the missed report", func(m *todokuv1.Message) bool { return m.GetExecutionReport() != nil })
	if next.GetSequence() != missed.GetSequence() {
		t.Errorf("resumed with %v, want sequence %d", next, missed.GetSequence())
	}

	s = alice.attach(&todokuv1.FeedNotificationRequest{ResumeAfter: "another-epoch:5"})
	reset := s.until("a reset", func(m *todokuv1.Message) bool { return m.GetReset_() != nil }).GetReset_()
	if s.hello.GetStart() != todokuv1.Hello_START_RESET || reset.GetCause() != todokuv1.Reset_CAUSE_UNKNOWN_EPOCH || reset.GetText() == "" {
		t.Errorf("%v, %v", s.hello.GetStart(), reset)
	}
}

func TestATakeOverHasAReason(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	one := alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "desk"})
	two := alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "desk"})
	fails(t, one.end(), "REPLACED")
	if two.hello.GetSupersededAnother() {
		t.Error("a reconnect superseded another")
	}
	three := alice.attach(&todokuv1.FeedNotificationRequest{InstanceId: "laptop"})
	fails(t, two.end(), "SUPERSEDED")
	if !three.hello.GetSupersededAnother() {
		t.Error("another instance did not supersede the first")
	}
}

func TestRefusedStreamsHaveAReason(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	head := v.feed.Cursor(1 << 40).String()
	for what, c := range map[string]struct {
		req    *todokuv1.FeedNotificationRequest
		reason string
	}{
		"no connection":      {&todokuv1.FeedNotificationRequest{}, "UNKNOWN_CONNECTION"},
		"unknown connection": {&todokuv1.FeedNotificationRequest{ConnectionId: "nothing"}, "UNKNOWN_CONNECTION"},
		"bob's connection":   {&todokuv1.FeedNotificationRequest{ConnectionId: bob.connection}, "NOT_YOUR_CONNECTION"},
		"no cursor":          {&todokuv1.FeedNotificationRequest{ConnectionId: alice.connection, ResumeAfter: "x"}, "BAD_CURSOR"},
		"a later cursor":     {&todokuv1.FeedNotificationRequest{ConnectionId: alice.connection, ResumeAfter: head}, "BAD_CURSOR"},
		"unknown symbol": {&todokuv1.FeedNotificationRequest{
			ConnectionId: alice.connection, Subscription: &todokuv1.Subscription{Symbols: []string{"NONE"}},
		}, "BAD_SUBSCRIPTION"},
		"bad interval": {&todokuv1.FeedNotificationRequest{
			ConnectionId: alice.connection, Subscription: &todokuv1.Subscription{StateInterval: durationpb.New(time.Hour)},
		}, "BAD_SUBSCRIPTION"},
		"all accounts": {&todokuv1.FeedNotificationRequest{
			ConnectionId: alice.connection, Subscription: &todokuv1.Subscription{AllAccounts: true},
		}, "NOT_PERMITTED"},
		"huge instance": {&todokuv1.FeedNotificationRequest{
			ConnectionId: alice.connection, InstanceId: strings.Repeat("i", maxOpaque+1),
		}, "BAD_NAME"},
	} {
		stream, err := v.notes.FeedNotification(alice.ctx, c.req)
		must(t, err)
		_, err = stream.Recv()
		if fails(t, err, c.reason); t.Failed() {
			t.Fatal(what)
		}
	}
}

func TestAcknowledgementsAreTakenOrRefusedWithAReason(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	acknowledge := func(c *client, connection string, attach, number uint64) error {
		_, err := v.notes.AcknowledgeNotifications(c.ctx, &todokuv1.AcknowledgeNotificationsRequest{
			ConnectionId: connection, AttachNumber: attach, ResponseNumber: number,
		})
		return err
	}
	fails(t, acknowledge(alice, alice.connection, 1, 1), "NOT_ATTACHED")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	attach := s.hello.GetAttachNumber()
	s.until("the snapshot's end", func(m *todokuv1.Message) bool { return m.GetSnapshotEnd() != nil })
	must(t, acknowledge(alice, alice.connection, attach, s.last.GetNumber()))
	must(t, acknowledge(alice, alice.connection, attach, 1))
	fails(t, acknowledge(alice, alice.connection, attach, 1<<40), "NOT_SENT")
	fails(t, acknowledge(alice, alice.connection, attach-1, 1), "OTHER_ATTACH")
	fails(t, acknowledge(bob, alice.connection, attach, 1), "NOT_YOUR_CONNECTION")
	fails(t, acknowledge(bob, "none", attach, 1), "UNKNOWN_CONNECTION")
	for _, info := range v.hub.List() {
		if got := v.cursor(info.AckCursor); got != s.last.GetCursor() {
			t.Errorf("the server has cursor %q, the client %q", got, s.last.GetCursor())
		}
	}
}

func TestASubscriptionChangesOnTheLiveStream(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	update := func(c *client, subscription *todokuv1.Subscription) error {
		res, err := v.notes.UpdateSubscription(c.ctx, &todokuv1.UpdateSubscriptionRequest{ConnectionId: c.connection, Subscription: subscription})
		if err == nil {
			if _, err := push.ParseCursor(res.GetCursor()); err != nil {
				t.Errorf("it took effect at %q", res.GetCursor())
			}
		}
		return err
	}
	must(t, update(alice, &todokuv1.Subscription{Symbols: []string{"*"}, Presence: true, StateInterval: durationpb.New(10 * time.Millisecond)}))
	s.until("a book", func(m *todokuv1.Message) bool { return m.GetBookBegin().GetSymbol() == "USDJPY" })
	bob.place("b-1", todokuv1.Side_SIDE_SELL, "5", "151")
	level := s.until("bob's level", func(m *todokuv1.Message) bool { return m.GetBookUpdate() != nil }).GetBookUpdate()
	if level.GetLevel().GetPrice() != "151" || level.GetLevel().GetQuantity() != "5" {
		t.Errorf("pushed %v", level)
	}
	bob.attach(&todokuv1.FeedNotificationRequest{})
	s.until("bob's sign-in", func(m *todokuv1.Message) bool {
		return m.GetUserPresence().GetDisplayName() == "The bob" && m.GetUserPresence().GetOnline()
	})
	fails(t, update(alice, &todokuv1.Subscription{Symbols: []string{"NONE"}}), "BAD_SUBSCRIPTION")
	fails(t, update(alice, &todokuv1.Subscription{AllAccounts: true}), "NOT_PERMITTED")
	fails(t, update(v.signIn("alice"), nil), "NOT_ATTACHED")
}

func TestPastNotificationsAreListedInPages(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	for _, id := range []string{"a-1", "a-2", "a-3"} {
		alice.place(id, todokuv1.Side_SIDE_BUY, "1", "150")
	}
	last := alice.place("a-4", todokuv1.Side_SIDE_BUY, "1", "150")
	must(t, v.feed.WaitFor(t.Context(), last.GetSequence()))
	var reports []string
	for after, pages := "", 0; ; pages++ {
		res, err := v.notes.ListNotifications(alice.ctx, &todokuv1.ListNotificationsRequest{After: after, PageSize: 2})
		must(t, err)
		for _, m := range res.GetMessages() {
			if r := m.GetExecutionReport(); r != nil {
				reports = append(reports, r.GetOrder().GetClientOrderId())
			}
		}
		after = res.GetCursor()
		if res.GetEnd() {
			break
		}
		if pages > 10 {
			t.Fatal("it does not end")
		}
	}
	if strings.Join(reports, " ") != "a-1 a-2 a-3 a-4" {
		t.Errorf("listed %v", reports)
	}
	list := func(req *todokuv1.ListNotificationsRequest) error {
		_, err := v.notes.ListNotifications(alice.ctx, req)
		return err
	}
	fails(t, list(&todokuv1.ListNotificationsRequest{After: "x"}), "BAD_CURSOR")
	fails(t, list(&todokuv1.ListNotificationsRequest{After: "other:1"}), "BAD_CURSOR")
	fails(t, list(&todokuv1.ListNotificationsRequest{PageSize: 1001}), "BAD_NUMBER")
	fails(t, list(&todokuv1.ListNotificationsRequest{Subscription: &todokuv1.Subscription{Symbols: []string{"x"}}}), "BAD_SUBSCRIPTION")
}

func TestOtherUsersSeePresence(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	watching := bob.attach(&todokuv1.FeedNotificationRequest{Subscription: &todokuv1.Subscription{Presence: true}})
	presence := func(online bool) {
		t.Helper()
		m := watching.until("alice's presence", func(m *todokuv1.Message) bool {
			return m.GetUserPresence().GetDisplayName() == "The alice"
		}).GetUserPresence()
		if m.GetOnline() != online {
			t.Errorf("alice is online: %v, want %v", m.GetOnline(), online)
		}
	}
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	presence(true)
	res, err := v.market.ListUsers(bob.ctx, &todokuv1.ListUsersRequest{})
	must(t, err)
	if got := res.GetUsers(); len(got) == 0 || got[0].GetDisplayName() != "The alice" {
		t.Errorf("online are %v", got)
	}
	s.cancel()
	presence(false)
}

func TestASessionMayHaveSeveralConnections(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	res, err := v.session.OpenConnection(alice.ctx, &todokuv1.OpenConnectionRequest{})
	must(t, err)
	one := alice.attach(&todokuv1.FeedNotificationRequest{})
	two := alice.attach(&todokuv1.FeedNotificationRequest{ConnectionId: res.GetConnectionId()})
	order := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	for _, s := range []*stream{one, two} {
		m := s.until("the report", func(m *todokuv1.Message) bool { return m.GetExecutionReport() != nil })
		if m.GetSequence() != order.GetSequence() {
			t.Errorf("pushed %v", m)
		}
	}
	_, err = v.session.Logout(alice.ctx, &todokuv1.LogoutRequest{})
	must(t, err)
	fails(t, one.end(), "SESSION_REVOKED")
	fails(t, two.end(), "SESSION_REVOKED")
}
