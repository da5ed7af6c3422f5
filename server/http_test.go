package server

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"todoku/account"
)

// unstarted returns a server whose ports are open and serve nothing yet.
func unstarted(t *testing.T, change func(*Config)) *Server {
	t.Helper()
	config := Config{
		Data: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
		Accounts: account.Config{Hash: account.HashCost{MemoryKiB: 64, Passes: 1, Lanes: 1}},
	}
	change(&config)
	s, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.closeFiles(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// answerTo returns the answer to a GET with a Host.
func answerTo(t *testing.T, handler http.Handler, host, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	r.Host = host
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestAPageOfAnotherNameCannotReachTheVenue(t *testing.T) {
	handler := unstarted(t, func(c *Config) {
		c.PublicURLs = []string{"https://Desk.Example.com", "http://prometheus.internal:8080"}
	}).handler()
	for host, want := range map[string]int{
		"rebound.attacker.example":      http.StatusMisdirectedRequest,
		"rebound.attacker.example:8080": http.StatusMisdirectedRequest,
		"127.0.0.1.attacker.example":    http.StatusMisdirectedRequest,
		"localhost.attacker.example":    http.StatusMisdirectedRequest,
		"desk.example.com.attacker":     http.StatusMisdirectedRequest,
		"127.0.0.1:8080":                http.StatusOK,
		"[::1]:8080":                    http.StatusOK,
		"[::1]":                         http.StatusOK,
		"192.0.2.7":                     http.StatusOK,
		"localhost:8080":                http.StatusOK,
		"LOCALHOST.":                    http.StatusOK,
		"desk.example.com":              http.StatusOK,
		"desk.example.com.:443":         http.StatusOK,
		"prometheus.internal":           http.StatusOK,
		"":                              http.StatusOK,
	} {
		if w := answerTo(t, handler, host, "/status"); w.Code != want {
			t.Errorf("host %q: %d %q, want %d", host, w.Code, w.Body, want)
		} else if want != http.StatusOK && !strings.Contains(w.Body.String(), "--public-url") {
			t.Errorf("host %q: the answer does not say what to do: %q", host, w.Body)
		}
	}
	const login, page = "/todoku.v1.SessionService/Login", "/"
	for _, path := range []string{login, page, "/metrics"} {
		if w := answerTo(t, handler, "rebound.attacker.example", path); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s of another name: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := answerTo(t, handler, "todoku.default.svc.cluster.local", path); w.Code == http.StatusMisdirectedRequest {
			t.Errorf("the probe %s by a service's name: %d", path, w.Code)
		}
	}
}

// TestMetricsAndStatusAreComputedOnceASecond counts how often a collector is asked.
func TestMetricsAndStatusAreComputedOnceASecond(t *testing.T) {
	s := unstarted(t, func(*Config) {})
	asked := 0
	desc := prometheus.NewDesc("asked", "How often.", nil, nil)
	s.metrics.registry.MustRegister(&collector{[]*prometheus.Desc{desc}, func(chan<- prometheus.Metric) { asked++ }})
	asked = 0
	handler := s.handler()
	want := ""
	for range 100 {
		w := answerTo(t, handler, "localhost", "/metrics")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "todoku_streams 0") {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
		if want == "" {
			want = w.Header().Get("Content-Type") + w.Body.String()
		} else if got := w.Header().Get("Content-Type") + w.Body.String(); got != want {
			t.Fatal("two answers of one second differ")
		}
	}
	// A machine that needs over a second for a hundred answers makes a second one.
	if asked > 2 {
		t.Errorf("a hundred requests computed the metrics %d times", asked)
	}
}

func TestAnAnswerIsRememberedForASecondInEachEncoding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		computed := 0
		m := remember(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			computed++
			w.Header().Set("Content-Encoding", r.Header.Get("Accept-Encoding"))
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "text")
		}))
		ask := func(encodings string) {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?x", http.NoBody)
			r.Header.Set("Accept-Encoding", encodings)
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			want := ""
			if strings.Contains(encodings, "gzip") {
				want = "gzip"
			}
			if w.Code != http.StatusTeapot || w.Body.String() != "text" || w.Header().Get("Content-Encoding") != want {
				t.Errorf("%q gets %d %q %v", encodings, w.Code, w.Body, w.Header())
			}
		}
		for range 3 {
			ask("br, gzip;q=0.5")
			ask("identity")
		}
		if computed != 2 {
			t.Errorf("computed %d times in a second", computed)
		}
		time.Sleep(rememberedFor) // Of the bubble's clock.
		ask("gzip")
		if computed != 3 {
			t.Errorf("computed %d times in two seconds", computed)
		}
	})
}

// TestBrowsersThatUseHTTPSAreToldToKeepUsingIt covers TLS on the port and a proxy that ends
// it, whether or not the proxy says so.
func TestBrowsersThatUseHTTPSAreToldToKeepUsingIt(t *testing.T) {
	s := unstarted(t, func(c *Config) { c.PublicURLs = []string{"https://desk.example.com", "http://plain.example.com"} })
	handler := s.handler()
	for _, c := range []struct {
		host, forwarded string
		tls, want       bool
	}{
		{host: "desk.example.com", want: true},
		{host: "plain.example.com"},
		{host: "plain.example.com", forwarded: "https", want: true},
		{host: "plain.example.com", forwarded: "http"},
		{host: "any.example.com", tls: true, want: true},
		{host: "127.0.0.1:8080"},
		{host: "localhost:8080", tls: true}, // It would hold for every port of this machine.
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", http.NoBody)
		r.Host = c.host
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Proto", c.forwarded)
		}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); (got == strictTransport) != c.want || !c.want && got != "" {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
