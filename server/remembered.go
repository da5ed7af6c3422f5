package server

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Anybody may ask for /metrics and /status, and to compute either takes milliseconds. So
// they are computed at most once a second, whoever asks; the others get the same bytes.

// rememberedFor is how old an answer may be. Prometheus asks every few seconds.
const rememberedFor = time.Second

// remembered answers GET requests with an answer of inner that is at most rememberedFor
// old. Inner gets requests of its own, which have nothing of the client's but whether it
// takes gzip. Safe for concurrent use.
type remembered struct {
	inner http.Handler

	mu      sync.Mutex // protects answers; held while one is computed, so that one is at a time
	answers map[string]*answer
}

func remember(inner http.Handler) *remembered {
	return &remembered{inner: inner, answers: map[string]*answer{}}
}

// ServeHTTP sends the answer.
func (m *remembered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	encoding := ""
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		encoding = "gzip"
	}
	a := m.answer(encoding, r)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body.Bytes()) // An error means that the client has disconnected.
}

// answer returns the answer in an encoding. It does not change any more.
func (m *remembered) answer(encoding string, r *http.Request) *answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.answers[encoding]; a != nil && time.Since(a.computed) < rememberedFor {
		return a
	}
	own := &http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host, Header: http.Header{}, Body: http.NoBody}
	if encoding != "" {
		own.Header.Set("Accept-Encoding", encoding)
	}
	a := &answer{header: http.Header{}, code: http.StatusOK, computed: time.Now()}
	m.inner.ServeHTTP(a, own)
	m.answers[encoding] = a
	return a
}

// answer is an HTTP answer in memory. It implements [http.ResponseWriter].
type answer struct {
	header   http.Header
	code     int
	body     bytes.Buffer
	computed time.Time
}

// Header returns the answer's headers.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status.
func (a *answer) WriteHeader(code int) { a.code = code }

// Write appends to the body.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
