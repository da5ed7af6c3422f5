package rpc

import (
	"testing"

	todokuv1 "todoku/gen/todoku/v1"
)

func TestAnEndedOrderThatIsNamedByItsOrderIDIsTooLate(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	cancel := func(c *client, request, order string) error {
		_, err := v.orders.CancelOrder(c.ctx, &todokuv1.CancelOrderRequest{ClientOrderId: request, OrderId: order})
		return err
	}
	canceled := alice.place("a-1", todokuv1.Side_SIDE_BUY, "1", "150").GetOrderId()
	must(t, cancel(alice, "c-1", canceled))
	fails(t, cancel(alice, "c-2", canceled), "TOO_LATE")
	_, err := v.orders.ReplaceOrder(alice.ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: "r-1", OrderId: canceled, Quantity: "2"})
	fails(t, err, "TOO_LATE")
	filled := alice.place("a-2", todokuv1.Side_SIDE_BUY, "1", "150").GetOrderId()
	bob.place("b-1", todokuv1.Side_SIDE_SELL, "1", "150")
	fails(t, cancel(alice, "c-3", filled), "TOO_LATE")
	fails(t, cancel(bob, "c-4", filled), "UNKNOWN_ORDER") // It is not his.
	fails(t, cancel(alice, "c-5", "99"), "UNKNOWN_ORDER")
	rejected, err := v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: "a-3", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Quantity: "1", Price: "150",
		SeenBookVersion: new(uint64(99)),
	})
	must(t, err)
	fails(t, cancel(alice, "c-6", rejected.GetAnswer().GetOrderId()), "UNKNOWN_ORDER")
}
