package doctor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"todoku/client"
	"todoku/doctor"
	"todoku/internal/apptest"
	"todoku/internal/pathtest"
)

// Times of these tests. A second is the shortest timer of the proxies.
const (
	timer     = time.Second
	heartbeat = 300 * time.Millisecond
	tooFast   = 60 * time.Millisecond  // for the venue's minimum, which is
	minTime   = 200 * time.Millisecond // between the two
	tolerable = 400 * time.Millisecond
	seldom    = time.Minute // No PING of the venue comes while a test runs.
)

// venue serves one with scaled-down times, and PINGs of its own at an interval.
func venue(t *testing.T, pings time.Duration) string {
	t.Helper()
	config := apptest.Config(t.TempDir())
	config.Keepalive.Time = pings
	config.Keepalive.MinTime = minTime
	config.Push.HeartbeatInterval = heartbeat
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), nil); err != nil {
		t.Fatal(err)
	}
	return apptest.Serve(t, config).GRPCAddr().String()
}

// examine examines a path to a venue for a little more than two timers.
func examine(t *testing.T, address string) *doctor.Report {
	t.Helper()
	report, err := doctor.Examine(t.Context(), doctor.Config{
		Address: address, Plaintext: true, Duration: 2500 * time.Millisecond, Patience: time.Second, Rounds: 20,
		PingEvery: []time.Duration{tooFast, tolerable}, Silences: []time.Duration{timer / 2, 1500 * time.Millisecond, 2500 * time.Millisecond},
		SignIn:   func(context.Context) (*client.Client, error) { return apptest.Client(t, address, "alice"), nil },
		Progress: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	return report
}

// codes are those of the findings, in order.
func codes(r *doctor.Report) []string {
	var all []string
	for _, f := range r.Verdict.Findings {
		all = append(all, f.Code)
	}
	return all
}

func found(t *testing.T, r *doctor.Report, want ...string) {
	t.Helper()
	if got := codes(r); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// about compares a time with a timer. The timer may have begun earlier than the measurement,
// and a busy machine notices its end late.
func about(t *testing.T, what string, got doctor.Millis, want time.Duration) {
	t.Helper()
	if d := time.Duration(got); d < want/2 || d > want+5*time.Second {
		t.Errorf("%s after %s, want about %s", what, got, want)
	}
}

func feedLived(t *testing.T, r *doctor.Report) {
	t.Helper()
	f := r.Feed
	if f == nil || f.Error != "" || len(f.Cuts) != 0 || f.Missing || f.Resumed != "REPLAY" || f.Heartbeats < 4 {
		t.Errorf("feed %+v", f)
	}
	if !r.Verdict.Good() {
		t.Errorf("a problem among %q", codes(r))
	}
}

func TestADirectPathIsFound(t *testing.T) {
	t.Parallel()
	r := examine(t, venue(t, seldom))
	found(t, r, "TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "FEED_RESUMES", "FEED_LIVES")
	feedLived(t, r)
	if r.Verdict.PingsAnsweredBy != doctor.AnsweredByVenue || len(r.Verdict.Evidence) > 0 {
		t.Errorf("PINGs answered by %s because %q", r.Verdict.PingsAnsweredBy, r.Verdict.Evidence)
	}
	if end := r.Pinged[0].End; end == nil || end.How != doctor.ByGoAway || end.Code != "ENHANCE_YOUR_CALM" || end.Debug != "too_many_pings" {
		t.Errorf("a PING every %s ended with %s", tooFast, end)
	}
	if time.Duration(r.Verdict.SmallestPing) != tolerable {
		t.Errorf("smallest tolerated interval %s", r.Verdict.SmallestPing)
	}
	if s := r.Verdict.Settings; time.Duration(s.KeepaliveTime) != 20*time.Second || time.Duration(s.ProxyIdle) != 90*time.Second || time.Duration(s.Heartbeat) != heartbeat {
		t.Errorf("settings %+v", s)
	}
	if r.RoundTrips.Calls.Count != 20 || r.RoundTrips.Pings.Count != 20 || r.HTTP2.MaxFrameSize == 0 {
		t.Errorf("round trips %+v, HTTP/2 %+v", r.RoundTrips, r.HTTP2)
	}
}

// TestPingsKeepAConnectionThatAnIdleTimerCuts has a firewall or balancer of TCP that
// ends idle connections.
func TestPingsKeepAConnectionThatAnIdleTimerCuts(t *testing.T) {
	t.Parallel()
	r := examine(t, pathtest.Box{Idle: timer}.Start(t, venue(t, seldom)))
	found(t, r, "TOO_MANY_PINGS", "PINGS_REACH_VENUE", "IDLE_TIMER", "FEED_RESUMES", "FEED_LIVES", "KEEPALIVE_TOO_SLOW")
	feedLived(t, r)
	about(t, "quiet cut", r.Verdict.QuietCut, timer)
	for _, q := range r.Silent[1:] {
		if q.End == nil || q.End.How != doctor.ByClose && q.End.How != doctor.ByTCPReset || q.Survived {
			t.Errorf("silence of %s: %+v", q.AskAfter, q)
		}
	}
	if r.Silent[0].End != nil || r.Pinged[1].End != nil {
		t.Errorf("short silence %s, with PINGs %s", r.Silent[0].End, r.Pinged[1].End)
	}
}

// TestAPathThatDropsStateSilentlyIsFound has a firewall or NAT that drops the packets
// of a connection that it has forgotten.
func TestAPathThatDropsStateSilentlyIsFound(t *testing.T) {
	t.Parallel()
	r := examine(t, pathtest.Box{Idle: timer, Forget: true}.Start(t, venue(t, seldom)))
	found(t, r, "TOO_MANY_PINGS", "PINGS_REACH_VENUE", "PATH_FORGETS", "FEED_RESUMES", "FEED_LIVES", "KEEPALIVE_TOO_SLOW")
	feedLived(t, r)
	if end := r.Silent[1].End; r.Silent[0].End != nil || end == nil || end.How != doctor.ByNoAnswer {
		t.Errorf("short silence %s, long silence %s", r.Silent[0].End, end)
	}
}

// TestAProxyCutsStreamsWithPingsAndHeartbeatsSurvive examines real proxies, with a
// delay between them and the venue.
func TestAProxyCutsStreamsWithPingsAndHeartbeatsSurvive(t *testing.T) {
	t.Parallel()
	proxies := []struct {
		name     string
		start    func(*testing.T, string, pathtest.Timers) *pathtest.Proxy
		how      doctor.How
		code     string
		evidence int
	}{
		{"nginx", pathtest.Nginx, doctor.ByReset, "INTERNAL_ERROR", 5}, // Its headers show it too.
		{"haproxy", pathtest.HAProxy, doctor.ByNoTrailers, "", 3},
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			far := pathtest.Box{Delay: 5 * time.Millisecond}.Start(t, venue(t, seldom))
			r := examine(t, p.start(t, far, pathtest.Timers{Idle: timer}).Address)
			found(t, r, "PINGS_ANSWERED_NEARER", "STREAM_TIMER", "FEED_RESUMES", "FEED_LIVES", "RAISE_PROXY_TIMER")
			feedLived(t, r)
			about(t, "pinged cut", r.Verdict.PingedCut, timer)
			if r.Verdict.PingsAnsweredBy != doctor.AnsweredNearer || len(r.Verdict.Evidence) != p.evidence {
				t.Errorf("PINGs answered by %s because %q", r.Verdict.PingsAnsweredBy, r.Verdict.Evidence)
			}
			for _, q := range r.Pinged {
				if q.End == nil || q.End.How != p.how || q.End.Code != p.code || !q.Survived || q.Answered == 0 {
					t.Errorf("a PING every %s: %+v", q.PingEvery, q)
				}
			}
		})
	}
}

// TestTheVenuesPingsResetTheTimerOfNginxOnly shows why a timer of nginx that is longer than
// the venue's PINGs is not found and does no harm: any traffic from the venue resets it.
func TestTheVenuesPingsResetTheTimerOfNginxOnly(t *testing.T) {
	t.Parallel()
	at := venue(t, time.Second) // grpc-go sends no PINGs more often.
	const timer = 2 * time.Second
	for name, p := range map[string]struct {
		address string
		want    []string
	}{
		"nginx":   {pathtest.Nginx(t, at, pathtest.Timers{Idle: timer}).Address, []string{"PINGS_ANSWERED_NEARER", "NO_CUT", "NOT_SIGNED_IN"}},
		"haproxy": {pathtest.HAProxy(t, at, pathtest.Timers{Idle: timer}).Address, []string{"PINGS_ANSWERED_NEARER", "STREAM_TIMER", "NOT_SIGNED_IN", "HEARTBEAT_TOO_SLOW", "RAISE_PROXY_TIMER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := doctor.Examine(t.Context(), doctor.Config{
				Address: p.address, Plaintext: true, Duration: 3500 * time.Millisecond,
				PingEvery: []time.Duration{tolerable}, Silences: []time.Duration{3500 * time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			found(t, r, p.want...)
		})
	}
}

func TestAServerThatIsNotAVenueIsReported(t *testing.T) {
	t.Parallel()
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.EnableHTTP2 = true
	other.StartTLS()
	t.Cleanup(other.Close)
	roots := x509.NewCertPool()
	roots.AddCert(other.Certificate())
	address := other.Listener.Addr().String()
	r, err := doctor.Examine(t.Context(), doctor.Config{Address: address, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	found(t, r, "NO_HEALTH", "NOT_SIGNED_IN")
	if r.TLS == nil || r.TLS.ALPN != "h2" || r.TLS.Version != "TLS 1.3" || r.TLS.Issuer == "" {
		t.Errorf("TLS %+v", r.TLS)
	}
	if end := r.RoundTrips.Health; end == nil || end.How != doctor.ByHTTPStatus || end.Code != "404" {
		t.Errorf("health ended with %s", end)
	}
	r, err = doctor.Examine(t.Context(), doctor.Config{Address: address, Plaintext: true, Duration: time.Second, Patience: time.Second})
	if !errors.Is(err, doctor.ErrUnreachable) {
		t.Fatalf("plaintext to a TLS port: %v", err)
	}
	found(t, r, "UNREACHABLE", "PERHAPS_TLS")
	r, err = doctor.Examine(t.Context(), doctor.Config{Address: apptest.FreeAddress(t), Plaintext: true, Duration: time.Second})
	if !errors.Is(err, doctor.ErrUnreachable) || r.Verdict.Good() {
		t.Fatalf("a port that nothing listens on: %v", err)
	}
	found(t, r, "UNREACHABLE")
}

func TestAReportIsOneJSONObject(t *testing.T) {
	t.Parallel()
	r := &doctor.Report{Address: "x:1", RoundTrips: doctor.RoundTrips{Pings: doctor.Spread{Count: 1, Min: doctor.Millis(1500 * time.Microsecond)}}}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(line, []byte(`"min_ms":1.5,`)) {
		t.Errorf("%s", line)
	}
}

func TestSettingsThatContradictEachOtherAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []doctor.Config{
		{Duration: -1},
		{Duration: time.Second, PingEvery: []time.Duration{2 * time.Second}},
		{Silences: make([]time.Duration, 8)},
		{Address: "no port"},
	} {
		if _, err := doctor.Examine(t.Context(), c); !errors.Is(err, doctor.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
