package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// rawSpec is the behaviour of a client that speaks the protocol itself.
type rawSpec struct {
	Name, Address, User string
	Seed                uint64
	// Refreshes: it exchanges its tokens in time. Otherwise they expire, its stream
	// ends, and it signs in anew.
	Refreshes bool
	// Acknowledges: otherwise its streams end because acknowledgements are missing.
	Acknowledges bool
	Symbols      []string
	Presence     bool
	All          bool
	// Resume and Stream continue an earlier process of the client.
	Resume string
	Stream int
}

// Waits of a raw client. They decide how soon it is back and nothing else.
const (
	rawCall     = 5 * time.Second        // A unary call.
	rawWatchdog = 4 * time.Second        // Nothing came on a stream.
	rawTick     = 100 * time.Millisecond // How often it looks at its clock.
)

// order is an instruction of the driver to a client.
type order struct {
	do     orderKind
	pause  time.Duration
	to     *todokuv1.Subscription
	obeyed chan<- struct{} // Closed when the pause has begun, if there is one.
}

type orderKind string

const (
	orderTakeOver  orderKind = "attach again"
	orderSupersede orderKind = "attach from elsewhere"
	orderSubscribe orderKind = "subscribe"
	orderPause     orderKind = "stop reading"
	orderRead      orderKind = "read on"
	orderForget    orderKind = "forget everything"
	orderRevoke    orderKind = "sign out"
)

// raw is a client written to the protocol. One goroutine runs it.
type raw struct {
	spec   rawSpec
	write  func(line)
	orders chan order
	random *rand.Rand

	sessions      todokuv1.SessionServiceClient
	notifications todokuv1.NotificationServiceClient

	token, refresh, connection string
	refreshAt                  time.Time
	subscription               *todokuv1.Subscription
	instance                   string
	cursor                     string
	streams                    int
	present                    *arriving
	pausedUntil                time.Time
	former                     sync.WaitGroup // Streams that another has taken over.
	leaveFormer                context.CancelFunc
	calls                      sync.WaitGroup
}

// arriving is a stream that is read.
type arriving struct {
	id       int
	cancel   context.CancelFunc
	arrivals chan arrival
	greeted  bool
	attach   uint64
	last     time.Time
}

type arrival struct {
	response *todokuv1.FeedNotificationResponse
	err      error
}

// runRaw lives until ctx ends. write must be safe for concurrent use.
func runRaw(ctx context.Context, spec rawSpec, orders chan order, write func(line)) error {
	// With windows of dynamic size a client that has stopped reading may buffer megabytes,
	// and the venue's queue for it stays empty.
	const window = 64 << 10
	conn, err := grpc.NewClient(spec.Address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(window),
		// Only a PING detects a path that has forgotten the connection; 10 s is the
		// minimum of grpc-go.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 2 * time.Second, PermitWithoutStream: true}))
	if err != nil {
		return err
	}
	r := &raw{
		spec: spec, write: write, orders: orders, random: rand.New(rand.NewPCG(spec.Seed, 7)),
		sessions: todokuv1.NewSessionServiceClient(conn), notifications: todokuv1.NewNotificationServiceClient(conn),
		subscription: &todokuv1.Subscription{Symbols: spec.Symbols, Presence: spec.Presence, AllAccounts: spec.All},
		instance:     spec.Name, cursor: spec.Resume, streams: spec.Stream, leaveFormer: func() {},
	}
	defer r.calls.Wait()
	defer func() { r.leaveFormer(); r.former.Wait() }()
	for ctx.Err() == nil {
		err := r.once(ctx)
		if ctx.Err() == nil {
			r.judge(err)
		}
		r.leaveFormer()
		r.former.Wait()
		pause(ctx, time.Duration(20+r.random.IntN(400))*time.Millisecond)
		conn.ResetConnectBackoff()
	}
	return conn.Close()
}

// pause waits for a while or for the end.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *raw) authorised(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+r.token)
}

// once signs in where that is needed, attaches, and follows until the stream ends.
func (r *raw) once(ctx context.Context) error {
	if r.token == "" {
		call, cancel := context.WithTimeout(ctx, rawCall)
		defer cancel()
		reply, err := r.sessions.Login(call, &todokuv1.LoginRequest{User: r.spec.User, Password: apptest.Password, ClientName: r.spec.Name})
		if err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		r.connection = reply.GetConnectionId()
		r.take(reply.GetTokens())
	}
	r.present = r.attach(ctx)
	defer func() { r.present.leave() }()
	return r.follow(ctx)
}

func (r *raw) take(tokens *todokuv1.SessionTokens) {
	r.token, r.refresh = tokens.GetAccessToken(), tokens.GetRefreshToken()
	r.refreshAt = time.Now().Add(time.Until(tokens.GetAccessExpireTime().AsTime()) / 2)
}

// attach opens a stream after the client's cursor.
func (r *raw) attach(ctx context.Context) *arriving {
	r.streams++
	request := &todokuv1.FeedNotificationRequest{
		ConnectionId: r.connection, ResumeAfter: r.cursor, Subscription: r.subscription, InstanceId: r.instance,
	}
	r.write(line{Kind: lineBegin, Stream: r.streams, Request: request})
	own, cancel := context.WithCancel(r.authorised(ctx))
	a := &arriving{id: r.streams, cancel: cancel, arrivals: make(chan arrival), last: time.Now()}
	r.calls.Go(func() { a.read(own, r.notifications, request) })
	return a
}

func (a *arriving) leave() { a.cancel() }

func (a *arriving) read(ctx context.Context, from todokuv1.NotificationServiceClient, request *todokuv1.FeedNotificationRequest) {
	stream, err := from.FeedNotification(ctx, request)
	for {
		got := arrival{err: err}
		if err == nil {
			got.response, got.err = stream.Recv()
		}
		select {
		case a.arrivals <- got:
		case <-ctx.Done():
			return
		}
		if got.err != nil {
			return
		}
	}
}

var (
	errSilent  = errors.New("nothing came")
	errChanged = errors.New("begins anew")
)

func (r *raw) follow(ctx context.Context) error {
	ticker := time.NewTicker(rawTick)
	defer ticker.Stop()
	for {
		arrivals := r.present.arrivals
		if time.Now().Before(r.pausedUntil) {
			arrivals = nil
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case got := <-arrivals:
			if err = got.err; err == nil {
				r.process(ctx, got.response)
			}
		case o := <-r.orders:
			err = r.obey(ctx, o)
		case now := <-ticker.C:
			err = r.look(ctx, now)
		}
		if err != nil {
			return err
		}
	}
}

func (r *raw) process(ctx context.Context, response *todokuv1.FeedNotificationResponse) {
	a := r.present
	a.last = time.Now()
	r.write(line{Kind: lineResponse, Stream: a.id, Response: response})
	if cursor := response.GetCursor(); cursor != "" {
		r.cursor = cursor
	}
	for _, m := range response.GetMessages() {
		if hello := m.GetHello(); hello != nil {
			a.greeted, a.attach = true, hello.GetAttachNumber()
		}
		if m.GetHeartbeat() != nil && r.spec.Acknowledges {
			r.acknowledge(ctx, response.GetNumber())
		}
	}
}

func (r *raw) acknowledge(ctx context.Context, number uint64) {
	request := &todokuv1.AcknowledgeNotificationsRequest{ConnectionId: r.connection, AttachNumber: r.present.attach, ResponseNumber: number}
	call, cancel := context.WithTimeout(r.authorised(ctx), rawCall)
	r.calls.Go(func() {
		defer cancel()
		_, err := r.notifications.AcknowledgeNotifications(call, request)
		if client.Reason(err) == "NOT_SENT" {
			r.write(line{Kind: lineFault, Text: fmt.Sprintf("acknowledged what it had received, response %d: %v", number, err)})
		}
	})
}

// look does everything that is due.
func (r *raw) look(ctx context.Context, now time.Time) error {
	if now.Before(r.pausedUntil) {
		r.present.last = now
	}
	if now.Sub(r.present.last) > rawWatchdog {
		return errSilent
	}
	if !r.spec.Refreshes || now.Before(r.refreshAt) {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, rawCall)
	defer cancel()
	reply, err := r.sessions.RefreshSession(call, &todokuv1.RefreshSessionRequest{RefreshToken: r.refresh})
	switch {
	case err == nil:
		r.take(reply.GetTokens())
	case status.Code(err) == codes.Unauthenticated:
		return err
	default:
		r.refreshAt = now.Add(time.Second)
	}
	return nil
}

// obey carries out an order of the driver. An error ends the stream.
func (r *raw) obey(ctx context.Context, o order) error {
	switch o.do {
	case orderTakeOver, orderSupersede:
		if o.do == orderSupersede {
			r.instance = r.spec.Name + "-" + strconv.Itoa(r.streams)
		}
		r.takeOver(ctx)
	case orderSubscribe:
		return r.subscribe(ctx, o.to)
	case orderPause:
		r.pausedUntil = time.Now().Add(o.pause)
		if o.obeyed != nil {
			close(o.obeyed)
		}
	case orderRead:
		r.pausedUntil = time.Time{}
	case orderForget:
		r.cursor = ""
		r.write(line{Kind: lineForgot})
		return errChanged
	case orderRevoke:
		call, cancel := context.WithTimeout(r.authorised(ctx), rawCall)
		defer cancel()
		if _, err := r.sessions.Logout(call, &todokuv1.LogoutRequest{}); err == nil {
			r.token = ""
		}
	}
	return nil
}

// takeOver attaches again while the current stream lives, and keeps recording the old
// stream's messages: none may be new.
func (r *raw) takeOver(ctx context.Context) {
	r.leaveFormer()
	r.former.Wait()
	old := r.present
	if !old.greeted {
		return
	}
	r.leaveFormer = old.cancel
	r.present = r.attach(ctx)
	until, cancel := context.WithCancel(ctx)
	leave := r.leaveFormer
	r.leaveFormer = func() { leave(); cancel() }
	r.former.Go(func() {
		for {
			select {
			case got := <-old.arrivals:
				if got.err != nil {
					r.write(line{Kind: lineEnd, Text: endOf(got.err)})
					return
				}
				r.write(line{Kind: lineResponse, Stream: old.id, Response: got.response})
			case <-until.Done():
				return
			}
		}
	})
}

// subscribe changes the subscription of the live stream, and begins another one
// if the outcome is unknown. Responses that come meanwhile wait.
func (r *raw) subscribe(ctx context.Context, to *todokuv1.Subscription) error {
	r.subscription = to
	if !r.present.greeted {
		return errChanged
	}
	call, cancel := context.WithTimeout(r.authorised(ctx), rawCall)
	defer cancel()
	reply, err := r.notifications.UpdateSubscription(call, &todokuv1.UpdateSubscriptionRequest{ConnectionId: r.connection, Subscription: to})
	if err != nil {
		return errChanged
	}
	r.write(line{
		Kind: lineSubscribed, Stream: r.present.id, Text: reply.GetCursor(),
		Request: &todokuv1.FeedNotificationRequest{Subscription: to},
	})
	return nil
}

// judge decides how to go on after an end, by the rules of the protocol.
func (r *raw) judge(err error) {
	r.write(line{Kind: lineEnd, Text: endOf(err)})
	switch code := status.Code(err); {
	case client.Reason(err) == client.ReasonBadCursor:
		r.write(line{Kind: lineFault, Text: fmt.Sprintf("the venue refuses the cursor %s that it gave: %v", r.cursor, err)})
		r.cursor = ""
		r.write(line{Kind: lineForgot})
	case code == codes.Unauthenticated, code == codes.NotFound, code == codes.PermissionDenied:
		r.token = "" // Sign in anew.
	case code == codes.InvalidArgument:
		r.write(line{Kind: lineFault, Text: fmt.Sprintf("refused: %v", err)})
	}
}

// endOf names an end.
func endOf(err error) string {
	switch {
	case client.Reason(err) != "":
		return client.Reason(err)
	case errors.Is(err, errSilent), errors.Is(err, errChanged):
		return err.Error()
	case errors.Is(err, io.EOF):
		return "clean end"
	}
	return status.Code(err).String()
}
