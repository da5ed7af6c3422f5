package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// venue is a venue whose behaviour a test sets, over a pipe in memory.
type venue struct {
	todokuv1.UnimplementedSessionServiceServer
	todokuv1.UnimplementedNotificationServiceServer
	todokuv1.UnimplementedOrderServiceServer

	// What the test decides, before the client is made.
	feed      func(*stream) error                                      // a stream; by default it sends Hello and waits
	place     func(context.Context, *todokuv1.PlaceOrderRequest) error // an order
	exchanged func(context.Context) error                              // after the tokens were exchanged, before the answer
	opened    func() (connection string, err error)                    // another connection
	down      func() bool                                              // no connection is accepted
	past      func(after string) *todokuv1.ListNotificationsResponse   // past events
	connected func(address string, _ net.Conn) net.Conn                // a client has connected
	change    func() error                                             // a subscription
	changedAt string                                                   // the cursor of a change; an early one when empty
	clock     time.Duration                                            // how far the venue's clock is behind the client's

	mu               sync.Mutex // protects what follows
	listener         *bufconn.Listener
	tokens           int // the newest access and refresh token
	exchanges        int
	attaches         []*todokuv1.FeedNotificationRequest
	orders           []string // ids as they arrived
	acknowledgements []*todokuv1.AcknowledgeNotificationsRequest
	changes          []*todokuv1.UpdateSubscriptionRequest
}

const tokenLife = 15 * time.Minute

// start serves the venue and returns a client of it, both until the test ends.
func (v *venue) start(t *testing.T, config client.Config) *client.Client {
	t.Helper()
	v.listener = bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}))
	todokuv1.RegisterSessionServiceServer(server, v)
	todokuv1.RegisterNotificationServiceServer(server, v)
	todokuv1.RegisterOrderServiceServer(server, v)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(v.listener); err != nil {
			t.Error(err)
		}
	})
	config.Plaintext = true
	if config.Address == "" {
		config.Address = "passthrough:///venue"
	}
	config.DialOptions = append(config.DialOptions, v.dial()...)
	c, err := client.Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		serving.Wait()
	})
	return c
}

// dial returns the options that connect to the venue.
func (v *venue) dial() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		if v.down != nil && v.down() {
			return nil, errors.New("connection refused")
		}
		conn, err := v.listener.DialContext(ctx)
		if err == nil && v.connected != nil {
			conn = v.connected(address, conn)
		}
		return conn, err
	})}
}

// login serves the venue and returns a client that is signed in.
func (v *venue) login(t *testing.T) *client.Client {
	t.Helper()
	c := v.start(t, client.Config{})
	if err := c.Login(t.Context(), "alice", "secret"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (v *venue) issue() *todokuv1.SessionTokens {
	now := time.Now().Add(-v.clock)
	return &todokuv1.SessionTokens{
		AccessToken: fmt.Sprint("access-", v.tokens), AccessExpireTime: timestamppb.New(now.Add(tokenLife)),
		RefreshToken: fmt.Sprint("refresh-", v.tokens), RefreshExpireTime: timestamppb.New(now.Add(24 * time.Hour)),
	}
}

func (v *venue) Login(context.Context, *todokuv1.LoginRequest) (*todokuv1.LoginResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tokens++
	return &todokuv1.LoginResponse{Tokens: v.issue(), SessionId: "session", ConnectionId: "connection"}, nil
}

func (v *venue) Logout(ctx context.Context, _ *todokuv1.LogoutRequest) (*todokuv1.LogoutResponse, error) {
	return &todokuv1.LogoutResponse{}, v.admit(ctx)
}

func (v *venue) RefreshSession(ctx context.Context, request *todokuv1.RefreshSessionRequest) (*todokuv1.RefreshSessionResponse, error) {
	v.mu.Lock()
	if request.GetRefreshToken() != fmt.Sprint("refresh-", v.tokens) {
		v.mu.Unlock()
		return nil, problem(codes.Unauthenticated, "TOKEN_REUSED")
	}
	v.exchanges++
	v.tokens++
	reply := &todokuv1.RefreshSessionResponse{Tokens: v.issue()}
	v.mu.Unlock()
	if v.exchanged != nil {
		if err := v.exchanged(ctx); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

// expire makes the venue refuse all tokens.
func (v *venue) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tokens += 100
}

func (v *venue) admit(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(md.Get("authorization"), []string{fmt.Sprint("Bearer access-", v.tokens)}) {
		return problem(codes.Unauthenticated, "TOKEN_EXPIRED")
	}
	return nil
}

func (v *venue) OpenConnection(context.Context, *todokuv1.OpenConnectionRequest) (*todokuv1.OpenConnectionResponse, error) {
	id, err := v.opened()
	return &todokuv1.OpenConnectionResponse{ConnectionId: id}, err
}

func (v *venue) PlaceOrder(ctx context.Context, request *todokuv1.PlaceOrderRequest) (*todokuv1.PlaceOrderResponse, error) {
	if err := v.admit(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.orders = append(v.orders, request.GetClientOrderId())
	v.mu.Unlock()
	if v.place != nil {
		if err := v.place(ctx, request); err != nil {
			return nil, err
		}
	}
	return &todokuv1.PlaceOrderResponse{Answer: &todokuv1.OrderAnswer{ClientOrderId: request.GetClientOrderId()}}, nil
}

func (v *venue) GetOrder(ctx context.Context, _ *todokuv1.GetOrderRequest) (*todokuv1.GetOrderResponse, error) {
	if err := v.admit(ctx); err != nil {
		return nil, err
	}
	if v.place != nil {
		if err := v.place(ctx, nil); err != nil {
			return nil, err
		}
	}
	return &todokuv1.GetOrderResponse{}, nil
}

func (v *venue) AcknowledgeNotifications(ctx context.Context, request *todokuv1.AcknowledgeNotificationsRequest) (*todokuv1.AcknowledgeNotificationsResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.acknowledgements = append(v.acknowledgements, request)
	return &todokuv1.AcknowledgeNotificationsResponse{}, nil
}

func (v *venue) FeedNotification(request *todokuv1.FeedNotificationRequest, call grpc.ServerStreamingServer[todokuv1.FeedNotificationResponse]) error {
	v.mu.Lock()
	v.attaches = append(v.attaches, request)
	s := &stream{venue: v, call: call, request: request, attempt: len(v.attaches), cursor: request.GetResumeAfter()}
	v.mu.Unlock()
	if v.feed == nil {
		s.hello()
		return s.hold()
	}
	return v.feed(s)
}

// exchangeCount returns how often tokens were exchanged.
func (v *venue) exchangeCount() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.exchanges
}

// taken returns the ids of the orders, as they arrived.
func (v *venue) taken() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.orders)
}

// attached returns what streams were asked for.
func (v *venue) attached() []*todokuv1.FeedNotificationRequest {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.attaches)
}

// resumed returns what the streams were asked to resume after.
func (v *venue) resumed() (cursors []string) {
	for _, r := range v.attached() {
		cursors = append(cursors, r.GetResumeAfter())
	}
	return cursors
}

// stream is the venue's end of a stream.
type stream struct {
	venue   *venue
	call    grpc.ServerStreamingServer[todokuv1.FeedNotificationResponse]
	request *todokuv1.FeedNotificationRequest
	attempt int    // from 1
	number  uint64 // of the response before
	cursor  string // of the response before
}

// send sends a response that ends at a cursor.
func (s *stream) send(cursor string, messages ...*todokuv1.Message) {
	s.respond(&todokuv1.FeedNotificationResponse{Messages: messages, Cursor: cursor})
}

// fragment sends a response that does not end its event.
func (s *stream) fragment(messages ...*todokuv1.Message) {
	s.respond(&todokuv1.FeedNotificationResponse{Messages: messages, Cursor: s.cursor, Fragment: true})
}

// respond sends a response with its number and cursors. A failure to send is found when
// the stream ends.
func (s *stream) respond(r *todokuv1.FeedNotificationResponse) {
	s.number++
	r.ConnectionId, r.Number, r.PreviousCursor = s.request.GetConnectionId(), s.number, s.cursor
	s.cursor = r.GetCursor()
	_ = s.call.Send(r)
}

// hello begins a stream as a venue does: with a replay where there is a cursor.
func (s *stream) hello() {
	start := todokuv1.Hello_START_REPLAY
	if s.cursor == "" {
		start = todokuv1.Hello_START_SNAPSHOT
	}
	s.send(s.cursor, &todokuv1.Message{Body: &todokuv1.Message_Hello{Hello: &todokuv1.Hello{
		AttachNumber:  uint64(1000 + s.attempt),
		StaleInterval: durationpb.New(8 * time.Second), WatchdogInterval: durationpb.New(15 * time.Second),
		AcknowledgeInterval: durationpb.New(15 * time.Second),
		HeartbeatInterval:   durationpb.New(5 * time.Second),
		ServerTime:          timestamppb.New(time.Now().Add(-s.venue.clock)),
		Start:               start,
	}}})
}

// admit refuses a stream whose access token is not the newest.
func (s *stream) admit() error { return s.venue.admit(s.call.Context()) }

// hold waits for the client to leave.
func (s *stream) hold() error {
	<-s.call.Context().Done()
	return s.call.Context().Err()
}

// note is an event that a test can recognise.
func note(text string) *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_Announcement{Announcement: &todokuv1.Announcement{Text: text}}}
}

func heartbeat() *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_Heartbeat{Heartbeat: &todokuv1.Heartbeat{}}}
}

func snapshotBegin() *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_SnapshotBegin{SnapshotBegin: &todokuv1.SnapshotBegin{}}}
}

func snapshotEnd() *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_SnapshotEnd{SnapshotEnd: &todokuv1.SnapshotEnd{}}}
}

// problem is an error as the venue sends it.
func problem(code codes.Code, reason string) error {
	s, err := status.New(code, reason).WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "todoku"})
	if err != nil {
		return err
	}
	return s.Err()
}

// say returns an update as text: its kind, and the cursor if it has one.
func say(u client.Update) string {
	text := ""
	switch body := u.Message.GetBody().(type) {
	case *todokuv1.Message_Announcement:
		text = body.Announcement.GetText()
	case *todokuv1.Message_Hello:
		text = "hello"
	case *todokuv1.Message_Heartbeat:
		text = "heartbeat"
	case *todokuv1.Message_Reconnect:
		text = "reconnect"
	case *todokuv1.Message_SnapshotBegin:
		text = "begin"
	case *todokuv1.Message_SnapshotEnd:
		text = "end"
	case *todokuv1.Message_Order:
		text = "order"
	case *todokuv1.Message_ExecutionReport:
		text = "report"
	case *todokuv1.Message_Reset_:
		text = "reset " + strings.TrimPrefix(body.Reset_.GetCause().String(), "CAUSE_")
	}
	if u.Cursor != "" {
		text += "@" + u.Cursor
	}
	return text
}

// follow runs a feed until the update until, or its end, and returns the updates and the
// error.
func follow(ctx context.Context, c *client.Client, options client.FeedOptions, until string) (said []string, err error) {
	for u, err := range c.Feed(ctx, options) {
		if err != nil {
			return said, err
		}
		said = append(said, say(u))
		if said[len(said)-1] == until {
			break
		}
	}
	return said, nil
}
