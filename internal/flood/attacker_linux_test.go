package flood

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// An attacker is this test binary started again. It has a low priority, because
// attackers bring machines of their own: what is measured is the venue's time, not theirs.

// envAttack makes an attacker of a process: its plan in JSON.
const envAttack = "TODOKU_FLOOD"

// plan is what an attacker does.
type plan struct {
	GRPC, HTTP string
	Floods     []string
}

// attackerMain makes an attacker of this process if it was started as one. It prepares, prints
// a line, begins when it reads one, prints another when every flood has begun enough attempts,
// ends when its input does, and prints its tally.
func attackerMain() {
	text := os.Getenv(envAttack)
	if text == "" {
		return
	}
	if err := runAttacker(text); err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runAttacker(text string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := bufio.NewReader(os.Stdin)
	all := map[string]*attacker{}
	var underWay sync.WaitGroup
	for _, name := range p.Floods {
		a := &attacker{plan: p, counts: map[string]int{}, underWay: &underWay}
		underWay.Add(enough)
		if err := floods()[name].prepare(ctx, a); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all[name] = a
	}
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // Its end is the order to stop.
		cancel()
	}()
	go func() {
		underWay.Wait()
		fmt.Println("under way")
	}()
	var running sync.WaitGroup
	for name, a := range all {
		running.Go(func() { floods()[name].run(ctx, a) })
	}
	running.Wait()
	tallies := map[string]map[string]int{}
	for name, a := range all {
		tallies[name] = a.counts
	}
	return json.NewEncoder(os.Stdout).Encode(tallies)
}

// enough is how many attempts a flood must have begun before its effect is measured.
const enough = 12

// attacker is one flood.
type attacker struct {
	plan  plan
	token string // Of its session, "" without one.
	again string // Its refresh token.

	begun    atomic.Int64
	underWay *sync.WaitGroup // Counts down the first attempts.

	mu     sync.Mutex     // Protects counts.
	counts map[string]int // How its attempts ended.
}

// begin counts an attempt when it begins.
func (a *attacker) begin() {
	if a.begun.Add(1) <= enough {
		a.underWay.Done()
	}
}

// count counts one attempt by its outcome.
func (a *attacker) count(outcome string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[outcome]++
}

// ended counts a call by the reason or the code of its error.
func (a *attacker) ended(ctx context.Context, err error) {
	switch reason := client.Reason(err); {
	case ctx.Err() != nil: // The flood is over.
	case err == nil:
		a.count("OK")
	case reason != "":
		a.count(reason)
	case errors.Is(err, errRefused):
		a.count(err.Error())
	default:
		a.count(status.Code(err).String())
	}
}

// repeat makes calls on so many goroutines until ctx ends.
func (a *attacker) repeat(ctx context.Context, atOnce int, call func(ctx context.Context) error) {
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for ctx.Err() == nil {
				a.begin()
				a.ended(ctx, call(ctx))
			}
		})
	}
	all.Wait()
}

// from returns a dialer with a local address.
func from(local string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
}

// dial returns a gRPC connection from an address, and the token with every call.
func (a *attacker) dial(ctx context.Context, local string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(a.plan.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(a),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return from(local).DialContext(ctx, "tcp", address)
		}))
	if err == nil {
		context.AfterFunc(ctx, func() { _ = conn.Close() }) // Calls that still run fail.
	}
	return conn, err
}

// GetRequestMetadata implements credentials.PerRPCCredentials: it sends the token.
func (a *attacker) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if a.token == "" {
		return nil, nil //nolint:nilnil // No headers, no error.
	}
	return map[string]string{"authorization": "Bearer " + a.token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (a *attacker) RequireTransportSecurity() bool { return false }

// signIn opens a session.
func (a *attacker) signIn(ctx context.Context, local, user string) error {
	conn, err := a.dial(ctx, local)
	if err != nil {
		return err
	}
	reply, err := todokuv1.NewSessionServiceClient(conn).Login(ctx, &todokuv1.LoginRequest{User: user, Password: apptest.Password})
	a.token, a.again = reply.GetTokens().GetAccessToken(), reply.GetTokens().GetRefreshToken()
	return err
}

// http2From returns a client of the gRPC port for requests that no gRPC client sends.
func http2From(local string) *http.Client {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{DialContext: from(local).DialContext, Protocols: protocols, DisableCompression: true}}
}

// http1From returns a client of the web port.
func http1From(local string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: from(local).DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true}}
}

// post sends one request with a body and returns an error with the status of its answer.
func (a *attacker) post(ctx context.Context, c *http.Client, url string, headers map[string]string, body io.Reader) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := c.Do(request)
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	_, _ = io.Copy(io.Discard, response.Body) // Trailers come after the body.
	_ = response.Body.Close()                 // It was read.
	text := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status")
	var code codes.Code
	if text == "" || code.UnmarshalJSON([]byte(text)) != nil {
		return errStatus(response.StatusCode)
	}
	return status.Error(code, "")
}

// errStatus returns the gRPC status that an HTTP status stands for.
func errStatus(code int) error {
	switch {
	case code < 300:
		return nil
	case code == http.StatusUnauthorized:
		return status.Error(codes.Unauthenticated, "")
	case code == http.StatusTooManyRequests:
		return status.Error(codes.ResourceExhausted, "")
	case code < 500:
		return status.Error(codes.InvalidArgument, "")
	}
	return status.Error(codes.Unavailable, "")
}

// siege is an attacker in a process of its own.
type siege struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// besiege starts an attacker, which has signed in and waits.
func besiege(t *testing.T, p plan) *siege {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{command: exec.Command(self)} //nolint:noctx // stop, or the end of its input, ends it.
	s.command.Env, s.command.Stderr = append(os.Environ(), envAttack+"="+string(text)), os.Stderr
	in, inErr := s.command.StdinPipe()
	out, outErr := s.command.StdoutPipe()
	if err := errors.Join(inErr, outErr, s.command.Start()); err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	t.Cleanup(func() { _ = s.command.Process.Kill() }) // It has ended, unless the test failed.
	if line, err := s.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the attacker did not start: %q, %v", line, err)
	}
	return s
}

// begin begins the attack and waits until it is under way.
func (s *siege) begin(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		t.Fatal(err)
	}
	defer apptest.Overdue(s.command).Stop()
	if line, err := s.out.ReadString('\n'); err != nil || line != "under way\n" {
		t.Fatalf("the attack is not under way: %q, %v", line, err)
	}
}

// stop ends the attack and returns how its attempts ended.
func (s *siege) stop(t *testing.T) map[string]map[string]int {
	t.Helper()
	var tallies map[string]map[string]int
	defer apptest.Overdue(s.command).Stop()
	err := errors.Join(s.in.Close(), json.NewDecoder(s.out).Decode(&tallies), s.command.Wait())
	if err != nil {
		t.Fatal(err)
	}
	return tallies
}

// total returns the number of attempts.
func total(tally map[string]int) (n int) {
	for count := range maps.Values(tally) {
		n += count
	}
	return n
}
