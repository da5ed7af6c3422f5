package apptest_test

import (
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// TestAClientOrderIDSentAgainMakesNoSecondOrder sends a request 50 times at
// once over several connections, kills the venue, and sends it 50 times again: one
// order, one answer. A different request under the same id is refused, also after the kill.
func TestAClientOrderIDSentAgainMakesNoSecondOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	venue := apptest.Launch(t, dir)
	venue.SnapshotEvery = 10 // The second start then restores the answer from a snapshot.
	var desktops []*apptest.Desktop
	sendAll := func(order *todokuv1.PlaceOrderRequest) string {
		t.Helper()
		answers := make([]string, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				reply, err := desktops[i%len(desktops)].Orders.PlaceOrder(t.Context(), order)
				if err != nil {
					t.Errorf("attempt %d: %v", i, err)
				}
				answers[i] = reply.GetAnswer().String()
			})
		}
		all.Wait()
		for i, answer := range answers {
			if answer != answers[0] {
				t.Fatalf("attempt %d was answered\n%s, the first\n%s", i, answer, answers[0])
			}
		}
		return answers[0]
	}
	accepted := apptest.Limit("one", "USDJPY", buy, "5", "150")
	rejected := apptest.Limit("two", "EURUSD", buy, "1000", "2.5") // Outside the band: an answer as well.
	other := apptest.Limit("one", "USDJPY", buy, "6", "150")
	before := map[string]string{}
	for range 3 {
		venue.Start()
		desktops = desktops[:0]
		for range 4 {
			d := apptest.NewDesktop(t, venue.Address)
			d.SignIn("alice")
			desktops = append(desktops, d)
		}
		for _, order := range []*todokuv1.PlaceOrderRequest{accepted, rejected} {
			answer := sendAll(order)
			if was, again := before[order.GetClientOrderId()]; again && was != answer {
				t.Errorf("after a restart the answer is\n%s, was\n%s", answer, was)
			}
			before[order.GetClientOrderId()] = answer
		}
		_, err := desktops[0].Orders.PlaceOrder(t.Context(), other)
		wantRefusal(t, err, codes.AlreadyExists, "REQUEST_REUSED", "client_order_id")
		_, err = desktops[0].Orders.CancelOrder(t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "one", OrigClientOrderId: "one"})
		wantRefusal(t, err, codes.AlreadyExists, "REQUEST_REUSED", "client_order_id")
		for i := range 20 { // Past a snapshot.
			desktops[1].Place(apptest.Limit("fill"+string(rune('a'+i)), "USDJPY", sell, "1", "160"))
		}
		venue.Kill()
	}
	reports := map[trade.RequestID]int{}
	eachReport(t, dir, func(_ *trade.Record, _ int, e *trade.ExecutionReport) { reports[e.Order.ClientOrderID]++ })
	if reports["one"] != 1 || reports["two"] != 1 {
		t.Errorf("the journal has %d reports of the one order and %d of the other, want one each", reports["one"], reports["two"])
	}
}

// TestTheSameIDOfTwoAccountsMakesTwoOrders shows how far an id reaches.
func TestTheSameIDOfTwoAccountsMakesTwoOrders(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	first := app.SignIn("alice").Place(apptest.Limit("same", "USDJPY", buy, "1", "150"))
	second := app.SignIn("bob").Place(apptest.Limit("same", "USDJPY", buy, "1", "150"))
	if first.GetOrderId() == second.GetOrderId() {
		t.Errorf("two accounts share order %s", first.GetOrderId())
	}
}
