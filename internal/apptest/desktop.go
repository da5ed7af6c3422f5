package apptest

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Patience is how long a test waits for one event. It is reached only if a promise is
// broken: on a machine that runs a whole build at once, a process may get no time for
// seconds, several times in a row.
const Patience = time.Minute

// Desktop is a client as any language has one: the generated stubs over one connection and
// a token. It repeats and refreshes nothing and acknowledges only on request, so that a
// test sees only what the venue does.
type Desktop struct {
	Sessions      todokuv1.SessionServiceClient
	Notifications todokuv1.NotificationServiceClient
	Orders        todokuv1.OrderServiceClient
	Market        todokuv1.MarketServiceClient
	Admin         todokuv1.AdminServiceClient

	// Conn is the connection under the stubs.
	Conn *grpc.ClientConn
	// Token is sent with every call, if it is not empty.
	Token string
	// Refresh, Connection and Session are the refresh token, the connection, to which Attach
	// attaches, and the session of the last sign-in.
	Refresh, Connection, Session string

	t testing.TB
}

// Desktop returns a client without a session, closed with the test. Without options it
// uses plaintext.
func (a *App) Desktop(options ...grpc.DialOption) *Desktop {
	a.t.Helper()
	return NewDesktop(a.t, a.GRPCAddr().String(), options...)
}

// SignIn returns a client that is signed in, closed with the test.
func (a *App) SignIn(user string) *Desktop {
	a.t.Helper()
	d := a.Desktop()
	d.SignIn(user)
	return d
}

// NewDesktop returns a client of a venue at an address, closed with the test.
func NewDesktop(t testing.TB, address string, options ...grpc.DialOption) *Desktop {
	t.Helper()
	if len(options) == 0 {
		options = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	}
	d := &Desktop{t: t}
	conn, err := grpc.NewClient(address, append(options, grpc.WithPerRPCCredentials(d))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // Calls that still run at the test's end fail.
	d.Conn = conn
	d.Sessions, d.Notifications = todokuv1.NewSessionServiceClient(conn), todokuv1.NewNotificationServiceClient(conn)
	d.Orders, d.Market = todokuv1.NewOrderServiceClient(conn), todokuv1.NewMarketServiceClient(conn)
	d.Admin = todokuv1.NewAdminServiceClient(conn)
	return d
}

// GetRequestMetadata implements credentials.PerRPCCredentials: it sends the token.
func (d *Desktop) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	headers := map[string]string{}
	if d.Token != "" {
		headers["authorization"] = "Bearer " + d.Token
	}
	return headers, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (d *Desktop) RequireTransportSecurity() bool { return false }

// SignIn opens a session and uses it from now on.
func (d *Desktop) SignIn(user string) *todokuv1.LoginResponse {
	d.t.Helper()
	reply, err := d.Sessions.Login(d.t.Context(), &todokuv1.LoginRequest{User: user, Password: Password})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Token, d.Refresh = reply.GetTokens().GetAccessToken(), reply.GetTokens().GetRefreshToken()
	d.Connection, d.Session = reply.GetConnectionId(), reply.GetSessionId()
	return reply
}

// Another returns a client of the same session with a connection of its own.
func (d *Desktop) Another() *Desktop {
	d.t.Helper()
	reply, err := d.Sessions.OpenConnection(d.t.Context(), &todokuv1.OpenConnectionRequest{})
	if err != nil {
		d.t.Fatal(err)
	}
	other := *d
	other.Connection = reply.GetConnectionId()
	return &other
}

// Place enters an order and returns the answer; any error fails the test.
func (d *Desktop) Place(order *todokuv1.PlaceOrderRequest) *todokuv1.OrderAnswer {
	d.t.Helper()
	reply, err := d.Orders.PlaceOrder(d.t.Context(), order)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply.GetAnswer()
}

// Announce sends an announcement to all users, as an administrator. A test that expects an
// event not to come reads up to it.
func (d *Desktop) Announce(text string) {
	d.t.Helper()
	if _, err := d.Admin.Announce(d.t.Context(), &todokuv1.AnnounceRequest{RequestId: client.NewRequestID(), Text: text}); err != nil {
		d.t.Fatal(err)
	}
}
