package apptest_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// lateness is how late the events of a run were, in order of size.
type lateness []time.Duration

// at returns the value below which a share of events, in thousandths, lies.
func (l lateness) at(share int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)*share/1000, len(l)-1)]
}

// TestOldStreamsMoveWithoutAnEventLostDuplicatedOrLate gives streams a second to live
// under a steady flow: each stream is replaced by one that opens while the old one still
// delivers. Lateness is compared with the same flow over streams without an age.
func TestOldStreamsMoveWithoutAnEventLostDuplicatedOrLate(t *testing.T) {
	const clients, moves = 24, 200
	still := flow(t, -1, clients, 0, 200)
	moving := flow(t, time.Second, clients, moves, 200)
	t.Logf("streams that live on, %d events: p50 %s, p99 %s, worst %s",
		still.events, still.late.at(500), still.late.at(990), still.late.at(1000))
	t.Logf("streams that live for a second, %d events, %d handovers, %d streams that broke: p50 %s, p99 %s, worst %s",
		moving.events, moving.handovers, moving.broken, moving.late.at(500), moving.late.at(990), moving.late.at(1000))
	// A machine that stands still for longer than a stream's age and grace breaks every
	// stream once. If breaks were the rule, there would be as many breaks as handovers.
	if moving.handovers < moves || moving.broken > int(moving.handovers)/2 {
		t.Errorf("%d handovers, and %d streams that broke before the next was there", moving.handovers, moving.broken)
	}
	// If streams broke before the next one is open, the events in between would be late by
	// a wait, a connect and a replay, once a second.
	if got, bound := moving.late.at(900), 10*still.late.at(900)+100*time.Millisecond; got > bound {
		t.Errorf("a tenth of the events is later than %s, more than %s", got, bound)
	}
}

// flowed is the result of a flow.
type flowed struct {
	events    int
	late      lateness
	handovers uint64
	broken    int // Streams that ended before the next was there.
}

// flow sends announcements to clients of a venue whose streams live for age, until there
// were enough handovers and events. A lost or duplicated one fails the test.
func flow(t *testing.T, age time.Duration, clients int, handovers uint64, events int) (f flowed) {
	t.Helper()
	app := serve(t, func(c *server.Config) {
		c.Push.StreamAge, c.Push.HeartbeatInterval, c.Push.ReconnectGrace = age, 500*time.Millisecond, 2*time.Second
		c.Limits.AttachesPerUser.PerSecond, c.Limits.AttachesPerNetwork.PerSecond = -1, -1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	alice := app.Client("alice")
	var mu sync.Mutex // protects f
	var following, ready sync.WaitGroup
	feeds := make([]*client.Feed, clients)
	for i := range feeds {
		reply, err := alice.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
		if err != nil {
			t.Fatal(err)
		}
		feeds[i] = alice.NewFeed(client.FeedOptions{ConnectionID: reply.GetConnectionId(), OnEnd: func(e client.End) {
			if e.By != client.EnderUser && !e.Succeeded && e.Attach != 0 {
				mu.Lock()
				defer mu.Unlock()
				f.broken++
			}
		}})
		ready.Add(1)
		following.Go(func() {
			late := count(ctx, t, feeds[i], ready.Done)
			mu.Lock()
			defer mu.Unlock()
			f.late = append(f.late, late...)
		})
	}
	moved := func() (n uint64) {
		for _, feed := range feeds {
			n += feed.Status().Handovers
		}
		return n
	}
	ready.Wait()
	f.events = announce(ctx, t, app, func(said int) bool { return said >= events && moved() >= handovers })
	following.Wait()
	f.handovers = moved()
	slices.Sort(f.late)
	app.Shutdown()
	return f
}

// enough is the text of the last announcement.
const enough = "enough"

// announce announces the numbers from 0, at most a hundred a second, until stop returns
// true, and then enough. It returns how many numbers.
func announce(ctx context.Context, t *testing.T, app *apptest.App, stop func(said int) bool) (said int) {
	t.Helper()
	admin := app.Client("admin")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for last := false; !last; said++ {
		<-tick.C
		request := &todokuv1.AnnounceRequest{RequestId: client.NewRequestID(), Text: strconv.Itoa(said)}
		if last = stop(said); last {
			request.Text = enough
		}
		if _, err := admin.Admin().Announce(ctx, request); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

// count follows a feed until enough, checks that the numbers from 0 arrive once each and in
// order, and returns how late each was. It calls ready when the stream is live.
func count(ctx context.Context, t *testing.T, f *client.Feed, ready func()) (late lateness) {
	t.Helper()
	live := sync.OnceFunc(ready)
	defer live()
	for u, err := range f.Updates(ctx) {
		if err != nil {
			t.Errorf("after %d: %v", len(late), err)
			return late
		}
		switch body := u.Message.GetBody().(type) {
		case *todokuv1.Message_SnapshotEnd:
			live()
		case *todokuv1.Message_Announcement:
			got := body.Announcement.GetText()
			if got == enough {
				return late
			}
			if got != strconv.Itoa(len(late)) {
				t.Errorf("received %s, want %d", got, len(late))
				return late
			}
			late = append(late, time.Since(u.Message.GetTime().AsTime()))
		}
	}
	return late
}
