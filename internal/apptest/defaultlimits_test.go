package apptest_test

import (
	"strconv"
	"testing"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// TestAccountsHaveLimitsThatNobodySet fills the allowances of a venue without settings: one
// full batch is within them, and the order after it is not.
func TestAccountsHaveLimitsThatNobodySet(t *testing.T) {
	t.Parallel()
	now := time.Now() // Stands still, so that a slow machine sends as many a second.
	app := serve(t, func(c *server.Config) {
		c.DefaultLimits, c.Clock = server.DefaultLimits{}, func() time.Time { return now }
	})
	alice := app.SignIn("alice")
	placeMany(t, alice, "a", 1000)
	reply, err := alice.Orders.PlaceOrders(t.Context(), &todokuv1.PlaceOrdersRequest{
		Orders: []*todokuv1.PlaceOrderRequest{apptest.Limit("one-more", "USDJPY", buy, "1", "100")},
	})
	if got := reply.GetAnswers()[0].GetReason().GetName(); err != nil || got != "RATE_LIMIT" {
		t.Errorf("the order after a full batch: %v, %v", reply, err)
	}

	app = serve(t, func(c *server.Config) { c.DefaultLimits = server.DefaultLimits{Messages: -1} })
	bob := app.SignIn("bob")
	for batch := range 10 {
		placeMany(t, bob, "b"+strconv.Itoa(batch)+"-", 1000)
	}
	answer, err := bob.Orders.PlaceOrder(t.Context(), apptest.Limit("one-more", "USDJPY", buy, "1", "100"))
	if got := answer.GetAnswer().GetReason().GetName(); err != nil || got != "OPEN_ORDERS_LIMIT" {
		t.Errorf("order 10,001: %v, %v", answer, err)
	}
}
