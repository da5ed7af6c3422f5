package apptest_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// alone provokes the reasons that need a venue of their own, and checks them.
func alone() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"TOKEN_EXPIRED": provokeExpiry, "SESSION_EXPIRED": provokeExpiry,
		"SESSION_REVOKED": provokeRevoked, "TOKEN_REUSED": provokeReuse,
		"TOO_MANY_SESSIONS": provokeTooManySessions, "TOO_MANY_CONNECTIONS": provokeTooManyConnections,
		"TOO_MANY_STREAMS": provokeTooManyStreams, "BUSY": provokeBusy,
		"ATTACH_RATE": provokeAttachRate, "SUBSCRIPTION_RATE": provokeSubscriptionRate,
		"SIGN_IN_RATE": provokeSignInRate, "SESSION_RATE": provokeSessionRate, "ACCOUNTS_UNAVAILABLE": provokeLockedAccounts, "TOO_MANY_CALLS": provokeTooManyCalls,
		"REPLACED": provokeTakeOver, "SUPERSEDED": provokeTakeOver, "OTHER_ATTACH": provokeTakeOver, "NOT_SENT": provokeTakeOver,
		"STREAM_AGE": provokeAge, "NOT_ACKNOWLEDGING": provokeSilence, "SLOW_CONSUMER": provokeSlowness, "SHUTDOWN": provokeShutdown,
		"REATTACH": provokeTooMuchAtOnce, "INTERNAL": provokeTooMuchAtOnce,
		"RATE_LIMIT": provokeRate, "TOO_LARGE": provokeTooLarge, "DAY_ENDED": provokeDayEnd,
		"SUSPENDED": provokeSuspendedMeanwhile, "CHANGED_MEANWHILE": provokeChangedMeanwhile,
		"NOT_DURABLE": provokeFullDisk, "OUTCOME_UNKNOWN": provokeUnknownOutcome, "DEADLINE": provokeDeadline,
		"COMPACTED": provokeCompacted, "TOO_FAR_BEHIND": provokeTooFarBehind,
	}
}

// provokeExpiry lets a token expire that lives long enough for a slow machine to attach
// with it.
func provokeExpiry(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Accounts.AccessTTL, c.Accounts.Grace, c.Push.ExpiryGrace = 4*time.Second, 100*time.Millisecond, 100*time.Millisecond
	})
	alice := app.SignIn("alice")
	wantEnd(t, alice.Attach(&request{}), codes.Unauthenticated, "SESSION_EXPIRED")
	_, err := alice.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{})
	wantRefusal(t, err, codes.Unauthenticated, "TOKEN_EXPIRED", "")
}

func provokeRevoked(t *testing.T) {
	alice := apptest.Start(t).SignIn("alice")
	if _, err := alice.Sessions.Logout(t.Context(), &todokuv1.LogoutRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err := alice.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{})
	wantRefusal(t, err, codes.Unauthenticated, "SESSION_REVOKED", "")
}

func provokeReuse(t *testing.T) {
	alice := serve(t, func(c *server.Config) { c.Accounts.RetryWindow = time.Nanosecond }).SignIn("alice")
	wantRefusal(t, reuse(t.Context(), alice), codes.Unauthenticated, "TOKEN_REUSED", "")
}

// reuse sends a refresh token again after a call with the successor's access token.
func reuse(ctx context.Context, d *apptest.Desktop) error {
	request := &todokuv1.RefreshSessionRequest{RefreshToken: d.Refresh}
	reply, err := d.Sessions.RefreshSession(ctx, request)
	if err != nil {
		return err
	}
	d.Token = reply.GetTokens().GetAccessToken()
	if _, err := d.Sessions.ListSessions(ctx, &todokuv1.ListSessionsRequest{}); err != nil {
		return err
	}
	_, err = d.Sessions.RefreshSession(ctx, request)
	return err
}

func provokeTooManySessions(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Accounts.MaxSessionsPerUser = 1 })
	app.SignIn("alice")
	_, err := app.Desktop().Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: apptest.Password})
	wantRefusal(t, err, codes.ResourceExhausted, "TOO_MANY_SESSIONS", "")
}

func provokeTooManyConnections(t *testing.T) {
	alice := serve(t, func(c *server.Config) { c.Accounts.MaxConnectionsPerSession = 1 }).SignIn("alice")
	alice.Attach(&request{})
	_, err := alice.Sessions.OpenConnection(t.Context(), &todokuv1.OpenConnectionRequest{})
	wantRefusal(t, err, codes.ResourceExhausted, "TOO_MANY_CONNECTIONS", "")
}

func provokeTooManyStreams(t *testing.T) {
	alice := serve(t, func(c *server.Config) { c.Push.StreamsPerUser = 1 }).SignIn("alice")
	alice.Attach(&request{})
	wantRefusal(t, alice.Another().AttachRefused(&request{}), codes.ResourceExhausted, "TOO_MANY_STREAMS", "")
	alice.Attach(&request{}) // A take-over does not add a stream.
}

func provokeBusy(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Accounts.Hash = account.HashCost{MemoryKiB: 64 << 10, Passes: 2, Lanes: 1}
		c.Accounts.HashConcurrency, c.Accounts.HashQueue, c.Accounts.HashWait = 1, 1, time.Millisecond
	})
	d := app.Desktop()
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() {
			_, err := d.Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "guest" + strconv.Itoa(i), Password: "guess"})
			errs <- err
		}()
	}
	busy := 0
	for range cap(errs) {
		if err := <-errs; parseError(t, err).reason == "BUSY" {
			wantRefusal(t, err, codes.Unavailable, "BUSY", "")
			busy++
		}
	}
	if busy == 0 {
		t.Error("eight sign-ins at once, of which one may be checked and one may wait: none is asked to retry")
	}
}

func provokeTakeOver(t *testing.T) {
	alice := apptest.Start(t).SignIn("alice")
	first := alice.Attach(&request{InstanceId: "one"})
	second := alice.Attach(&request{InstanceId: "one"})
	wantEnd(t, first, codes.Aborted, "REPLACED")
	third := alice.Attach(&request{InstanceId: "two"})
	wantEnd(t, second, codes.Aborted, "SUPERSEDED")
	_, err := alice.Notifications.AcknowledgeNotifications(t.Context(), first.Acknowledgement(1))
	wantRefusal(t, err, codes.FailedPrecondition, "OTHER_ATTACH", "")
	_, err = alice.Notifications.AcknowledgeNotifications(t.Context(), third.Acknowledgement(1_000))
	wantRefusal(t, err, codes.InvalidArgument, "NOT_SENT", "")
}

func provokeAge(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Push.HeartbeatInterval, c.Push.StreamAge, c.Push.ReconnectGrace = 50*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	})
	wantEnd(t, app.SignIn("alice").Attach(&request{}), codes.Unavailable, "STREAM_AGE")
}

func provokeSilence(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Push.HeartbeatInterval, c.Push.AckTimeout = 50*time.Millisecond, 200*time.Millisecond
	})
	wantEnd(t, app.SignIn("alice").Attach(&request{}), codes.DeadlineExceeded, "NOT_ACKNOWLEDGING")
}

func provokeSlowness(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Push.QueueMessages = 1 })
	slow := app.Desktop(grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	slow.SignIn("carol")
	s := slow.Attach(&request{})
	admin := app.SignIn("admin")
	for range 300 {
		admin.Announce(strings.Repeat("x", 1000))
	}
	_, err := s.Finish()
	wantSlowEnd(t, err)
	wantEnded(t, app, s.Hello.GetAttachNumber(), "SLOW_CONSUMER")
}

func provokeShutdown(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.Drain = 200 * time.Millisecond })
	s := app.SignIn("alice").Attach(&request{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		app.Shutdown()
	}()
	wantEnd(t, s, codes.Unavailable, "SHUTDOWN")
	<-stopped
}

// provokeTooMuchAtOnce makes a live stream gain more than a thousand orders: by its own
// request, which is refused, and by its user's rights, which ends it.
func provokeTooMuchAtOnce(t *testing.T) {
	app := apptest.Start(t)
	alice, rita, vera, admin := app.SignIn("alice"), app.SignIn("rita"), app.SignIn("vera"), app.SignIn("admin")
	placeMany(t, alice, "a", 600)
	placeMany(t, alice, "b", 600)
	rita.Attach(&request{})
	_, err := rita.Notifications.UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{ConnectionId: rita.Connection, Subscription: &todokuv1.Subscription{AllAccounts: true}})
	wantRefusal(t, err, codes.FailedPrecondition, "REATTACH", "")
	s := vera.Attach(&request{})
	if _, err := admin.Admin.UpdateUser(t.Context(), &todokuv1.UpdateUserRequest{RequestId: "u", User: "vera", Accounts: []string{"vera", "alice"}}); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, s, codes.Internal, "INTERNAL")
	orders := 0
	for _, m := range vera.Attach(&request{}).Snapshot() {
		if m.GetOrder() != nil {
			orders++
		}
	}
	if orders != 1200 {
		t.Errorf("attached anew, vera sees %d orders, want 1200", orders)
	}
}

// placeMany enters orders as one batch and waits until queries return them.
func placeMany(t *testing.T, d *apptest.Desktop, prefix string, n int) {
	t.Helper()
	orders := &todokuv1.PlaceOrdersRequest{}
	for i := range n {
		orders.Orders = append(orders.Orders, apptest.Limit(prefix+strconv.Itoa(i), "USDJPY", buy, "1", "100"))
	}
	reply, err := d.Orders.PlaceOrders(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	last := reply.GetAnswers()[n-1]
	if last.GetReason() != nil {
		t.Fatalf("the last of %d orders: %v", n, last)
	}
	if _, err := d.Market.GetBook(t.Context(), &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: last.GetCursor()}); err != nil {
		t.Fatal(err)
	}
}

func provokeTooFarBehind(t *testing.T) {
	alice := serve(t, func(c *server.Config) { c.Replay.ReplayEvents = 5 }).SignIn("alice")
	s := alice.Attach(&request{})
	s.Snapshot()
	old := s.Cursor
	s.Cut()
	placeMany(t, alice, "a", 600)
	_, err := alice.Notifications.ListNotifications(t.Context(), &todokuv1.ListNotificationsRequest{After: old})
	wantRefusal(t, err, codes.OutOfRange, "TOO_FAR_BEHIND", "")
}

// provokeRate stops the venue's clock, so that a slow machine sends as many a second.
func provokeRate(t *testing.T) {
	now := time.Now()
	app := serve(t, func(c *server.Config) { c.Clock = func() time.Time { return now } })
	if _, err := app.SignIn("rita").Admin.SetRiskLimits(t.Context(), &todokuv1.SetRiskLimitsRequest{
		RequestId: "r", Limits: &todokuv1.RiskLimits{Account: "alice", MaxMessagesPerSecond: 2},
	}); err != nil {
		t.Fatal(err)
	}
	alice := app.SignIn("alice")
	var err error
	for i := 0; i < 20 && err == nil; i++ {
		_, err = alice.Orders.PlaceOrder(t.Context(), apptest.Limit(strconv.Itoa(i), "USDJPY", buy, "1", "150"))
	}
	wantRefusal(t, err, codes.ResourceExhausted, "RATE_LIMIT", "")
}

func provokeTooLarge(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.MaxRecord = 1 << 10 })
	alice := app.SignIn("alice")
	for i := range 40 {
		alice.Place(apptest.Limit(strconv.Itoa(i), "USDJPY", buy, "1", "100"))
	}
	_, err := alice.Orders.MassCancelOrders(t.Context(), &todokuv1.MassCancelOrdersRequest{RequestId: "all"})
	wantRefusal(t, err, codes.FailedPrecondition, "TOO_LARGE", "")
}

// provokeDayEnd puts the venue's clock past the end of its day once there is an order.
// Sessions live longer than the clock is put ahead.
func provokeDayEnd(t *testing.T) {
	var ahead atomic.Int64
	app := serve(t, func(c *server.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		end := time.Now().UTC().Add(5 * time.Minute)
		c.Venue.DayEnd = uint32(end.Hour()*3600 + end.Minute()*60 + end.Second())
	})
	alice := app.SignIn("alice")
	s := alice.Attach(&request{})
	alice.Place(apptest.Limit("day", "USDJPY", buy, "1", "150"))
	ahead.Store(int64(10 * time.Minute))
	alice.Place(apptest.Limit("next day", "USDJPY", buy, "1", "150")) // The clock goes before anything else is decided.
	if r := s.Report("day", execExpired); r.GetReason().GetName() != "DAY_ENDED" {
		t.Errorf("the order expired because of %v", r.GetReason())
	}
}

// provokeSuspendedMeanwhile has orders on their way while their user is suspended:
// they passed the checks of the call and are refused by the engine.
func provokeSuspendedMeanwhile(t *testing.T) {
	app := apptest.Start(t)
	admin := app.SignIn("admin")
	deadline := time.Now().Add(apptest.Patience)
	for round := 0; time.Now().Before(deadline); round++ {
		alice := app.SignIn("alice")
		caught := make(chan error, 16)
		var all sync.WaitGroup
		for i := range cap(caught) {
			all.Go(func() {
				for n := 0; ; n++ {
					_, err := alice.Orders.PlaceOrder(t.Context(), apptest.Limit(fmt.Sprintf("%d-%d-%d", round, i, n), "USDJPY", buy, "1", "150"))
					if err != nil {
						caught <- err
						return
					}
				}
			})
		}
		if _, err := admin.Admin.SuspendUser(t.Context(), &todokuv1.SuspendUserRequest{RequestId: fmt.Sprint("s", round), User: "alice"}); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		close(caught)
		for err := range caught {
			if parseError(t, err).reason == "SUSPENDED" {
				wantRefusal(t, err, codes.PermissionDenied, "SUSPENDED", "")
				return
			}
		}
		if _, err := admin.Admin.ResumeUser(t.Context(), &todokuv1.ResumeUserRequest{RequestId: fmt.Sprint("r", round), User: "alice"}); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("no order was between the door and the engine when its user was suspended")
}

// provokeChangedMeanwhile busts all trades of one order at once: each bust is computed from
// the order's earlier state.
func provokeChangedMeanwhile(t *testing.T) {
	app := apptest.Start(t)
	alice, bob, admin := app.SignIn("alice"), app.SignIn("bob"), app.SignIn("admin")
	deadline := time.Now().Add(apptest.Patience)
	for round := 0; time.Now().Before(deadline); round++ {
		alice.Place(apptest.Limit(fmt.Sprint("m", round), "USDJPY", sell, "16", "150"))
		for i := range 16 {
			bob.Place(apptest.Limit(fmt.Sprint("t", round, "-", i), "USDJPY", buy, "1", "150"))
		}
		trades, err := bob.Market.ListTrades(t.Context(), &todokuv1.ListTradesRequest{Symbol: "USDJPY", PageSize: 16})
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, len(trades.GetTrades()))
		for _, trade := range trades.GetTrades() {
			go func() {
				_, err := admin.Admin.BustTrade(t.Context(), &todokuv1.BustTradeRequest{RequestId: "b" + trade.GetTradeId(), TradeId: trade.GetTradeId()})
				errs <- err
			}()
		}
		changed := false
		for range cap(errs) {
			if err := <-errs; err != nil {
				wantRefusal(t, err, codes.Aborted, "CHANGED_MEANWHILE", "trade_id")
				changed = true
			}
		}
		if changed {
			return
		}
	}
	t.Error("sixteen busts of one order at once never met")
}

// provokeLockedAccounts has another program lock accounts.db: who is signed in goes on.
func provokeLockedAccounts(t *testing.T) {
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	release := holdFile(t, filepath.Join(app.Data(), "accounts.db"))
	var calls sync.WaitGroup
	for _, call := range []func() error{
		func() error {
			_, err := app.Desktop().Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "bob", Password: apptest.Password})
			return err
		},
		func() error {
			_, err := alice.Sessions.OpenConnection(t.Context(), &todokuv1.OpenConnectionRequest{})
			return err
		},
	} {
		calls.Go(func() { wantRefusal(t, call(), codes.Unavailable, "ACCOUNTS_UNAVAILABLE", "") })
	}
	reply, err := alice.Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: alice.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	if reply.GetTokens().GetRefreshToken() != alice.Refresh {
		t.Error("a refresh that was not stored replaced the refresh token")
	}
	alice.Attach(&request{}).Snapshot()
	calls.Wait()
	release()
	app.SignIn("bob")
}

func provokeFullDisk(t *testing.T) {
	app := serve(t, func(c *server.Config) { c.MaxJournalBytes = 128 << 10 })
	_, err := fill(t, app.SignIn("alice"))
	wantRefusal(t, err, codes.Unavailable, "NOT_DURABLE", "")
}

// fill places orders until one is not taken; it returns those that were
// acknowledged.
func fill(t *testing.T, d *apptest.Desktop) ([]*todokuv1.OrderAnswer, error) {
	t.Helper()
	var acknowledged []*todokuv1.OrderAnswer
	for i := 0; ; i++ {
		reply, err := d.Orders.PlaceOrder(t.Context(), apptest.Limit("fill"+strconv.Itoa(i)+strings.Repeat("-", 50), "USDJPY", buy, "1", "150"))
		if err != nil {
			return acknowledged, err
		}
		acknowledged = append(acknowledged, reply.GetAnswer())
	}
}

// provokeUnknownOutcome holds the journal's file, so that an order waits for its
// sync until its deadline; the repeated request returns its outcome.
func provokeUnknownOutcome(t *testing.T) {
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	var last *todokuv1.PlaceOrderRequest
	release := holdFile(t, filepath.Join(app.Data(), "journal.db"))
	err := callWithin(t, alice, "100m", todokuv1.OrderService_PlaceOrder_FullMethodName, func(attempt int) proto.Message {
		last = apptest.Limit("a"+strconv.Itoa(attempt), "USDJPY", buy, "1", "150")
		return last
	})
	release()
	wantRefusal(t, err, codes.DeadlineExceeded, "OUTCOME_UNKNOWN", "")
	first := alice.Place(last)
	if again := alice.Place(last); again.String() != first.String() || first.GetOrderId() == "" {
		t.Errorf("the same request again was answered %v, then %v", first, again)
	}
}

// provokeDeadline holds the history's file, so that a listing waits for it.
func provokeDeadline(t *testing.T) {
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	defer holdFile(t, filepath.Join(app.Data(), "history.db"))()
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	err := callWithin(t, alice, "100m", todokuv1.OrderService_ListOrders_FullMethodName, func(int) proto.Message { return &todokuv1.ListOrdersRequest{} })
	wantRefusal(t, err, codes.DeadlineExceeded, "DEADLINE", "")
}

// holdFile takes the write lock of a database as a backup or a shell may do.
func holdFile(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// provokeCompacted serves a venue three days after it was seeded, which keeps two.
func provokeCompacted(t *testing.T) {
	app := serve(t, func(c *server.Config) {
		c.Clock = func() time.Time { return time.Now().Add(72 * time.Hour) }
		c.Retain, c.SnapshotEvery = 48*time.Hour, 5
	})
	alice, admin := app.SignIn("alice"), app.SignIn("admin")
	n := 0
	wantEventually(t, func() bool {
		n++
		alice.Place(apptest.Limit(strconv.Itoa(n), "USDJPY", buy, "1", "150"))
		stream, err := admin.Admin.ExportJournal(t.Context(), &todokuv1.ExportJournalRequest{Through: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = stream.Recv(); err == nil {
			return false
		}
		wantRefusal(t, err, codes.OutOfRange, "COMPACTED", "")
		return true
	}, "the oldest records are given up")
}
