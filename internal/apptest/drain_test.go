package apptest_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// TestADrainUnderLoadLosesNothing stops a venue's process in order while a thousand streams
// and events are under way, and starts it again. No other node serves the streams. The
// announcing client repeats requests without an answer.
func TestADrainUnderLoadLosesNothing(t *testing.T) {
	const users = 20
	streams := 50 // Of each.
	if raceEnabled {
		streams = 10 // As many as a core has time for then; "make test" runs it whole too.
	}
	dir := t.TempDir()
	people := apptest.Users()
	for i := range users {
		id := fmt.Sprintf("user-%d", i)
		people = append(people, trade.User{
			ID: trade.UserID(id), DisplayName: id, Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(id)},
		})
	}
	if err := apptest.Seed(t.Context(), dir, people, apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	process := apptest.Launch(t, dir)
	process.Start()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	var following, ready sync.WaitGroup
	var resumed, shutdowns atomic.Int64
	for i := range users {
		c := apptest.Client(t, process.Address, fmt.Sprintf("user-%d", i))
		for range streams {
			reply, err := c.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
			if err != nil {
				t.Fatal(err)
			}
			f := c.NewFeed(client.FeedOptions{ConnectionID: reply.GetConnectionId(), OnEnd: func(e client.End) {
				if e.Reason == client.ReasonShutdown && e.Attach != 0 {
					shutdowns.Add(1)
				}
			}})
			ready.Add(1)
			following.Go(func() {
				count(ctx, t, f, ready.Done)
				if f.Status().Streams > 1 {
					resumed.Add(1)
				}
			})
		}
	}
	ready.Wait()

	var restarted atomic.Bool
	admin := apptest.Client(t, process.Address, "admin")
	said := make(chan int, 1)
	go func() { said <- insist(ctx, t, admin, func(n int) bool { return n >= 60 && restarted.Load() }) }()
	process.Stop()
	process.Start()
	restarted.Store(true)
	events := <-said
	following.Wait()
	t.Logf("%d streams, %d events; %d streams were ended with the reason", users*streams, events, shutdowns.Load())
	if n := resumed.Load(); n != int64(users*streams) {
		t.Errorf("%d of %d streams resumed", n, users*streams)
	}
}

// insist announces the numbers from 0, twenty a second, repeats each until it is answered,
// and ends with enough when stop is closed. It returns how many numbers.
func insist(ctx context.Context, t *testing.T, admin *client.Client, stop func(said int) bool) (said int) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for last := false; !last; said++ {
		request := &todokuv1.AnnounceRequest{RequestId: client.NewRequestID(), Text: strconv.Itoa(said)}
		if last = stop(said); last {
			request.Text = enough
		}
		for {
			<-tick.C
			_, err := admin.Admin().Announce(ctx, request)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Errorf("announcing %d: %v", said, err)
				return said
			}
		}
	}
	return said
}
