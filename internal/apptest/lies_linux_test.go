package apptest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// Clients that lie and clients that flood run at the same time as clients that trade.
// Linux only: there every address of 127.0.0.0/8 is local, so attackers can use other
// addresses than the traders.

// TestLyingAndFloodingClientsAreRefusedAndOthersKeepTrading runs every attack of
// this file at the same time against a venue in a process of its own with the
// default limits.
func TestLyingAndFloodingClientsAreRefusedAndOthersKeepTrading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users := apptest.Users()
	for _, liar := range []trade.UserID{"liar", "flood", "mute"} {
		users = append(users, trade.User{ID: liar, DisplayName: string(liar), Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(liar)}})
	}
	if err := apptest.Seed(t.Context(), dir, users, apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	venue := apptest.Launch(t, dir)
	venue.Heartbeat, venue.AckTimeout, venue.Handshake = 500*time.Millisecond, 8*time.Second, 3*time.Second
	venue.Start()

	traders := []*honest{newHonest(t, venue.Address, "alice"), newHonest(t, venue.Address, "bob"), newHonest(t, venue.Address, "carol")}
	stop := make(chan struct{})
	var trading, attacking sync.WaitGroup
	for _, h := range traders {
		trading.Go(func() {
			if err := h.run(t.Context(), stop); err != nil {
				t.Error(err)
			}
		})
	}
	wantEventually(t, func() bool { return traders[0].settled(50) && traders[1].settled(50) && traders[2].settled(50) }, "fifty orders each before the attack")
	for _, h := range traders {
		h.setUnderAttack()
	}
	a := &attack{t: t, venue: venue.Address, honest: traders[0].desktop}
	for _, run := range a.all() {
		attacking.Go(run)
	}
	attacking.Wait()
	// The traders may still sign in.
	apptest.NewDesktop(t, venue.Address).SignIn("alice")
	close(stop)
	trading.Wait()
	for _, h := range traders {
		calm, siege := h.medians()
		t.Logf("%s: an order's report took %s before (%d orders), %s under attack (%d orders)", h.name, calm, len(h.calm), siege, len(h.siege))
		if len(h.siege) == 0 {
			t.Errorf("no order of %s was reported under attack", h.name)
		}
	}
}

// attack runs the attacks on a venue.
type attack struct {
	t      *testing.T
	venue  string
	honest *apptest.Desktop // Whose connection is tried; only its ids are read.
}

func (a *attack) all() []func() {
	liar, flood, mute := a.signIn("127.0.0.2", "liar"), a.signIn("127.0.0.2", "flood"), a.signIn("127.0.0.2", "mute")
	return []func(){
		func() { a.lie(liar) },
		func() { a.floodSubscriptions(flood); a.floodAttaches(flood) },
		func() { a.neverAcknowledge(mute) },
		a.floodConnections, a.floodHeaders, a.floodSignIns,
	}
}

// from dials the venue from an address.
func from(local string) grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}).DialContext(ctx, "tcp", address)
	})
}

func (a *attack) signIn(local, user string) *apptest.Desktop {
	a.t.Helper()
	d := apptest.NewDesktop(a.t, a.venue, grpc.WithTransportCredentials(insecure.NewCredentials()), from(local))
	d.SignIn(user)
	return d
}

// attempt opens a stream and returns how it ended, at the latest after its first
// response.
func attempt(ctx context.Context, d *apptest.Desktop, r *request) (*todokuv1.FeedNotificationResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, apptest.Patience)
	defer cancel()
	stream, err := d.Notifications.FeedNotification(ctx, r)
	if err != nil {
		return nil, err
	}
	return stream.Recv()
}

// lie acknowledges responses that were not sent, and resumes with cursors of others.
func (a *attack) lie(d *apptest.Desktop) {
	t, ctx := a.t, a.t.Context()
	stream, err := d.Notifications.FeedNotification(ctx, &request{ConnectionId: d.Connection, InstanceId: "liar"})
	if err != nil {
		t.Error(err)
		return
	}
	first, err := stream.Recv()
	if err != nil {
		t.Error(err)
		return
	}
	hello := first.GetMessages()[0].GetHello()
	acknowledge := func(connection string, attach, number uint64) error {
		_, err := d.Notifications.AcknowledgeNotifications(ctx, &todokuv1.AcknowledgeNotificationsRequest{
			ConnectionId: connection, AttachNumber: attach, ResponseNumber: number,
		})
		return err
	}
	for n := range uint64(5) {
		// The truth in between: a stream that is not acknowledged ends on a slow machine
		// before all lies are sent.
		if err := acknowledge(d.Connection, hello.GetAttachNumber(), n+1); err != nil {
			t.Error(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Error(err)
		}
		wantRefusal(t, acknowledge(d.Connection, hello.GetAttachNumber(), 1<<63), codes.InvalidArgument, "NOT_SENT", "")
		wantRefusal(t, acknowledge(d.Connection, hello.GetAttachNumber()+1, 1), codes.FailedPrecondition, "OTHER_ATTACH", "")
		wantRefusal(t, acknowledge(a.honest.Connection, hello.GetAttachNumber(), 1), codes.PermissionDenied, "NOT_YOUR_CONNECTION", "")
	}
	for _, c := range []struct {
		code               codes.Code
		reason, connection string
		resume             string
	}{
		{codes.PermissionDenied, "NOT_YOUR_CONNECTION", a.honest.Connection, ""},
		{codes.NotFound, "UNKNOWN_CONNECTION", strings.ToLower(a.honest.Connection), ""},
		{codes.InvalidArgument, "BAD_CURSOR", d.Connection, hello.GetEpoch() + ":18446744073709551615"},
		{codes.InvalidArgument, "BAD_CURSOR", d.Connection, hello.GetEpoch() + ":-1"},
		{codes.InvalidArgument, "BAD_CURSOR", d.Connection, strings.Repeat("x", 1<<16)},
		{codes.InvalidArgument, "BAD_CURSOR", d.Connection, "' OR 1=1 --:1"},
	} {
		_, err := attempt(ctx, d, &request{ConnectionId: c.connection, InstanceId: "liar", ResumeAfter: c.resume})
		wantRefusal(t, err, c.code, c.reason, "")
	}
	// A cursor of another venue does no harm: the stream begins with a reset.
	if r, err := attempt(ctx, d, &request{ConnectionId: d.Connection, InstanceId: "liar", ResumeAfter: "another:5"}); err != nil ||
		r.GetMessages()[0].GetHello().GetStart() != todokuv1.Hello_START_RESET {
		t.Errorf("a cursor of another epoch: %v, %v", r, err)
	}
	a.resumeAsOther(d, hello.GetEpoch())
}

// resumeAsOther resumes after another user's cursor. A cursor is only a number, so the
// stream must hold nothing of that user.
func (a *attack) resumeAsOther(d *apptest.Desktop, epoch string) {
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	stream, err := d.Notifications.FeedNotification(ctx, &request{ConnectionId: d.Connection, InstanceId: "liar", ResumeAfter: epoch + ":20"})
	for n := 0; err == nil && n < 5; {
		var r *todokuv1.FeedNotificationResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		for _, m := range r.GetMessages() {
			if m.GetHeartbeat() != nil {
				n++
			}
			if owner := m.GetExecutionReport().GetOrder().GetAccount(); owner != "" && owner != "liar" {
				a.t.Errorf("the lying client received an order of %s", owner)
			}
		}
	}
	if err != nil {
		a.t.Errorf("resuming after a cursor that another was given: %v", err)
	}
}

// floodSubscriptions changes a subscription as fast as possible.
func (a *attack) floodSubscriptions(d *apptest.Desktop) {
	ctx := a.t.Context()
	stream, err := d.Notifications.FeedNotification(ctx, &request{ConnectionId: d.Connection})
	if err == nil {
		_, err = stream.Recv()
	}
	if err != nil {
		a.t.Error(err)
		return
	}
	many := &todokuv1.Subscription{}
	for i := range 20_000 {
		many.Symbols = append(many.Symbols, "S"+strconv.Itoa(i))
	}
	a.flood("SUBSCRIPTION_RATE", func(n int) error {
		subscription, want := everything(), ""
		if n%100 == 0 {
			subscription, want = many, "BAD_SUBSCRIPTION"
		}
		_, err := d.Notifications.UpdateSubscription(ctx, &todokuv1.UpdateSubscriptionRequest{ConnectionId: d.Connection, Subscription: subscription})
		// It does not acknowledge either, and may have been ended for that, its
		// connection with it.
		if status.Code(err) == codes.Unavailable && reasonOf(err) == "" {
			return err
		}
		if reason := reasonOf(err); reason != want && reason != "SUBSCRIPTION_RATE" && reason != "NOT_ATTACHED" {
			a.t.Errorf("change %d: %v, want %q", n, err, want)
		}
		return err
	})
}

// floodAttaches opens one stream after the other on one connection.
func (a *attack) floodAttaches(d *apptest.Desktop) {
	a.flood("ATTACH_RATE", func(n int) error {
		_, err := attempt(a.t.Context(), d, &request{ConnectionId: d.Connection, InstanceId: strconv.Itoa(n)})
		if reason := reasonOf(err); err != nil && reason != "SUPERSEDED" && reason != "ATTACH_RATE" {
			a.t.Errorf("attach %d: %v", n, err)
		}
		return err
	})
}

// flood repeats a call as fast as possible until a hundred calls were refused as too fast.
func (a *attack) flood(tooFast string, again func(n int) error) {
	const most, enough, atOnce = 5000, 100, 16
	var n, refused atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for refused.Load() < enough && n.Load() < most {
				if reasonOf(again(int(n.Add(1)))) == tooFast {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	a.t.Logf("%d of %d attempts: %s", refused.Load(), n.Load(), tooFast)
	if refused.Load() == 0 {
		a.t.Errorf("%d attempts, and none was refused with %s", n.Load(), tooFast)
	}
}

// neverAcknowledge reads without acknowledging.
func (a *attack) neverAcknowledge(d *apptest.Desktop) {
	stream, err := d.Notifications.FeedNotification(a.t.Context(), &request{ConnectionId: d.Connection})
	for err == nil {
		_, err = stream.Recv()
	}
	if reasonOf(err) != "NOT_ACKNOWLEDGING" {
		a.t.Errorf("a client that never acknowledges is ended with %v", err)
	}
}

// floodConnections opens ten thousand connections, or fewer if this process may not open so
// many files. A third sends nothing, a third stops in the preface, and a third speaks
// HTTP/2 without a request.
func (a *attack) floodConnections() {
	const wanted, reserved = 10_000, 2000
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		a.t.Error(err)
		return
	}
	conns := make([]net.Conn, min(wanted, int(files.Cur)-reserved))
	if len(conns) < wanted {
		a.t.Logf("%d connections instead of %d: this process may have %d files", len(conns), wanted, files.Cur)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.3")}}
	for i := range conns {
		conn, err := dialer.DialContext(a.t.Context(), "tcp", a.venue)
		if err != nil {
			a.t.Errorf("connection %d: %v", i, err)
			return
		}
		defer conn.Close() //nolint:errcheck // The venue may have closed it.
		conns[i] = conn
		// A refused connection may be closed already.
		switch i % 3 {
		case 1:
			_, _ = io.WriteString(conn, http2.ClientPreface[:5])
		case 2:
			_, _ = io.WriteString(conn, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		}
	}
	refused, closed, served := 0, 0, 0
	for i, conn := range conns {
		switch a.fate(conn, i%3 == 2) {
		case "refused":
			refused++
		case "closed":
			closed++
		case "served":
			served++
		}
	}
	a.t.Logf("%d connections from one address: %d refused, %d closed because they did not speak, %d served", len(conns), refused, closed, served)
	// On a slow machine, connections that were closed have made room for others.
	if most := 4000; served > most || refused == 0 {
		a.t.Errorf("%d connections from one address are served, want at most %d", served, most)
	}
	if closed == 0 || served == 0 {
		a.t.Errorf("%d were closed, %d served: both were to be seen", closed, served)
	}
}

// fate returns what happened to a connection: refused, closed after it was accepted, or
// served, if it speaks HTTP/2.
func (a *attack) fate(conn net.Conn, speaks bool) string {
	if err := conn.SetReadDeadline(time.Now().Add(apptest.Patience)); err != nil {
		a.t.Error(err)
		return ""
	}
	begin := make([]byte, 9)
	n, err := io.ReadFull(conn, begin)
	switch {
	case n == 0, string(begin) == "HTTP/1.1 ":
		return "refused"
	case err == nil && speaks:
		return "served" // These are the venue's settings.
	case err == nil:
		_, err = io.Copy(io.Discard, conn)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		a.t.Error("a connection that does not speak is kept")
	}
	return "closed"
}

// floodHeaders sends calls with endless headers.
func (a *attack) floodHeaders() {
	for range 20 {
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.4")}}).DialContext(a.t.Context(), "tcp", a.venue)
		if err != nil {
			a.t.Error(err)
			return
		}
		a.sendHeaders(conn)
		_ = conn.Close() // The venue may have closed it.
	}
}

func (a *attack) sendHeaders(conn net.Conn) {
	const (
		frame = 16 << 10
		most  = 16 << 20
	)
	if err := conn.SetDeadline(time.Now().Add(apptest.Patience)); err != nil {
		a.t.Error(err)
		return
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", todokuv1.MarketService_ListUsers_FullMethodName}, {":authority", "x"}, {"content-type", "application/grpc"}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // A buffer takes all.
	}
	out := http2.NewFramer(conn, nil)
	_, err := io.WriteString(conn, http2.ClientPreface)
	err = errors.Join(err, out.WriteSettings(), out.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()}))
	if err != nil {
		a.t.Error(err)
		return
	}
	ended := make(chan string, 1)
	go func() { ended <- readEnd(conn) }()
	sent := 0
	for ; sent < most; sent += frame {
		block.Reset()
		_ = encoder.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", frame/2), Sensitive: true})
		if out.WriteContinuation(1, false, block.Bytes()) != nil {
			break // It was cut off.
		}
	}
	if how := <-ended; how == "" {
		a.t.Errorf("%d bytes of headers, and the venue listens on", sent)
	}
}

// readEnd reads frames until the venue ends the stream or the connection, and returns which,
// or "" for neither.
func readEnd(conn net.Conn) string {
	in := http2.NewFramer(nil, conn)
	for {
		f, err := in.ReadFrame()
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return ""
			}
			return "connection closed"
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			return "stream reset: " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			return "GOAWAY: " + f.ErrCode.String()
		}
	}
}

// floodSignIns guesses two thousand passwords at once.
func (a *attack) floodSignIns() {
	d := apptest.NewDesktop(a.t, a.venue, grpc.WithTransportCredentials(insecure.NewCredentials()), from("127.0.0.5"))
	reasons := make(chan string, 2000)
	var calls sync.WaitGroup
	for i := range cap(reasons) {
		calls.Go(func() {
			_, err := d.Sessions.Login(a.t.Context(), &todokuv1.LoginRequest{User: "guess" + strconv.Itoa(i%400), Password: "guess"})
			reasons <- parseError(a.t, err).reason
		})
	}
	calls.Wait()
	close(reasons)
	count := map[string]int{}
	for reason := range reasons {
		count[reason]++
	}
	a.t.Log("sign-ins:", count)
	for reason := range count {
		switch reason {
		case "BAD_CREDENTIALS", "LOCKED_OUT", "BUSY", "TOO_MANY_CALLS", "SIGN_IN_RATE":
		case "DEADLINE": // On a slow machine the time of a call may be over before its turn comes.
		default:
			a.t.Errorf("%d guesses were refused with %s", count[reason], reason)
		}
	}
	if count["BUSY"]+count["TOO_MANY_CALLS"]+count["LOCKED_OUT"] == 0 {
		a.t.Error("every guess was looked at")
	}
}
