package apptest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"todoku/account"
	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/journal"
	"todoku/server"
)

// Days on which disks are full, servers stop, and clients do not behave.

// TestAFullDiskStopsAcknowledgingAndNothingElse fills a journal whose size is
// limited: commands are refused with a reason, the venue is not ready, queries and streams
// go on, and after a restart with more room everything acknowledged is there.
func TestAFullDiskStopsAcknowledgingAndNothingElse(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) {
		c.MaxJournalBytes, c.Push.HeartbeatInterval = 160<<10, 100*time.Millisecond
	})
	alice := app.SignIn("alice")
	s := alice.Attach(&request{InstanceId: "one"})
	s.Snapshot()
	if code, body := app.HTTP("/readyz"); code != http.StatusOK {
		t.Fatalf("/readyz before: %d %s", code, body)
	}
	acknowledged, err := fill(t, alice)
	wantRefusal(t, err, codes.Unavailable, "NOT_DURABLE", "")
	if len(acknowledged) < 20 {
		t.Fatalf("only %d orders were acknowledged", len(acknowledged))
	}
	last := acknowledged[len(acknowledged)-1]
	_, err = alice.Orders.CancelOrder(t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "c", OrderId: last.GetOrderId()})
	wantRefusal(t, err, codes.Unavailable, "NOT_DURABLE", "")

	if code, body := app.HTTP("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, `"why"`) {
		t.Errorf("/readyz with a full disk: %d %s", code, body)
	}
	if _, body := app.HTTP("/metrics"); !strings.Contains(body, "todoku_accepting_commands 0") {
		t.Error("metrics do not say that no commands are accepted")
	}
	if _, body := app.HTTP("/status"); !strings.Contains(body, "No commands are taken") {
		t.Error("the status page does not say that no commands are taken")
	}
	for _, path := range []string{"/readyz", "/status"} {
		if _, body := app.HTTP(path); strings.Contains(body, "full") || !strings.Contains(body, "cannot be made durable") {
			t.Errorf("%s has the error of the system: %s", path, body)
		}
	}
	if code, _ := app.HTTP("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz says %d: a restart would mend nothing", code)
	}
	listed, err := alice.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{WorkingOnly: true, PageSize: 1000, WaitFor: last.GetCursor()})
	if err != nil || len(listed.GetOrders()) != len(acknowledged) {
		t.Errorf("%d orders are listed (%v), %d were acknowledged", len(listed.GetOrders()), err, len(acknowledged))
	}
	for _, a := range acknowledged[:len(acknowledged)/2] {
		s.Report(a.GetClientOrderId(), execNew)
	}
	s.Await("a heartbeat", func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil })
	cursor, seen := s.Cursor, sequenceOf(t, s.Cursor)
	app.SignIn("bob").Attach(&request{Subscription: everything()}).Snapshot() // Signing in works as well.
	// The last snapshot has no room either; it would only have made the next start
	// quicker.
	if err := app.End(); err != nil && !errors.Is(err, journal.ErrFull) {
		t.Errorf("stopped with %v", err)
	}

	config := apptest.Config(app.Data())
	app = apptest.Serve(t, config)
	again := app.Desktop()
	again.Token, again.Connection = alice.Token, alice.Connection
	s = again.Attach(&request{InstanceId: "one", ResumeAfter: cursor})
	if s.Hello.GetStart() != todokuv1.Hello_START_REPLAY {
		t.Errorf("resumed with %v", s.Hello.GetStart())
	}
	again.Place(apptest.Limit("after", "USDJPY", buy, "1", "150"))
	var got []string
	s.Await("the order after", func(m *todokuv1.Message) bool {
		if o := m.GetExecutionReport().GetOrder(); o != nil {
			got = append(got, o.GetOrderId())
		}
		return m.GetExecutionReport().GetOrder().GetClientOrderId() == "after"
	})
	var want []string
	for _, a := range acknowledged {
		if a.GetSequence() > seen {
			want = append(want, a.GetOrderId())
		}
	}
	if strings.Join(got[:len(got)-1], " ") != strings.Join(want, " ") {
		t.Errorf("resumed with orders %v, want %v", got, want)
	}
}

// TestOneDirectoryHasOneServer covers a second server and offline administration
// beside a running one.
func TestOneDirectoryHasOneServer(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	s, err := server.New(t.Context(), apptest.Config(app.Data()))
	if !errors.Is(err, journal.ErrInUse) || !strings.Contains(err.Error(), app.Data()) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second server: %v, %v; want words that name process and directory", s, err)
	}
	offline, err := server.OpenOffline(t.Context(), app.Data(), account.Config{Hash: apptest.CheapHash()})
	if !errors.Is(err, journal.ErrInUse) {
		t.Errorf("offline while a server runs: %v, %v", offline, err)
	}
	app.SignIn("alice").Place(apptest.Limit("a", "USDJPY", buy, "1", "150")) // It was not disturbed.
	app.Shutdown()
	if err := apptest.Seed(t.Context(), app.Data(), nil, nil); err != nil {
		t.Errorf("offline after the server: %v", err)
	}
}

// TestDataOfANewerVersionIsRefusedWithAReason covers each of the three files, and that
// refusing gives the directory back.
func TestDataOfANewerVersionIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	config := apptest.Config(t.TempDir())
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), nil); err != nil {
		t.Fatal(err)
	}
	apptest.Serve(t, config).Shutdown() // Makes the history.
	version := func(file string, change func(int) int) {
		t.Helper()
		db, err := sql.Open("sqlite", filepath.Join(config.Data, file))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // The next opening would show it.
		var now int
		if err := db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&now); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA user_version = %d", change(now))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"journal.db", "accounts.db", "history.db"} {
		version(file, func(v int) int { return v + 900 })
		_, err := server.New(t.Context(), config)
		if !errors.Is(err, journal.ErrNewerVersion) || !strings.Contains(err.Error(), file) {
			t.Errorf("a newer %s is answered %v", file, err)
		}
		version(file, func(v int) int { return v - 900 })
	}
	apptest.Serve(t, config).SignIn("alice")
}

// TestSessionsSurviveARestart stops a real process in good order under
// streams, twice, and starts it again: the client's feed comes back by itself and
// has seen every event once; tokens and connections are still good.
func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	venue := apptest.Launch(t, dir)
	venue.Start()
	c := apptest.Client(t, venue.Address, "alice")
	raw := apptest.NewDesktop(t, venue.Address)
	raw.SignIn("bob")
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan string, 1000)
	var feed sync.WaitGroup
	feed.Go(func() {
		for update, err := range c.Feed(ctx, client.FeedOptions{}) {
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("feed ended: %v", err)
				}
				return
			}
			if update.Message.GetReset_() != nil {
				t.Errorf("reset: %v", update.Message)
			}
			if o := update.Message.GetExecutionReport().GetOrder(); o != nil {
				seen <- o.GetClientOrderId()
			}
			if update.Message.GetSnapshotEnd() != nil {
				seen <- "ready"
			}
		}
	})
	awaitSeen(t, seen, "ready")
	want := 0
	place := func(n int) {
		t.Helper()
		for range n {
			order := apptest.Limit(strconv.Itoa(want), "USDJPY", buy, "1", "150")
			// The client repeats a call three times; a start may take longer.
			wantEventually(t, func() bool {
				_, err := c.Orders().PlaceOrder(t.Context(), order)
				if err != nil && !client.Unreachable(err) && client.Reason(err) != "SHUTDOWN" {
					t.Fatalf("order %d: %v", want, err)
				}
				return err == nil
			}, "an order is taken")
			want++
		}
	}
	place(5)
	for range 2 {
		venue.Stop()
		venue.Start()
		place(5)
	}
	for i := range want {
		awaitSeen(t, seen, strconv.Itoa(i))
	}
	stop()
	feed.Wait()

	// The access token from before, its connection, and the refresh token.
	raw.Attach(&request{}).Snapshot()
	if _, err := raw.Sessions.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: raw.Refresh}); err != nil {
		t.Errorf("the refresh token from before the restart: %v", err)
	}
}

// awaitSeen takes the next thing that was seen, which must be this one.
func awaitSeen(t *testing.T, seen chan string, want string) {
	t.Helper()
	timer := time.NewTimer(apptest.Patience)
	defer timer.Stop()
	select {
	case got := <-seen:
		if got != want {
			t.Fatalf("saw %s, want %s", got, want)
		}
	case <-timer.C:
		t.Fatalf("nothing was seen for %s, want %s", apptest.Patience, want)
	}
}

// TestAStopWithoutStreamsOrAskedForTwiceDoesNotDrain uses a drain that is
// longer than any test: a stop that waits for it does not end.
func TestAStopWithoutStreamsOrAskedForTwiceDoesNotDrain(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Drain = time.Hour })
	app.SignIn("alice")
	app.Shutdown()

	config := apptest.Config(app.Data())
	config.Drain = time.Hour
	app = apptest.Serve(t, config)
	s := app.SignIn("bob").Attach(&request{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		app.Shutdown()
	}()
	wantEventually(t, func() bool { return !app.Ready() }, "the first signal is noticed")
	app.Stop()
	wantEnd(t, s, codes.Unavailable, "SHUTDOWN")
	<-stopped
}

// TestAClientThatNeverReadsDoesNotDelayAStop leaves a stream with a send that is
// stuck for good, and a connection on which nobody reads.
func TestAClientThatNeverReadsDoesNotDelayAStop(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Push.SendTimeout = time.Hour })
	slow := app.Desktop(grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	slow.SignIn("carol")
	slow.Attach(&request{})
	admin := app.SignIn("admin")
	for range 300 {
		admin.Announce(strings.Repeat("x", 1000))
	}
	app.Shutdown()
}
