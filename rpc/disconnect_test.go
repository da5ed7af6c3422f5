package rpc

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// TestASessionWithoutAStreamLosesItsOwnDayOrders waits 5 s, the shortest time that
// cancel-on-disconnect has.
func TestASessionWithoutAStreamLosesItsOwnDayOrders(t *testing.T) {
	t.Parallel()
	v := open(t)
	alice := v.signIn("alice")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	login, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{
		User: "alice", Password: password, ClientName: "never attaches", CancelOnDisconnect: durationpb.New(5 * time.Second),
	})
	must(t, err)
	absent := &client{v, bearing(t.Context(), login.GetTokens().GetAccessToken()), login, login.GetConnectionId()}

	alice.place("others", todokuv1.Side_SIDE_BUY, "1", "149")
	lost := map[string]bool{absent.place("one", todokuv1.Side_SIDE_BUY, "1", "150").GetOrderId(): true}
	_, err = v.orders.PlaceOrder(absent.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: "gtc", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Quantity: "1", Price: "150",
		TimeInForce: todokuv1.TimeInForce_TIME_IN_FORCE_GTC,
	})
	must(t, err)
	batch, err := v.orders.PlaceOrders(absent.ctx, &todokuv1.PlaceOrdersRequest{Orders: []*todokuv1.PlaceOrderRequest{
		{ClientOrderId: "batch", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Quantity: "1", Price: "150"},
	}})
	must(t, err)
	lost[batch.GetAnswers()[0].GetOrderId()] = true
	for range 2 {
		m := s.until("a cancel", func(m *todokuv1.Message) bool {
			return m.GetExecutionReport().GetExecType() == todokuv1.ExecType_EXEC_TYPE_CANCELED
		}).GetExecutionReport()
		if id := m.GetOrder().GetOrderId(); !lost[id] || m.GetReason().GetName() != "DISCONNECTED" {
			t.Errorf("canceled %v", m)
		}
	}
	working, err := v.orders.ListOrders(alice.ctx, &todokuv1.ListOrdersRequest{WorkingOnly: true})
	must(t, err)
	if len(working.GetOrders()) != 2 {
		t.Errorf("work: %v", working.GetOrders())
	}
}
