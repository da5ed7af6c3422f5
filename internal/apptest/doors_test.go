package apptest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// The ports: TLS, addresses, probes and the pages of HTTP.

// authority makes certificates that only a test trusts.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	pool *x509.CertPool
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	a.root, a.key = a.sign("Test CA", true)
	a.pool.AddCert(a.root)
	a.write("ca.pem", "CERTIFICATE", a.root.Raw)
	return a
}

// sign makes a certificate, of this authority or its own.
func (a *authority) sign(name string, ca bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.n++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IsCA: ca, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := a.root, a.key
	if ca {
		template.KeyUsage |= x509.KeyUsageCertSign
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// files makes a certificate and its key as files.
func (a *authority) files(name string) (certificate, key string) {
	a.t.Helper()
	c, k := a.sign(name, false)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", c.Raw), a.write(name+".key", "EC PRIVATE KEY", der)
}

// client returns a client's settings, with a certificate if it has a name.
func (a *authority) client(name string) *tls.Config {
	a.t.Helper()
	config := &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12}
	if name != "" {
		certificate, key := a.sign(name, false)
		config.Certificates = []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}}
	}
	return config
}

// TestTLSIsSpokenOnBothPortsAndClientsProveThemselvesWhereAsked covers TLS and
// mTLS, and the clients that are refused.
func TestTLSIsSpokenOnBothPortsAndClientsProveThemselvesWhereAsked(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		clientCA string
		allowed  []*tls.Config
		refused  []*tls.Config
	}{
		"TLS":  {"", []*tls.Config{ca.client(""), ca.client("anyone")}, []*tls.Config{stranger.client("")}},
		"mTLS": {filepath.Join(ca.dir, "ca.pem"), []*tls.Config{ca.client("desk")}, []*tls.Config{ca.client(""), foreign(ca, stranger), nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := serve(t, func(config *server.Config) {
				config.TLSCert, config.TLSKey = ca.files("server-" + name)
				config.TLSClientCA = c.clientCA
			})
			for _, config := range c.allowed {
				d := app.Desktop(grpc.WithTransportCredentials(credentials.NewTLS(config)))
				d.SignIn("alice")
				s := d.Attach(&request{})
				d.Place(apptest.Limit(d.Session, "USDJPY", buy, "1", "150"))
				s.Report(d.Session, execNew)
				if body := getTLS(t, config, app.HTTPAddr().String()); body != "alive\n" {
					t.Errorf("HTTPS answers %q", body)
				}
			}
			for _, config := range c.refused {
				d := app.Desktop()
				if config != nil {
					d = app.Desktop(grpc.WithTransportCredentials(credentials.NewTLS(config)))
				}
				_, err := d.Sessions.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: apptest.Password})
				if status.Code(err) != codes.Unavailable {
					t.Errorf("a client that is not trusted is answered %v", err)
				}
			}
		})
	}
}

// foreign shows a certificate of another authority.
func foreign(ca, stranger *authority) *tls.Config {
	config := stranger.client("desk")
	config.RootCAs = ca.pool
	return config
}

func getTLS(t *testing.T, config *tls.Config, address string) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config.Clone()}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // It was only read.
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestPlaintextForOtherMachinesNeedsInsecure covers the addresses of both
// ports.
func TestPlaintextForOtherMachinesNeedsInsecure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "venue.example:0"} {
		for _, config := range []server.Config{
			{Data: dir, GRPCAddr: address, HTTPAddr: "127.0.0.1:0"}, {Data: dir, GRPCAddr: "127.0.0.1:0", HTTPAddr: address},
		} {
			if _, err := server.New(t.Context(), config); !errors.Is(err, server.ErrConfig) || !strings.Contains(err.Error(), address) {
				t.Errorf("plaintext on gRPC %s, HTTP %s: %v", config.GRPCAddr, config.HTTPAddr, err)
			}
		}
	}
	app := serve(t, func(c *server.Config) { c.GRPCAddr, c.Insecure = "0.0.0.0:0", true })
	_, port, err := net.SplitHostPort(app.GRPCAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	apptest.NewDesktop(t, "127.0.0.1:"+port).SignIn("alice")
}

// TestTheHTTPPortShowsTheVenuesState covers health, readiness, metrics and the page.
func TestTheHTTPPortShowsTheVenuesState(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	bob := app.SignIn("bob")
	bob.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	s := bob.Attach(&request{})
	for path, want := range map[string]string{
		"/healthz": "alive", "/readyz": `"ready":true`, "/status": "<title>Todoku</title>",
		"/metrics": `todoku_call_duration_seconds_count{code="OK",method="PlaceOrder"} 1`,
	} {
		if code, body := app.HTTP(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d %.2000q, want %s", path, code, body, want)
		}
	}
	if _, page := app.HTTP("/status"); strings.Contains(page, "bob") || !strings.Contains(page, s.Hello.GetEpoch()) {
		t.Errorf("the page says\n%s", page)
	}
	if _, body := app.HTTP("/metrics"); !strings.Contains(body, "todoku_streams 1") || !strings.Contains(body, "todoku_accepting_commands 1") || strings.Contains(body, "bob") {
		t.Error("metrics lack the stream, or name a user")
	}
	if code, _ := app.HTTP("/nothing/here"); code != http.StatusNotFound {
		t.Errorf("an unknown page answers %d", code)
	}
}

// TestTheFirstAnsweredProbeFindsTheVenueServing has probes wait at both ports
// before anything is served there.
func TestTheFirstAnsweredProbeFindsTheVenueServing(t *testing.T) {
	t.Parallel()
	config := apptest.Config(t.TempDir())
	for range 10 {
		s, err := server.New(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		var probes sync.WaitGroup
		probes.Go(func() {
			conn := apptest.NewDesktop(t, s.GRPCAddr().String()).Conn
			reply, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
			if err != nil || reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Errorf("health: %v, %v", reply, err)
			}
			_ = conn.Close() // Nothing is under way.
		})
		probes.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTPAddr().String()+"/readyz", nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Close = true
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close() // Nothing was read.
			if response.StatusCode != http.StatusOK {
				t.Errorf("/readyz answers %d", response.StatusCode)
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		probes.Wait()
		stop()
		serving.Wait()
	}
}

// TestProbesAndGenericClientsAreServed covers gRPC health and reflection, which need no
// token, and compression.
func TestProbesAndGenericClientsAreServed(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	d := app.Desktop()
	health := grpc_health_v1.NewHealthClient(d.Conn)
	reply, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", reply, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Patience)
	defer cancel()
	watch, err := health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := watch.Recv(); err != nil || got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health watched: %v, %v", got, err)
	}
	if names := reflected(t, d.Conn); !slices.Contains(names, "todoku.v1.OrderService") || !slices.Contains(names, "todoku.v1.NotificationService") {
		t.Errorf("reflection lists %v", names)
	}

	packed := app.Desktop()
	packed.SignIn("alice")
	if _, err := packed.Orders.PlaceOrder(t.Context(), apptest.Limit("a", "USDJPY", buy, "1", "150"), grpc.UseCompressor(gzip.Name)); err != nil {
		t.Errorf("a compressed order: %v", err)
	}
	stream, err := packed.Notifications.FeedNotification(ctx, &request{ConnectionId: packed.Connection}, grpc.UseCompressor(gzip.Name))
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetMessages()[0].GetHello() == nil {
		t.Errorf("a compressed stream begins with %v, %v", first, err)
	}
	cancel()

	go app.Stop() // The streams of probes do not hold up a stop either.
	app.Shutdown()
}

func reflected(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	reply, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range reply.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names
}
