package rpc

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"todoku/account"
	"todoku/engine"
	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/live"
	"todoku/push"
	"todoku/push/grpcpush"
	"todoku/sqlite"
	"todoku/trade"
)

// venue is a server of real parts behind an in-memory network.
type venue struct {
	*Server
	t       *testing.T
	engine  *fallible
	conn    *grpc.ClientConn
	session todokuv1.SessionServiceClient
	notes   todokuv1.NotificationServiceClient
	orders  todokuv1.OrderServiceClient
	market  todokuv1.MarketServiceClient
	admin   todokuv1.AdminServiceClient

	mu     sync.Mutex
	faults []error
}

// fallible is an engine that fails when a test wants.
type fallible struct {
	Engine
	mu   sync.Mutex
	fail error
}

func (f *fallible) breakWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fallible) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail
}

func (f *fallible) Submit(ctx context.Context, c trade.Command) (trade.Answer, error) {
	if err := f.failure(); err != nil {
		return trade.Answer{}, err
	}
	return f.Engine.Submit(ctx, c)
}

const password = "correct horse"

// users are those of the venue at its start.
func users() []trade.User {
	one := func(id trade.UserID, roles trade.Role, accounts ...trade.AccountID) trade.User {
		return trade.User{ID: id, DisplayName: "The " + string(id), Roles: roles, Accounts: accounts}
	}
	return []trade.User{
		one("root", trade.RoleAdmin, "root"),
		one("rita", trade.RoleRisk, "rita"),
		one("alice", trade.RoleTrader, "alice", "desk"),
		one("bob", trade.RoleTrader, "bob"),
		one("vic", trade.RoleViewer, "vic"),
	}
}

// open starts a venue with an instrument USDJPY and the users.
func open(t *testing.T) *venue {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log, err := journal.Open(ctx, journaltest.NewMemoryStore(), journal.Options{})
	must(t, err)
	core, err := engine.Open(ctx, log, engine.Options{Clock: time.Now})
	must(t, err)
	v := &venue{t: t, engine: &fallible{Engine: core}}
	encoder := NewEncoder(log.Head)
	hub := push.NewHub(push.Config{
		Epoch: log.Epoch(), FirstAttach: 1000, HeartbeatInterval: 50 * time.Millisecond,
		Encoder: encoder, HasState: encoder.HasState, Gone: func(context.Context) string { return "GONE" },
	})
	past, err := sqlite.OpenHistory(ctx, filepath.Join(t.TempDir(), "history.db"))
	must(t, err)
	f := feed.New(log, hub, past, encoder, feed.Options{})
	store, err := sqlite.OpenAccounts(ctx, filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	accounts, err := account.NewService(ctx, store, account.Config{
		Hash:  account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1},
		Admit: Admit(f), OnEnd: EndStreams(hub),
		OnExtend: func(session string, expires time.Time) { hub.SetExpiry(session, expires) },
		Lockout:  account.Lockout{UserAfter: 3}, MinPassword: 4,
	})
	must(t, err)
	encoder.SetDigests(f.Digests)
	follower := history.NewFollower(log, past, history.Options{})
	streams, err := live.New(ctx, live.Options{
		Hub: hub, Evidence: store.Evidence(), Submit: Submit(v.engine), Directory: f,
		Presence: live.PresenceOptions{Grace: 100 * time.Millisecond},
	})
	must(t, err)

	var running sync.WaitGroup
	start := func(run func(context.Context) error) {
		running.Go(func() {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	start(core.Run)
	v.setUp(core, accounts)
	start(f.Run)
	start(hub.Run)
	start(follower.Run)
	start(accounts.Run)
	start(streams.Run)
	start(streams.RunPresence)
	<-f.Ready()

	v.Server = New(Deps{
		Engine: v.engine, Journal: log, Feed: f, Hub: hub, History: past, Follower: follower,
		Accounts: accounts, Live: streams,
	}, Options{Version: "test", Fault: func(_ string, err error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.faults = append(v.faults, err)
	}})
	server := grpc.NewServer(append(grpcpush.Transports(nil), v.Interceptors()...)...)
	v.Register(server)
	network := bufconn.Listen(1 << 20)
	running.Go(func() { _ = server.Serve(network) })
	v.conn, err = grpc.NewClient("passthrough:venue",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return network.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	v.session, v.notes = todokuv1.NewSessionServiceClient(v.conn), todokuv1.NewNotificationServiceClient(v.conn)
	v.orders, v.market = todokuv1.NewOrderServiceClient(v.conn), todokuv1.NewMarketServiceClient(v.conn)
	v.admin = todokuv1.NewAdminServiceClient(v.conn)
	t.Cleanup(func() {
		must(t, v.conn.Close())
		hub.End(push.Selector{}, push.ReasonShutdown, "the test is over")
		server.Stop()
		stop()
		running.Wait()
		log.Close()
		must(t, past.Close())
		must(t, store.Close())
	})
	return v
}

// setUp makes the instrument and the users, as the venue itself.
func (v *venue) setUp(core *engine.Engine, accounts *account.Service) {
	v.t.Helper()
	commands := []trade.Command{&trade.UpsertInstrument{
		Actor: trade.Actor{Request: "set-up"},
		Instrument: trade.Instrument{
			Symbol: "USDJPY", Name: "US dollar", Class: trade.AssetClassFX, Currency: "JPY", TickSize: 1_000_000, LotSize: 100_000_000,
			MinQuantity: 100_000_000, MaxQuantity: 100_000_000_000, Status: trade.TradingStatusOpen,
		},
	}}
	for _, user := range users() {
		commands = append(commands, &trade.UpsertUser{Actor: trade.Actor{Request: trade.RequestID("set-up-" + user.ID)}, Create: true, NewUser: user})
	}
	for _, result := range core.SubmitAll(v.t.Context(), commands) {
		must(v.t, result.Err)
	}
	for _, user := range users() {
		_, err := accounts.CreateCredentialIfAbsent(v.t.Context(), string(user.ID), password)
		must(v.t, err)
	}
}

// client is a user who signed in.
type client struct {
	*venue
	ctx        context.Context //nolint:containedctx // a test's calls all carry this token
	login      *todokuv1.LoginResponse
	connection string
}

func (v *venue) signIn(user string) *client {
	v.t.Helper()
	login, err := v.session.Login(v.t.Context(), &todokuv1.LoginRequest{User: user, Password: password, ClientName: "test"})
	must(v.t, err)
	return &client{v, bearing(v.t.Context(), login.GetTokens().GetAccessToken()), login, login.GetConnectionId()}
}

func bearing(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// place enters an order that must be accepted.
func (c *client) place(id string, side todokuv1.Side, quantity, price string) *todokuv1.OrderAnswer {
	c.t.Helper()
	res, err := c.orders.PlaceOrder(c.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: id, Symbol: "USDJPY", Side: side, Price: price, Quantity: quantity,
	})
	must(c.t, err)
	if res.GetAnswer().GetReason() != nil {
		c.t.Fatalf("order %s: %v", id, res.GetAnswer().GetReason())
	}
	return res.GetAnswer()
}

// stream is an attached stream whose messages are collected.
type stream struct {
	t *testing.T
	todokuv1.NotificationService_FeedNotificationClient
	cancel context.CancelFunc
	hello  *todokuv1.Hello
	last   *todokuv1.FeedNotificationResponse
	queue  []*todokuv1.Message
}

func (c *client) attach(req *todokuv1.FeedNotificationRequest) *stream {
	c.t.Helper()
	if req.GetConnectionId() == "" {
		req.ConnectionId = c.connection
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.t.Cleanup(cancel)
	feed, err := c.notes.FeedNotification(ctx, req)
	must(c.t, err)
	s := &stream{t: c.t, NotificationService_FeedNotificationClient: feed, cancel: cancel}
	s.hello = s.until("a hello", func(m *todokuv1.Message) bool { return m.GetHello() != nil }).GetHello()
	return s
}

// until returns the next message for which is returns true.
func (s *stream) until(what string, is func(*todokuv1.Message) bool) *todokuv1.Message {
	s.t.Helper()
	for {
		for len(s.queue) > 0 {
			m := s.queue[0]
			s.queue = s.queue[1:]
			if is(m) {
				return m
			}
		}
		res, err := s.Recv()
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", what, err)
		}
		if s.last != nil && s.last.GetCursor() != res.GetPreviousCursor() {
			s.t.Fatalf("after cursor %s came a response whose previous cursor is %s", s.last.GetCursor(), res.GetPreviousCursor())
		}
		s.last, s.queue = res, append(s.queue, res.GetMessages()...)
	}
}

// end reads to the stream's end and returns its error.
func (s *stream) end() error {
	for {
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that a call failed for a reason, and returns the field it names.
func fails(t *testing.T, err error, reason string) (field string) {
	t.Helper()
	if err == nil {
		t.Errorf("succeeded, want %s", reason)
		return ""
	}
	info, bad, _ := details(t, err)
	if info.GetReason() != reason {
		t.Errorf("failed as %s (%s: %v), want %s", info.GetReason(), status.Code(err), err, reason)
	}
	if len(bad.GetFieldViolations()) > 0 {
		return bad.GetFieldViolations()[0].GetField()
	}
	return ""
}
