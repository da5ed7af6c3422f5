package door

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// newTestLimiter returns a limiter whose networks are addresses.
func newTestLimiter(total, perNetwork int) *Limiter {
	return NewLimiter(Limits{Total: total, PerNetwork: perNetwork, Network: func(remote string) string {
		host, _, _ := net.SplitHostPort(remote)
		return host
	}})
}

// port listens on loopback behind a limiter and accepts every connection.
func port(t *testing.T, limiter *Limiter, refusal string) (address string, accepted <-chan net.Conn) {
	t.Helper()
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limiter.listen(inner, refusal, time.Second)
	conns := make(chan net.Conn, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return inner.Addr().String(), conns
}

// from connects from an address of this machine.
func from(t *testing.T, local, address string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // The other side may have closed it.
	return conn
}

// TestAConnectionOverALimitIsAnsweredAndClosed has both limits.
func TestAConnectionOverALimitIsAnsweredAndClosed(t *testing.T) {
	limiter := newTestLimiter(3, 2)
	address, accepted := port(t, limiter, "too many")
	answer := func(conn net.Conn) string {
		text, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := from(t, "127.0.0.2", address)
	inside := <-accepted
	from(t, "127.0.0.2", address)
	<-accepted
	if text := answer(from(t, "127.0.0.2", address)); text != "too many" {
		t.Errorf("the third of a network gets %q", text)
	}
	from(t, "127.0.0.3", address)
	<-accepted
	if text := answer(from(t, "127.0.0.4", address)); text != "too many" {
		t.Errorf("the fourth in all gets %q", text)
	}
	if open, refused := limiter.Counts(); open != 3 || refused != 2 {
		t.Errorf("%d open, %d refused", open, refused)
	}
	_ = first.Close()
	for range 2 { // Closing twice makes room for one.
		_ = inside.Close()
	}
	from(t, "127.0.0.4", address)
	<-accepted
	if open, _ := limiter.Counts(); open != 3 {
		t.Errorf("%d open after one was closed and one came", open)
	}
}

// TestARefusedClientThatDoesNotCloseIsDisconnected refuses more clients than may wait.
func TestARefusedClientThatDoesNotCloseIsDisconnected(t *testing.T) {
	limiter := newTestLimiter(0, 1)
	address, accepted := port(t, limiter, "no")
	from(t, "127.0.0.1", address)
	<-accepted
	for range 3 * maxRefusals { // None of them reads or closes.
		from(t, "127.0.0.1", address)
	}
	last := from(t, "127.0.0.1", address)
	if err := last.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(last) // The answer, or a reset without it.
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the connection over the limit is kept")
	}
}

// TestGRPCAndTLSAndHTTPClientsReportWhyTheyWereRefused uses real clients. The timeout is
// long: on a busy machine a client may send its request late, and HTTP/1.1 ignores an
// answer that comes before its request.
func TestGRPCAndTLSAndHTTPClientsReportWhyTheyWereRefused(t *testing.T) {
	none := func(refusal string) string {
		limiter := newTestLimiter(-1, 1)
		limiter.timeout = time.Minute
		address, _ := port(t, limiter, refusal)
		from(t, "127.0.0.1", address)
		return address
	}
	conn, err := grpc.NewClient(none(httpRefusal), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // It never connected.
	_, err = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "HTTP/1.1") {
		t.Errorf("a gRPC client reports %v", err)
	}

	secure := tls.Client(from(t, "127.0.0.1", none(tlsRefusal)), &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS12})
	var alert *net.OpError
	if err := secure.HandshakeContext(t.Context()); !errors.As(err, &alert) || alert.Op != "remote error" {
		t.Errorf("a TLS client reports %v", err)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+none(httpRefusal)+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "TOO_MANY_CONNECTIONS") {
		t.Errorf("a browser gets %d %q, %v", response.StatusCode, text, err)
	}
	_ = response.Body.Close() // It was read.
}

func TestASilentConnectionIsClosedAtTheHandshakeTimeout(t *testing.T) {
	limiter := newTestLimiter(-1, -1)
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ConnectionTimeout(100 * time.Millisecond))
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- s.Serve(limiter.listen(inner, "", time.Second)) }()
	silent := from(t, "127.0.0.1", inner.Addr().String())
	if _, err := io.Copy(io.Discard, silent); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Log("closed with", err)
	}
	s.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if open, _ := limiter.Counts(); open != 0 {
		t.Errorf("%d connections are still counted", open)
	}
}
