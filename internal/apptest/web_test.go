package apptest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/gen/todoku/v1/todokuv1connect"
	"todoku/internal/apptest"
	"todoku/push"
	"todoku/server"
)

// The browsers' protocols: the same streams and the same refusals as gRPC's, and the parts
// that only a browser needs.

// page holds the clients that a web page can use.
type page struct {
	sessions      todokuv1connect.SessionServiceClient
	notifications todokuv1connect.NotificationServiceClient
	orders        todokuv1connect.OrderServiceClient
	admin         todokuv1connect.AdminServiceClient
	token         string
	header        http.Header
}

func openPage(httpClient *http.Client, base string, options ...connect.ClientOption) *page {
	p := &page{header: http.Header{}}
	options = append(options, connect.WithInterceptors(p))
	p.sessions = todokuv1connect.NewSessionServiceClient(httpClient, base, options...)
	p.notifications = todokuv1connect.NewNotificationServiceClient(httpClient, base, options...)
	p.orders = todokuv1connect.NewOrderServiceClient(httpClient, base, options...)
	p.admin = todokuv1connect.NewAdminServiceClient(httpClient, base, options...)
	return p
}

func (p *page) sign(h http.Header) {
	for name, values := range p.header {
		h[name] = values
	}
	if p.token != "" {
		h.Set("Authorization", "Bearer "+p.token)
	}
}

func (p *page) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		p.sign(req.Header())
		return next(ctx, req)
	}
}

func (p *page) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		p.sign(conn.RequestHeader())
		return conn
	}
}

func (p *page) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (p *page) signIn(t *testing.T) *todokuv1.LoginResponse {
	t.Helper()
	return p.signInAs(t, "alice")
}

func (p *page) signInAs(t *testing.T, user string) *todokuv1.LoginResponse {
	t.Helper()
	reply, err := p.sessions.Login(t.Context(), &todokuv1.LoginRequest{User: user, Password: apptest.Password})
	if err != nil {
		t.Fatal(err)
	}
	p.token = reply.GetTokens().GetAccessToken()
	return reply
}

// TestAPageSeesWhatADesktopSees runs a stream and an order through the browsers'
// protocols: the snapshot equals the desktop's, and events come by push.
func TestAPageSeesWhatADesktopSees(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "Connect in JSON": {connect.WithProtoJSON()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := apptest.Start(t)
			desktop := app.SignIn("alice")
			desktop.Place(apptest.Limit("rest", "EURUSD", buy, "1000", "1.10000"))
			var want []*todokuv1.Message
			stream := desktop.Attach(&todokuv1.FeedNotificationRequest{})
			for _, m := range stream.Snapshot() {
				if m.GetOrder() != nil {
					want = append(want, m)
				}
			}

			p := openPage(http.DefaultClient, "http://"+app.HTTPAddr().String(), options...)
			login := p.signIn(t)
			feed, err := p.notifications.FeedNotification(t.Context(), &todokuv1.FeedNotificationRequest{ConnectionId: login.GetConnectionId()})
			if err != nil {
				t.Fatal(err)
			}
			defer feed.Close() //nolint:errcheck // The test is over.
			var got []*todokuv1.Message
			placed, previous := false, ""
			for feed.Receive() {
				r := feed.Msg()
				if r.GetPreviousCursor() != previous {
					t.Fatalf("response %d follows %q, the one before was %q", r.GetNumber(), r.GetPreviousCursor(), previous)
				}
				previous = r.GetCursor()
				for _, m := range r.GetMessages() {
					switch body := m.GetBody().(type) {
					case *todokuv1.Message_Order:
						got = append(got, m)
					case *todokuv1.Message_SnapshotEnd:
						if _, err := p.orders.PlaceOrder(t.Context(), apptest.Limit("page", "EURUSD", buy, "2000", "1.10000")); err != nil {
							t.Fatal(err)
						}
					case *todokuv1.Message_ExecutionReport:
						placed = body.ExecutionReport.GetOrder().GetClientOrderId() == "page"
					}
				}
				if placed {
					break
				}
			}
			if !placed {
				t.Fatalf("the stream ended: %v", feed.Err())
			}
			if len(got) != 1 || len(want) != 1 || !proto.Equal(got[0].GetOrder(), want[0].GetOrder()) {
				t.Errorf("the page's snapshot has the orders %v, the desktop's %v", got, want)
			}
			stream.Report("page", execNew)
		})
	}
}

// TestAPageGetsTheSameErrors checks that both ports send the same errors.
func TestAPageGetsTheSameErrors(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	base := "http://" + app.HTTPAddr().String()
	p, nobody := openPage(http.DefaultClient, base), openPage(http.DefaultClient, base)
	p.signIn(t)
	d := app.SignIn("alice")
	stranger := app.Desktop()
	offTick := apptest.Limit("off", "EURUSD", buy, "1000", "1.100005")
	ctx := t.Context()
	for name, call := range map[string]struct{ page, desktop func() error }{
		"no token": {
			func() error { _, err := nobody.orders.PlaceOrder(ctx, offTick); return err },
			func() error { _, err := stranger.Orders.PlaceOrder(ctx, offTick); return err },
		},
		"wrong password": {
			func() error {
				_, err := nobody.sessions.Login(ctx, &todokuv1.LoginRequest{User: "alice", Password: "guess"})
				return err
			},
			func() error {
				_, err := stranger.Sessions.Login(ctx, &todokuv1.LoginRequest{User: "alice", Password: "guess"})
				return err
			},
		},
		"off tick": {
			func() error { _, err := p.orders.PlaceOrder(ctx, offTick); return err },
			func() error { _, err := d.Orders.PlaceOrder(ctx, offTick); return err },
		},
		"not one's role": {
			func() error { _, err := p.admin.Announce(ctx, &todokuv1.AnnounceRequest{}); return err },
			func() error { _, err := d.Admin.Announce(ctx, &todokuv1.AnnounceRequest{}); return err },
		},
		"somebody's connection": {
			func() error {
				feed, err := p.notifications.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: "another"})
				if err != nil {
					return err
				}
				for feed.Receive() {
					t.Error("a stream began on a connection that is not there")
				}
				return feed.Err()
			},
			func() error { return d.AttachRefused(&todokuv1.FeedNotificationRequest{ConnectionId: "another"}) },
		},
	} {
		page, desktop := call.page(), status.Convert(call.desktop())
		var refusal *connect.Error
		if !asConnect(page, &refusal) {
			t.Errorf("%s: the page got %v", name, page)
			continue
		}
		want := fmt.Sprint(uint32(desktop.Code()), desktop.Message(), infoOf(t, desktop.Proto().GetDetails()[0].UnmarshalNew))
		got := fmt.Sprint(uint32(refusal.Code()), refusal.Message())
		if details := refusal.Details(); len(details) > 0 {
			got += infoOf(t, details[0].Value)
		}
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: the page received\n%s, the desktop\n%s", name, got, want)
		}
	}
}

func asConnect(err error, to **connect.Error) bool {
	refusal, ok := err.(*connect.Error) //nolint:errorlint // A client's error is this type itself.
	*to = refusal
	return ok
}

func infoOf(t *testing.T, unpack func() (proto.Message, error)) string {
	t.Helper()
	m, err := unpack()
	if err != nil {
		t.Fatal(err)
	}
	info, ok := m.(*errdetails.ErrorInfo)
	if !ok {
		t.Fatalf("the first detail is %v, want ErrorInfo", m)
	}
	return fmt.Sprint(info.GetReason(), info.GetDomain(), info.GetMetadata())
}

// TestNoScriptCanReadAPagesRefreshToken follows a page that asks for the
// cookie through sign-in, reload and sign-out.
func TestNoScriptCanReadAPagesRefreshToken(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	base := "http://" + app.HTTPAddr().String()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := openPage(&http.Client{Jar: jar}, base)
	p.header.Set("Todoku-Session", "cookie")
	if reply := p.signIn(t); reply.GetTokens().GetRefreshToken() != "" {
		t.Error("the page received its refresh token")
	}
	at, err := url.Parse(base + "/todoku.v1.SessionService/RefreshSession")
	if err != nil {
		t.Fatal(err)
	}
	if cookies := jar.Cookies(at); len(cookies) != 1 {
		t.Fatalf("the session service is sent %d cookies, want one", len(cookies))
	}
	if cookies := jar.Cookies(at.JoinPath("..", "..", "todoku.v1.OrderService", "PlaceOrder")); len(cookies) != 0 {
		t.Error("the cookie goes where it is not needed")
	}

	// A page that was loaded again has only the cookie.
	p.token = ""
	reply, err := p.sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if reply.GetTokens().GetRefreshToken() != "" {
		t.Error("the page received its refresh token")
	}
	p.token = reply.GetTokens().GetAccessToken()
	if _, err := p.sessions.OpenConnection(t.Context(), &todokuv1.OpenConnectionRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sessions.Logout(t.Context(), &todokuv1.LogoutRequest{}); err != nil {
		t.Fatal(err)
	}
	if cookies := jar.Cookies(at); len(cookies) != 0 {
		t.Error("the cookie outlived the session")
	}

	// A program that does not ask for it gets its tokens in the message.
	plain := openPage(&http.Client{Jar: jar}, base)
	if reply := plain.signIn(t); reply.GetTokens().GetRefreshToken() == "" || len(jar.Cookies(at)) != 0 {
		t.Error("a program got a cookie that it did not ask for")
	}
}

// TestAPageIsNotGivenTheSessionOfAnotherTab signs in twice in one browser, whose
// cookie is then the second session's: the first page must not go on as that user.
func TestAPageIsNotGivenTheSessionOfAnotherTab(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	base := "http://" + app.HTTPAddr().String()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, second := openPage(&http.Client{Jar: jar}, base), openPage(&http.Client{Jar: jar}, base)
	for _, p := range []*page{first, second} {
		p.header.Set("Todoku-Session", "cookie")
		p.signIn(t)
	}
	if _, err := first.sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("the first tab's refresh ended with %v, want a request to sign in", err)
	}
	// The page that holds the session of the cookie is not affected.
	if _, err := second.sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{}); err != nil {
		t.Error(err)
	}
}

// TestAnotherSitesPageIsRefused holds that a page of another origin cannot call.
func TestAnotherSitesPageIsRefused(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	for name, header := range map[string]string{"Origin": "https://elsewhere.test", "Sec-Fetch-Site": "cross-site"} {
		p := openPage(http.DefaultClient, "http://"+app.HTTPAddr().String())
		p.header.Set(name, header)
		_, err := p.sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: apptest.Password})
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("with %s %s the call ended with %v", name, header, err)
		}
	}
}

// TestOverTLSAPageSharesOneConnection holds that browsers get HTTP/2, and with it
// more than six streams.
func TestOverTLSAPageSharesOneConnection(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	app := serve(t, func(config *server.Config) { config.TLSCert, config.TLSKey = ca.files("web") })
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: ca.client("")}
	defer transport.CloseIdleConnections()
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: ca.pool, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}}).
		DialContext(t.Context(), "tcp", app.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if secure, ok := conn.(*tls.Conn); !ok || secure.ConnectionState().NegotiatedProtocol != "h2" {
		t.Error("the HTTP port does not offer HTTP/2")
	}
	_ = conn.Close() // The protocol is known.
	openPage(&http.Client{Transport: transport}, "https://"+app.HTTPAddr().String()).signIn(t)
}

// TestAPageThatStopsReadingIsEndedAndDelaysNothing holds the limit on a blocked
// send for the browsers' protocols, whose handler may not return before its last write.
func TestAPageThatStopsReadingIsEndedAndDelaysNothing(t *testing.T) {
	t.Parallel()
	// The page does not acknowledge either; that must not end the stream.
	app := serve(t, func(config *server.Config) {
		config.Push.SendTimeout, config.Push.AckTimeout = 300*time.Millisecond, -1
	})
	p := openPage(http.DefaultClient, "http://"+app.HTTPAddr().String())
	login := p.signIn(t)
	bareFeed(t, app, p.token, login.GetConnectionId())
	ended := make(chan *todokuv1.ConnectionInfo, 1)
	admin := app.SignIn("admin")
	text := strings.Repeat("x", 1000)
	for range 100_000 {
		admin.Announce(text)
		list, err := admin.Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{User: "alice", Ended: 1})
		if err != nil {
			t.Fatal(err)
		}
		if c := list.GetConnections(); len(c) == 1 && c[0].GetEndReason() != "" {
			ended <- c[0]
			break
		}
	}
	if got := (<-ended).GetEndReason(); got != string(push.ReasonSlowConsumer) {
		t.Errorf("a page that reads nothing ended with %q, want %q", got, push.ReasonSlowConsumer)
	}
	app.Shutdown()
}

// TestAnIncompleteRequestIsEnded checks that a client that announces the length of a
// request and does not send it occupies no handler.
func TestAnIncompleteRequestIsEnded(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", app.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // The test is over.
	if _, err := fmt.Fprintf(conn, "POST /todoku.v1.SessionService/Login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", app.HTTPAddr()); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(apptest.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
}

// TestAStreamOfAPageOutlivesTheTimeForItsRequest holds that the limit on a request's
// arrival does not cut the stream that it opened.
func TestAStreamOfAPageOutlivesTheTimeForItsRequest(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	p := openPage(http.DefaultClient, "http://"+app.HTTPAddr().String())
	login := p.signIn(t)
	feed, err := p.notifications.FeedNotification(t.Context(), &todokuv1.FeedNotificationRequest{ConnectionId: login.GetConnectionId()})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close() //nolint:errcheck // The test is over.
	began := time.Now()
	for time.Since(began) < 12*time.Second {
		if !feed.Receive() { // Heartbeats come every five seconds.
			t.Fatalf("the stream ended after %s: %v", time.Since(began), feed.Err())
		}
	}
}
