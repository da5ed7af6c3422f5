package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// overPipe serves handler to one client of a pipe, which buffers nothing, and returns the
// client's side.
func overPipe(t *testing.T, handler http.Handler) net.Conn {
	t.Helper()
	client, served := net.Pipe()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	l := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- served
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = client.Close() // The server may have closed it.
		_ = server.Close() // The same.
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return client
}

// pipeListener accepts what conns holds.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestAClientThatReadsNoAnswerIsDisconnected has a large page, a page without a body, and
// the answer of a call.
func TestAClientThatReadsNoAnswerIsDisconnected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request string
		within  time.Duration
	}{
		"a page":         {"GET /assets/large.js HTTP/1.1\r\nHost: x\r\n\r\n", pageWrite},
		"headers":        {"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", pageWrite},
		"a call's reply": {"POST /todoku.v1.SessionService/Login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", answerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan struct{})
				client := overPipe(t, bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					go func() { // The server cancels the context when it closes the connection.
						<-r.Context().Done()
						close(gone)
					}()
					if r.Method != http.MethodHead {
						_, _ = w.Write(make([]byte, 1<<20))
					}
				})))
				began := time.Now()
				if _, err := io.WriteString(client, c.request); err != nil {
					t.Fatal(err)
				}
				timer := time.NewTimer(time.Hour)
				defer timer.Stop()
				select {
				case <-gone:
				case <-timer.C:
					t.Fatal("the answer still waits to be read after an hour")
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("the client was disconnected after %s", took)
				}
			})
		})
	}
}

// TestASlowReaderOfAPageIsDisconnectedInTheEnd reads a byte now and then.
func TestASlowReaderOfAPageIsDisconnectedInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := overPipe(t, bounded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := w.Write(make([]byte, 4<<10)); err != nil {
					return
				}
			}
		})))
		began := time.Now()
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 4<<10)
		for {
			if _, err := client.Read(part); err != nil {
				break
			}
			time.Sleep(pageWrite / 2) // Of the bubble's clock.
		}
		if took := time.Since(began); took > pageAnswer+pageWrite {
			t.Errorf("a page was read for %s", took)
		}
	})
}

// TestABodyThatNeverEndsHoldsNoConnection sends the beginning of a body to pages, to the
// API, and to refused names.
func TestABodyThatNeverEndsHoldsNoConnection(t *testing.T) {
	t.Parallel()
	s := unstarted(t, func(*Config) {})
	served := httptest.NewUnstartedServer(nil)
	served.Config = s.httpServer(s.handler())
	served.Start()
	defer served.Close()
	for _, head := range []string{
		"GET /", "POST /", "GET /metrics", "POST /status", "GET /healthz", "POST /readyz", "PUT /assets/x.js",
		"GET http://attacker.example/",
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", served.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", head); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		response, err := http.ReadResponse(in, &http.Request{Method: head[:strings.IndexByte(head, ' ')]})
		if err != nil {
			t.Errorf("%s: no answer while the body has no end: %v", head, err)
		} else {
			_ = response.Body.Close() // The connection's end is what is asked for.
			if _, err := io.Copy(io.Discard, in); err != nil {
				t.Errorf("%s: the connection is kept: %v", head, err)
			}
		}
		_ = conn.Close() // The other side has closed it.
	}
}
