package apptest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// acknowledged records the answers and pushed reports that clients of a crash test received.
type acknowledged struct {
	mu      sync.Mutex
	answers map[string]*todokuv1.OrderAnswer // by account/client_order_id
	seen    map[string]map[string]int        // by user, by execution id, how often
	faults  []string
	// progress carries a token per acknowledged order while somebody counts.
	progress chan struct{}
}

func (a *acknowledged) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// TestKilledAtRandomMomentsLosesNothingAcknowledged kills a real venue again and
// again under clients that retry, and then compares their answers with the journal: every
// acknowledged order is there once, none is there in part, and every watcher has seen every
// event that concerns it exactly once.
func TestKilledAtRandomMomentsLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("TODOKU_SOAK") != "" {
		kills = 1000
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TODOKU_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("TODOKU_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 1))

	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	venue := apptest.Launch(t, dir)
	venue.Start()

	received := &acknowledged{answers: map[string]*todokuv1.OrderAnswer{}, seen: map[string]map[string]int{}, progress: make(chan struct{})}
	trading, stopTrading := context.WithCancel(t.Context())
	watching, stopWatching := context.WithCancel(t.Context())
	var traders, watchers sync.WaitGroup
	reached := make(map[string]chan uint64)
	users := []string{"alice", "bob", "carol"}
	for _, user := range users {
		c := apptest.Client(t, venue.Address, user)
		received.seen[user] = map[string]int{}
		reached[user] = make(chan uint64, 1)
		watchers.Go(func() { received.watch(watching, c, user, reached[user]) })
	}
	for i := range 8 {
		c := apptest.Client(t, venue.Address, users[i%len(users)])
		own := rand.New(rand.NewPCG(seed, uint64(i)+2))
		traders.Go(func() { received.trade(trading, c, users[i%len(users)], i, own) })
	}
	for range kills {
		received.await(t, 1+random.IntN(60))
		venue.Kill()
		venue.Start()
	}
	received.await(t, 10)
	stopTrading()
	traders.Wait()

	head := received.verifyJournal(t, dir)
	for _, user := range users {
		awaitSequence(t, user, reached[user], head[user])
	}
	stopWatching()
	watchers.Wait()
	received.verifyWatchers(t, dir)
	for _, f := range received.faults {
		t.Error(f)
	}
	t.Logf("%d orders acknowledged over %d kills", len(received.answers), kills)
	if len(received.answers) < kills {
		t.Errorf("only %d orders were acknowledged: too few to test anything", len(received.answers))
	}
	venue.Stop()
}

// await waits until so many more orders were acknowledged: a kill then comes in
// the middle of the others, which is a random moment of the venue's work.
func (a *acknowledged) await(t *testing.T, more int) {
	t.Helper()
	deadline := time.NewTimer(apptest.Patience)
	defer deadline.Stop()
	for range more {
		select {
		case <-a.progress:
		case <-deadline.C:
			t.Fatalf("no order was acknowledged for %s", apptest.Patience)
		}
	}
}

// trade places orders until ctx ends, each again and again under the same id until
// it is answered, and once more afterwards: the answer must be the same.
func (a *acknowledged) trade(ctx context.Context, c *client.Client, user string, number int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		side := todokuv1.Side(1 + random.IntN(2))
		request := apptest.Limit(fmt.Sprintf("c%d-%d", number, n), "USDJPY", side, strconv.Itoa(1+random.IntN(50)), fmt.Sprintf("%d.%03d", 150+random.IntN(2), random.IntN(20)))
		request.TimeInForce = todokuv1.TimeInForce(1 + random.IntN(2))
		first := a.place(ctx, c, request)
		if first == nil {
			return
		}
		if again := a.place(ctx, c, request); again != nil && again.String() != first.String() {
			a.fault("%s: answered %v, then %v", request.GetClientOrderId(), first, again)
		}
		a.mu.Lock()
		a.answers[user+"/"+request.GetClientOrderId()] = first
		a.mu.Unlock()
		select {
		case a.progress <- struct{}{}:
		default: // Nobody is counting.
		}
	}
}

// place repeats a request until there is an answer or ctx ends. It accepts only errors that
// a crash explains.
func (a *acknowledged) place(ctx context.Context, c *client.Client, request *todokuv1.PlaceOrderRequest) *todokuv1.OrderAnswer {
	for ctx.Err() == nil {
		// A deadline of its own, so that the end of the test does not cut an order
		// short whose answer would then be unknown.
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		reply, err := c.Orders().PlaceOrder(call, request)
		cancel()
		if err == nil {
			return reply.GetAnswer()
		}
		switch code := status.Code(err); code { //nolint:exhaustive // All others are faults.
		case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Canceled:
		default:
			a.fault("%s: %v", request.GetClientOrderId(), err)
			return nil
		}
	}
	return nil
}

// watch follows the feed and counts the execution reports.
func (a *acknowledged) watch(ctx context.Context, c *client.Client, user string, reached chan uint64) {
	for update, err := range c.Feed(ctx, client.FeedOptions{}) {
		if err != nil {
			if ctx.Err() == nil {
				a.fault("%s: feed ended: %v", user, err)
			}
			return
		}
		if update.Message.GetReset_() != nil {
			a.fault("%s: reset: %v", user, update.Message)
		}
		if report := update.Message.GetExecutionReport(); report != nil {
			a.mu.Lock()
			a.seen[user][report.GetExecutionId()]++
			a.mu.Unlock()
			select {
			case <-reached:
			default:
			}
			reached <- update.Message.GetSequence()
		}
	}
}

func awaitSequence(t *testing.T, user string, reached chan uint64, want uint64) {
	t.Helper()
	deadline := time.NewTimer(apptest.Patience)
	defer deadline.Stop()
	for got := uint64(0); got < want; {
		select {
		case got = <-reached:
		case <-deadline.C:
			t.Fatalf("%s has not seen record %d: nothing came for %s after %d", user, want, apptest.Patience, got)
		}
	}
}

// verifyJournal compares the answers with the journal and returns the last record
// that concerns each account.
func (a *acknowledged) verifyJournal(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	orders := map[string]int{}
	head := map[string]uint64{}
	eachReport(t, dir, func(r *trade.Record, _ int, e *trade.ExecutionReport) {
		head[string(e.Order.Account)] = r.Sequence
		key := string(e.Order.Account) + "/" + string(e.Order.ClientOrderID)
		if e.Type == trade.ExecTypeNew || e.Type == trade.ExecTypeRejected {
			orders[key]++
			if answer := a.answers[key]; answer != nil && answer.GetOrderId() != strconv.FormatUint(uint64(e.Order.ID), 10) {
				t.Errorf("%s was acknowledged as order %s and journaled as %d", key, answer.GetOrderId(), e.Order.ID)
			}
		}
	})
	for key := range a.answers {
		if orders[key] != 1 {
			t.Errorf("%s was acknowledged and is in the journal %d times", key, orders[key])
		}
	}
	for key, n := range orders {
		if n != 1 {
			t.Errorf("%s is in the journal %d times", key, n)
		}
	}
	return head
}

// verifyWatchers compares pushed reports with the journal.
func (a *acknowledged) verifyWatchers(t *testing.T, dir string) {
	t.Helper()
	want := map[string]map[string]int{}
	for user := range a.seen {
		want[user] = map[string]int{}
	}
	eachReport(t, dir, func(r *trade.Record, index int, e *trade.ExecutionReport) {
		if of := want[string(e.Order.Account)]; of != nil {
			of[fmt.Sprintf("%d-%d", r.Sequence, index)] = 1
		}
	})
	for user, seen := range a.seen {
		if maps.Equal(seen, want[user]) {
			continue
		}
		for id, n := range seen {
			if want[user][id] != n {
				t.Errorf("%s saw report %s %d times, the journal has it %d times", user, id, n, want[user][id])
			}
		}
		for id := range want[user] {
			if seen[id] == 0 {
				t.Errorf("%s never saw report %s", user, id)
			}
		}
	}
}

// eachReport visits the execution reports of the journal while the venue runs.
func eachReport(t *testing.T, dir string, visit func(*trade.Record, int, *trade.ExecutionReport)) {
	t.Helper()
	apptest.EachRecord(t, dir, func(r *trade.Record) {
		for index, e := range r.Events {
			if report, ok := e.(*trade.ExecutionReport); ok {
				visit(r, index, report)
			}
		}
	})
}
