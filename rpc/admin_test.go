package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/engine"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

func TestARepeatedCreateUserCreatesOneUser(t *testing.T) {
	v := open(t)
	root := v.signIn("root")
	req := &todokuv1.CreateUserRequest{RequestId: "u-1", User: "dora", Password: "battery"}
	v.engine.breakWith(engine.ErrNotDurable)
	_, err := v.admin.CreateUser(root.ctx, req)
	fails(t, err, "NOT_DURABLE")
	_, err = v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "dora", Password: "battery"})
	fails(t, err, "BAD_CREDENTIALS")
	v.engine.breakWith(nil)

	first, err := v.admin.CreateUser(root.ctx, req)
	must(t, err)
	if u := first.GetUser(); u.GetDisplayName() != "dora" || !slices.Equal(u.GetAccounts(), []string{"dora"}) ||
		!slices.Equal(u.GetRoles(), []todokuv1.Role{todokuv1.Role_ROLE_TRADER}) {
		t.Errorf("created %v", u)
	}
	again, err := v.admin.CreateUser(root.ctx, req)
	must(t, err)
	if again.GetSequence() != first.GetSequence() {
		t.Errorf("created at %d and at %d", first.GetSequence(), again.GetSequence())
	}
	_, err = v.admin.CreateUser(root.ctx, &todokuv1.CreateUserRequest{RequestId: "u-2", User: "dora", Password: "staple"})
	if field := fails(t, err, "ALREADY_EXISTS"); field != "user" {
		t.Errorf("it names %q", field)
	}
	if _, err = v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "dora", Password: "battery"}); err != nil {
		t.Errorf("dora cannot sign in: %v", err)
	}
	for field, req := range map[string]*todokuv1.CreateUserRequest{
		"user":         {RequestId: "x", User: "No Name", Password: "staple"},
		"password":     {RequestId: "x", User: "eve"},
		"roles[0]":     {RequestId: "x", User: "eve", Password: "staple", Roles: []todokuv1.Role{9}},
		"accounts[1]":  {RequestId: "x", User: "eve", Password: "staple", Accounts: []string{"ok", "Not Ok"}},
		"request_id":   {User: "eve", Password: "staple"},
		"display_name": {RequestId: "x", User: "eve", Password: "staple", DisplayName: "a\x00b"},
	} {
		_, err := v.admin.CreateUser(root.ctx, req)
		if _, bad, _ := details(t, err); bad.GetFieldViolations()[0].GetField() != field {
			t.Errorf("it names %v, want %s", bad, field)
		}
	}
}

func TestAnUpdateChangesOnlyTheGivenFields(t *testing.T) {
	v := open(t)
	root, alice := v.signIn("root"), v.signIn("alice")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	res, err := v.admin.UpdateUser(root.ctx, &todokuv1.UpdateUserRequest{RequestId: "1", User: "alice", DisplayName: "Al", Password: "battery"})
	must(t, err)
	if u := res.GetUser(); u.GetDisplayName() != "Al" || len(u.GetAccounts()) != 2 || len(u.GetRoles()) != 1 {
		t.Errorf("updated %v", u)
	}
	fails(t, s.end(), "SESSION_REVOKED")
	_, err = v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password})
	fails(t, err, "BAD_CREDENTIALS")
	_, err = v.admin.UpdateUser(root.ctx, &todokuv1.UpdateUserRequest{RequestId: "2", User: "nobody", DisplayName: "N"})
	fails(t, err, "UNKNOWN_USER")
	_, err = v.admin.UpdateUser(root.ctx, &todokuv1.UpdateUserRequest{RequestId: "3", User: "alice", Roles: []todokuv1.Role{todokuv1.Role_ROLE_VIEWER}})
	must(t, err)
	users, err := v.admin.ListAllUsers(root.ctx, &todokuv1.ListAllUsersRequest{})
	must(t, err)
	i := slices.IndexFunc(users.GetUsers(), func(u *todokuv1.User) bool { return u.GetUser() == "alice" })
	if u := users.GetUsers()[i]; u.GetDisplayName() != "Al" || !slices.Equal(u.GetRoles(), []todokuv1.Role{todokuv1.Role_ROLE_VIEWER}) {
		t.Errorf("alice is %v", u)
	}
}

func TestASuspendedUserIsSignedOutAndMaySignInWhenResumed(t *testing.T) {
	v := open(t)
	root, alice := v.signIn("root"), v.signIn("alice")
	order := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	suspend := &todokuv1.SuspendUserRequest{RequestId: "s", User: "alice"}
	res, err := v.admin.SuspendUser(root.ctx, suspend)
	must(t, err)
	fails(t, s.end(), "USER_SUSPENDED")
	_, err = v.market.ListUsers(alice.ctx, &todokuv1.ListUsersRequest{})
	fails(t, err, "SESSION_REVOKED")
	_, err = v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password})
	fails(t, err, "USER_SUSPENDED")
	seen, err := v.orders.GetOrder(root.ctx, &todokuv1.GetOrderRequest{Account: "alice", OrderId: order.GetOrderId(), WaitFor: res.GetCursor()})
	must(t, err)
	if seen.GetOrder().GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_CANCELED {
		t.Errorf("the order is %v", seen)
	}

	_, err = v.admin.ResumeUser(root.ctx, &todokuv1.ResumeUserRequest{RequestId: "r", User: "alice"})
	must(t, err)
	alice = v.signIn("alice")
	// A late repetition of the suspension ends no session.
	again, err := v.admin.SuspendUser(root.ctx, suspend)
	must(t, err)
	if again.GetSequence() != res.GetSequence() {
		t.Errorf("suspended at %d and at %d", res.GetSequence(), again.GetSequence())
	}
	if _, err = v.market.ListUsers(alice.ctx, &todokuv1.ListUsersRequest{}); err != nil {
		t.Errorf("alice's session was ended: %v", err)
	}
}

func TestASuspendedUsersTokenIsRefused(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	// The state between the engine's answer and the end of the sessions.
	asRoot := context.WithValue(t.Context(), callerKey{}, caller{user: users()[0]})
	answer, err := v.changeUser(asRoot, &decoder{}, "direct", "alice", func(u *trade.User) { u.Suspended = true })
	must(t, err)
	must(t, v.feed.WaitFor(t.Context(), answer.Sequence))
	_, err = v.market.ListUsers(alice.ctx, &todokuv1.ListUsersRequest{})
	fails(t, err, "USER_SUSPENDED")
}

func TestLimitsInstrumentsAndAnnouncementsArePushed(t *testing.T) {
	v := open(t)
	root, alice := v.signIn("root"), v.signIn("alice")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	s.until("the snapshot's end", func(m *todokuv1.Message) bool { return m.GetSnapshotEnd() != nil })

	_, err := v.admin.SetRiskLimits(root.ctx, &todokuv1.SetRiskLimitsRequest{RequestId: "1", Limits: &todokuv1.RiskLimits{Account: "desk", MaxOrderQuantity: "7"}})
	must(t, err)
	s.until("limits", func(m *todokuv1.Message) bool { return m.GetLimitUpdate().GetMaxOrderQuantity() == "7" })
	limits, err := v.admin.GetRiskLimits(root.ctx, &todokuv1.GetRiskLimitsRequest{Account: "desk"})
	must(t, err)
	if limits.GetLimits().GetMaxOrderQuantity() != "7" || limits.GetLimits().GetAccount() != "desk" {
		t.Errorf("limits %v", limits)
	}
	_, err = v.admin.SetRiskLimits(root.ctx, &todokuv1.SetRiskLimitsRequest{RequestId: "2", Limits: &todokuv1.RiskLimits{Account: "none"}})
	fails(t, err, "UNKNOWN_ACCOUNT")

	_, err = v.admin.UpsertInstrument(root.ctx, &todokuv1.UpsertInstrumentRequest{RequestId: "3", Instrument: &todokuv1.Instrument{
		Symbol: "EURUSD", Name: "Euro", AssetClass: todokuv1.AssetClass_ASSET_CLASS_FX, Currency: "USD", TickSize: "0.0001", LotSize: "1",
		MinQuantity: "1", MaxQuantity: "100", Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}})
	must(t, err)
	s.until("the instrument", func(m *todokuv1.Message) bool { return m.GetInstrumentUpdate().GetSymbol() == "EURUSD" })

	_, err = v.admin.Announce(root.ctx, &todokuv1.AnnounceRequest{RequestId: "4", Text: "only bob", Users: []string{"bob"}})
	must(t, err)
	_, err = v.admin.Announce(root.ctx, &todokuv1.AnnounceRequest{RequestId: "5", Text: "hello"})
	must(t, err)
	if got := s.until("an announcement", func(m *todokuv1.Message) bool { return m.GetAnnouncement() != nil }).GetAnnouncement(); got.GetText() != "hello" || got.GetFrom() != "The root" {
		t.Errorf("alice reads %v", got)
	}
	_, err = v.admin.Announce(root.ctx, &todokuv1.AnnounceRequest{RequestId: "6", Text: "x", Users: []string{"nobody"}})
	fails(t, err, "UNKNOWN_USER")
}

func TestATradeOfTheHistoryIsBusted(t *testing.T) {
	v := open(t)
	root, alice, bob := v.signIn("root"), v.signIn("alice"), v.signIn("bob")
	bob.place("b-1", todokuv1.Side_SIDE_SELL, "5", "150")
	bought := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	bust := func(id, request string) error {
		_, err := v.admin.BustTrade(root.ctx, &todokuv1.BustTradeRequest{RequestId: request, TradeId: id, Reason: "fat finger"})
		return err
	}
	must(t, bust("1", "x"))
	must(t, v.feed.WaitFor(t.Context(), bought.GetSequence()+1))
	positions, err := v.orders.ListPositions(alice.ctx, &todokuv1.ListPositionsRequest{})
	must(t, err)
	if got := positions.GetPositions(); len(got) != 1 || got[0].GetQuantity() != "0" {
		t.Errorf("alice holds %v", got)
	}
	fails(t, bust("1", "y"), "TRADE_NOT_OPEN")
	fails(t, bust("99", "z"), "UNKNOWN_TRADE")
	fails(t, bust("0", "z"), "BAD_NUMBER")
	trades, err := v.market.ListTrades(bob.ctx, &todokuv1.ListTradesRequest{Symbol: "USDJPY", WaitFor: v.cursor(v.journal.Head())})
	must(t, err)
	if got := trades.GetTrades(); len(got) != 1 || got[0].GetStatus() != todokuv1.TradeStatus_TRADE_STATUS_BUSTED {
		t.Errorf("trades %v", got)
	}
	_, err = v.market.ListTrades(bob.ctx, &todokuv1.ListTradesRequest{Symbol: "NONE"})
	fails(t, err, "UNKNOWN_INSTRUMENT")
}

func TestABustLeavesWhatTheOtherTradesMake(t *testing.T) {
	v := open(t)
	root, alice, bob := v.signIn("root"), v.signIn("alice"), v.signIn("bob")
	buy, sell := todokuv1.Side_SIDE_BUY, todokuv1.Side_SIDE_SELL
	bob.place("b-1", sell, "10", "100")
	alice.place("a-1", buy, "10", "100")
	bob.place("b-2", sell, "10", "200")
	alice.place("a-2", buy, "10", "200")
	bob.place("b-3", buy, "5", "300")
	alice.place("a-3", sell, "5", "300")
	s := alice.attach(&todokuv1.FeedNotificationRequest{Subscription: &todokuv1.Subscription{Symbols: []string{"USDJPY"}}})
	for i, c := range []struct{ trade, quantity, cost, realised, last string }{
		{"2", "5", "500", "1000", "300"}, {"3", "10", "1000", "0", "100"}, {"1", "0", "0", "0", ""},
	} {
		busted, err := v.admin.BustTrade(root.ctx, &todokuv1.BustTradeRequest{RequestId: c.trade, TradeId: c.trade})
		must(t, err)
		positions, err := v.orders.ListPositions(alice.ctx, &todokuv1.ListPositionsRequest{WaitFor: busted.GetCursor()})
		must(t, err)
		if p := positions.GetPositions()[0]; p.GetQuantity() != c.quantity || p.GetCost() != c.cost || p.GetRealised() != c.realised {
			t.Errorf("after bust %d: %v, want %+v", i, p, c)
		}
		book, err := v.market.GetBook(alice.ctx, &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: busted.GetCursor()})
		must(t, err)
		if got := book.GetLastPrice(); got != c.last {
			t.Errorf("after bust %d the last price is %q, want %q", i, got, c.last)
		}
		s.until("the last price", func(m *todokuv1.Message) bool {
			return m.GetBestBidOffer() != nil && m.GetBestBidOffer().GetLastPrice() == c.last
		})
	}
}

func TestMassCancelForAUserCancelsAllTheirAccounts(t *testing.T) {
	v := open(t)
	rita, alice := v.signIn("rita"), v.signIn("alice")
	alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	_, err := v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: "d-1", Account: "desk", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "149", Quantity: "5",
	})
	must(t, err)
	req := &todokuv1.MassCancelForUserRequest{RequestId: "m", User: "alice"}
	for range 2 { // The second request gets the same answer.
		res, err := v.admin.MassCancelForUser(rita.ctx, req)
		must(t, err)
		if res.GetCanceled() != 2 || res.GetCursor() == "" {
			t.Errorf("canceled %v", res)
		}
	}
	_, err = v.admin.MassCancelForUser(rita.ctx, &todokuv1.MassCancelForUserRequest{RequestId: "m", User: "nobody"})
	fails(t, err, "UNKNOWN_USER")
}

func TestConnectionsAreListedAndEnded(t *testing.T) {
	v := open(t)
	root, alice, bob := v.signIn("root"), v.signIn("alice"), v.signIn("bob")
	s, other := alice.attach(&todokuv1.FeedNotificationRequest{}), bob.attach(&todokuv1.FeedNotificationRequest{})
	list := func(req *todokuv1.ListConnectionsRequest) []*todokuv1.ConnectionInfo {
		res, err := v.admin.ListConnections(root.ctx, req)
		must(t, err)
		return res.GetConnections()
	}
	all := list(&todokuv1.ListConnectionsRequest{})
	if len(all) != 2 || all[0].GetUser() != "alice" || all[0].GetClientName() != "test" || all[0].GetSessionId() != alice.login.GetSessionId() ||
		all[0].GetAttachNumber() != s.hello.GetAttachNumber() || all[0].GetLastCursor() == "" || all[0].GetEndTime() != nil {
		t.Errorf("listed %v", all)
	}
	_, err := v.admin.DisconnectConnection(root.ctx, &todokuv1.DisconnectConnectionRequest{ConnectionId: alice.connection})
	must(t, err)
	fails(t, s.end(), "BY_VENUE")
	s = alice.attach(&todokuv1.FeedNotificationRequest{}) // She may come back.
	_, err = v.admin.DisconnectConnection(root.ctx, &todokuv1.DisconnectConnectionRequest{ConnectionId: alice.connection, RevokeSession: true})
	must(t, err)
	fails(t, s.end(), "SESSION_REVOKED")
	if ended := list(&todokuv1.ListConnectionsRequest{User: "alice", Ended: 10}); len(ended) != 2 || ended[0].GetEndReason() != "SESSION_REVOKED" ||
		ended[1].GetEndReason() != "BY_VENUE" || ended[0].GetEndTime() == nil {
		t.Errorf("listed %v", ended)
	}
	_, err = v.admin.DisconnectConnection(root.ctx, &todokuv1.DisconnectConnectionRequest{ConnectionId: alice.connection})
	fails(t, err, "UNKNOWN_CONNECTION")
	other.until("life", func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil })
}

func TestTheAuditTrailIsOneListInPages(t *testing.T) {
	v := open(t)
	root := v.signIn("root")
	for i := range 7 {
		alice := v.signIn("alice")
		alice.place(fmt.Sprint("a-", i), todokuv1.Side_SIDE_BUY, "1", "150")
	}
	read := func(user string, size uint32) []string {
		var got []string
		req := &todokuv1.ListAuditRequest{User: user, PageSize: size}
		var before time.Time
		for {
			res, err := v.admin.ListAudit(root.ctx, req)
			must(t, err)
			if len(res.GetEntries()) > int(size) {
				t.Fatalf("a page of %d has %d", size, len(res.GetEntries()))
			}
			for _, e := range res.GetEntries() {
				if at := e.GetTime().AsTime(); !before.IsZero() && at.After(before) {
					t.Errorf("%v comes after %v", at, before)
				} else {
					before = at
				}
				got = append(got, fmt.Sprint(e.GetAction(), e.GetSequence(), e.GetSessionId()))
			}
			// Later entries are not in the pages that follow.
			v.signIn("alice")
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				return got
			}
		}
	}
	whole := read("alice", 1000)
	if len(whole) < 14 {
		t.Fatalf("read %v", whole)
	}
	for _, size := range []uint32{1, 2, 3, 5} {
		// Each loop adds sign-ins as the newest entries; the older ones stay.
		if got := read("alice", size); !slices.Equal(got[len(got)-len(whole):], whole) {
			t.Errorf("in pages of %d the trail is %v, want %v", size, got, whole)
		}
	}
	if all := read("", 1000); len(all) <= len(whole) {
		t.Errorf("the trail of all users has %d entries", len(all))
	}
	first, err := v.admin.ListAudit(root.ctx, &todokuv1.ListAuditRequest{User: "alice", PageSize: 1})
	must(t, err)
	for _, req := range []*todokuv1.ListAuditRequest{
		{PageToken: "x"},
		{User: "bob", PageToken: first.GetNextPageToken()},
		{User: "alice", FromTime: timestamppb.Now(), PageToken: first.GetNextPageToken()},
	} {
		_, err := v.admin.ListAudit(root.ctx, req)
		if field := fails(t, err, "BAD_PAGE_TOKEN"); field != "page_token" {
			t.Errorf("it names %q", field)
		}
	}
}

func TestTheWholeJournalIsExported(t *testing.T) {
	v := open(t)
	root, alice := v.signIn("root"), v.signIn("alice")
	for i := range 2*exportBatch + 10 {
		alice.place(fmt.Sprint("a-", i), todokuv1.Side_SIDE_BUY, "1", "150")
	}
	export := func(after, through uint64) (sequences []uint64) {
		feed, err := v.admin.ExportJournal(root.ctx, &todokuv1.ExportJournalRequest{After: after, Through: through})
		must(t, err)
		for {
			r, err := feed.Recv()
			if errors.Is(err, io.EOF) {
				return sequences
			}
			must(t, err)
			if len(r.GetRecord()) == 0 || r.GetTime() == nil {
				t.Fatalf("record %v", r)
			}
			sequences = append(sequences, r.GetSequence())
		}
	}
	head := v.journal.Head()
	for _, c := range []struct{ after, through, first, last uint64 }{{0, 0, 1, head}, {5, 9, 6, 9}, {head, 0, 0, 0}, {0, 1 << 60, 1, head}} {
		got := export(c.after, c.through)
		if c.first == 0 && len(got) == 0 {
			continue
		}
		if uint64(len(got)) != c.last-c.first+1 || got[0] != c.first || got[len(got)-1] != c.last {
			t.Errorf("after %d through %d: %d records", c.after, c.through, len(got))
		}
	}
}
