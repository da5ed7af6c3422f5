package apptest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// Ends of browsers' streams that the venue did not cause, and their traces. Another
// transport than gRPC's carries them, and it must report the same causes.

// bareFeed asks for a stream in HTTP/1.1 by hand, over a connection that the test can
// break as it likes, and reads the beginning of the answer.
func bareFeed(t *testing.T, app *apptest.App, token, connection string, headers ...string) *net.TCPConn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", app.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // The test may have done so.
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("a connection is a %T", conn)
	}
	if err := tcp.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := `{"connectionId":"` + connection + `"}`
	frame := append([]byte{0, 0, 0, 0, byte(len(body))}, body...)
	headers = append(headers, "Host: "+app.HTTPAddr().String(), "Authorization: Bearer "+token,
		"Content-Type: application/connect+json", fmt.Sprint("Content-Length: ", len(frame)))
	_, err = fmt.Fprintf(conn, "POST /todoku.v1.NotificationService/FeedNotification HTTP/1.1\r\n%s\r\n\r\n%s", strings.Join(headers, "\r\n"), frame)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("the stream began with %q, %v", line, err)
	}
	return tcp
}

// TestAPageHasTheSameDisconnectCausesAsADesktop has pages leave in every way that the
// venue distinguishes.
func TestAPageHasTheSameDisconnectCausesAsADesktop(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	ca := newAuthority(t)
	secure := serve(t, func(config *server.Config) { config.TLSCert, config.TLSKey = ca.files("web") })
	bare := func(leave func(*net.TCPConn) error, headers ...string) func(*testing.T, *page, string) {
		return func(t *testing.T, p *page, connection string) {
			t.Helper()
			conn := bareFeed(t, app, p.token, connection, headers...)
			if err := leave(conn); err != nil {
				t.Fatal(err)
			}
		}
	}
	for want, leave := range map[string]func(*testing.T, *page, string){
		"CLIENT_CLOSED": bare((*net.TCPConn).CloseWrite),
		"CONNECTION_RESET": bare(func(conn *net.TCPConn) error {
			if err := conn.SetLinger(0); err != nil {
				return err
			}
			return conn.Close()
		}),
		// Nobody but a proxy, or a page's library, sets one on a stream.
		"DEADLINE": bare(func(*net.TCPConn) error { return nil }, "Connect-Timeout-Ms: 500"),
		"CLIENT_CANCELED": func(t *testing.T, p *page, connection string) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			feed, err := p.notifications.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: connection})
			if err != nil {
				t.Fatal(err)
			}
			if !feed.Receive() {
				t.Fatal(feed.Err())
			}
			cancel() // Of the one stream: HTTP/2 keeps the connection.
			_ = feed.Close()
		},
	} {
		t.Run(want, func(t *testing.T) {
			browser, base := http.DefaultClient, "http://"+app.HTTPAddr().String()
			if want == "CLIENT_CANCELED" {
				transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: ca.client("")}
				defer transport.CloseIdleConnections()
				browser, base = &http.Client{Transport: transport}, "https://"+secure.HTTPAddr().String()
			}
			p, admin := openPage(browser, base), openPage(browser, base)
			connection := p.signIn(t).GetConnectionId()
			leave(t, p, connection)
			admin.signInAs(t, "admin")
			var info *todokuv1.ConnectionInfo
			wantEventually(t, func() bool {
				reply, err := admin.admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{ConnectionId: connection, Ended: 1})
				if err != nil {
					t.Fatal(err)
				}
				if all := reply.GetConnections(); len(all) == 1 {
					info = all[0]
				}
				return info.GetEndTime() != nil
			}, "the end is recorded")
			if info.GetEndReason() != "DISCONNECTED" || info.GetEndCause() != want {
				t.Errorf("it ended %s, %s; want DISCONNECTED, %s", info.GetEndReason(), info.GetEndCause(), want)
			}
		})
	}
}

// TestATraceContinuesThroughTheBrowsersProtocols places an order by a page, under the page's
// own traceparent, and receives its report on the page's stream.
func TestATraceContinuesThroughTheBrowsersProtocols(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	app := serve(t, func(c *server.Config) { c.Tracing = provider })
	p := openPage(http.DefaultClient, "http://"+app.HTTPAddr().String())
	login := p.signIn(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	feed, err := p.notifications.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: login.GetConnectionId()})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close() //nolint:errcheck // The test is over.
	live := func(m *todokuv1.Message) bool { return m.GetSnapshotEnd() != nil }
	for feed.Receive() && !slices.ContainsFunc(feed.Msg().GetMessages(), live) {
	}
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	p.header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	if _, err := p.orders.PlaceOrder(ctx, apptest.Limit("followed", "USDJPY", todokuv1.Side_SIDE_BUY, "10", "150")); err != nil {
		t.Fatal(err)
	}
	want := []string{"engine.commit", "engine.submit", "feed.publish", "push.deliver", "todoku.v1.OrderService/PlaceOrder"}
	var names []string
	defer func() {
		if t.Failed() {
			t.Logf("ended: %q", names)
		}
	}()
	wantEventually(t, func() bool {
		names = names[:0]
		for _, span := range recorder.Ended() {
			if span.SpanContext().TraceID().String() == traceID {
				names = append(names, span.Name())
			}
		}
		slices.Sort(names)
		return slices.Equal(names, want)
	}, "the spans of the page's order")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+app.HTTPAddr().String()+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	counted := `todoku_call_duration_seconds_count{code="OK",method="PlaceOrder"} 1`
	if text, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(text), counted) {
		t.Errorf("%s is not among the metrics, %v", counted, err)
	}
}
