package rpc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

func TestAnOrderIsAnsweredPushedAndFound(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	sold := bob.place("b-1", todokuv1.Side_SIDE_SELL, "5", "150.5")
	if sold.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_NEW || sold.GetLeavesQuantity() != "5" || sold.GetCursor() != v.cursor(sold.GetSequence()) {
		t.Errorf("answered %v", sold)
	}
	bought := alice.place("a-1", todokuv1.Side_SIDE_BUY, "8", "151")
	if bought.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_PARTIALLY_FILLED || bought.GetFilledQuantity() != "5" || bought.GetLeavesQuantity() != "3" {
		t.Errorf("answered %v", bought)
	}

	// A caller reads its own write at once, from the views and from the history.
	working, err := v.orders.GetOrder(alice.ctx, &todokuv1.GetOrderRequest{ClientOrderId: "a-1", WaitFor: bought.GetCursor()})
	must(t, err)
	finished, err := v.orders.GetOrder(bob.ctx, &todokuv1.GetOrderRequest{OrderId: sold.GetOrderId(), WaitFor: bought.GetCursor()})
	must(t, err)
	if working.GetOrder().GetFilledQuantity() != "5" || finished.GetOrder().GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_FILLED {
		t.Errorf("found %v and %v", working, finished)
	}
	executions, err := v.orders.ListExecutions(alice.ctx, &todokuv1.ListExecutionsRequest{OrderId: bought.GetOrderId(), WaitFor: bought.GetCursor()})
	must(t, err)
	if got := executions.GetExecutions(); len(got) != 2 || got[0].GetExecType() != todokuv1.ExecType_EXEC_TYPE_TRADE || got[0].GetLastPrice() != "150.5" ||
		got[1].GetExecType() != todokuv1.ExecType_EXEC_TYPE_NEW || got[0].GetCounterparty() != "" {
		t.Errorf("executions %v", got)
	}
	positions, err := v.orders.ListPositions(bob.ctx, &todokuv1.ListPositionsRequest{WaitFor: bought.GetCursor()})
	must(t, err)
	if got := positions.GetPositions(); len(got) != 1 || got[0].GetQuantity() != "-5" || got[0].GetCost() != "-752.5" {
		t.Errorf("positions %v", got)
	}
	trades, err := v.market.ListTrades(bob.ctx, &todokuv1.ListTradesRequest{Symbol: "USDJPY", WaitFor: bought.GetCursor()})
	must(t, err)
	if got := trades.GetTrades(); len(got) != 1 || got[0].GetPrice() != "150.5" || got[0].GetAggressor() != todokuv1.Side_SIDE_BUY {
		t.Errorf("trades %v", got)
	}
	book, err := v.market.GetBook(bob.ctx, &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: bought.GetCursor()})
	must(t, err)
	if got := book.GetBids(); len(got) != 1 || got[0].GetQuantity() != "3" || len(book.GetOffers()) != 0 || book.GetLastPrice() != "150.5" {
		t.Errorf("book %v", book)
	}
}

func TestAnotherUsersOrderIsUnknown(t *testing.T) {
	v := open(t)
	alice, bob, rita := v.signIn("alice"), v.signIn("bob"), v.signIn("rita")
	order := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	cancel := func(c *client, account string) error {
		_, err := v.orders.CancelOrder(c.ctx, &todokuv1.CancelOrderRequest{ClientOrderId: "c-1", Account: account, OrderId: order.GetOrderId()})
		return err
	}
	for _, c := range []struct {
		account, reason string
	}{{"", "UNKNOWN_ORDER"}, {"alice", "UNKNOWN_ACCOUNT"}, {"nobody", "UNKNOWN_ACCOUNT"}} {
		_, err := v.orders.GetOrder(bob.ctx, &todokuv1.GetOrderRequest{Account: c.account, OrderId: order.GetOrderId(), WaitFor: order.GetCursor()})
		fails(t, err, c.reason)
		fails(t, cancel(bob, c.account), c.reason)
		_, err = v.orders.ReplaceOrder(bob.ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: "r", Account: c.account, OrderId: order.GetOrderId(), Price: "1"})
		fails(t, err, c.reason)
	}
	for _, account := range []string{"alice", "nobody"} {
		_, err := v.orders.ListOrders(bob.ctx, &todokuv1.ListOrdersRequest{Account: account})
		fails(t, err, "UNKNOWN_ACCOUNT")
		_, err = v.orders.MassCancelOrders(bob.ctx, &todokuv1.MassCancelOrdersRequest{RequestId: "m", Account: account})
		fails(t, err, "UNKNOWN_ACCOUNT")
	}
	// RISK sees and cancels orders of every account.
	seen, err := v.orders.GetOrder(rita.ctx, &todokuv1.GetOrderRequest{Account: "alice", OrderId: order.GetOrderId()})
	must(t, err)
	if seen.GetOrder().GetUser() != "alice" {
		t.Errorf("rita sees %v", seen)
	}
	must(t, cancel(rita, "alice"))
	_, err = v.orders.PlaceOrder(rita.ctx, &todokuv1.PlaceOrderRequest{Account: "alice"})
	fails(t, err, "NOT_PERMITTED")
}

func TestTheSameRequestGetsTheSameAnswer(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	first, again := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150"), alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	if first.GetOrderId() != again.GetOrderId() || first.GetSequence() != again.GetSequence() {
		t.Errorf("answered %v, then %v", first, again)
	}
	_, err := v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: "a-1", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "150", Quantity: "6",
	})
	fails(t, err, "REQUEST_REUSED")
}

func TestMalformedOrdersNameTheirField(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	good := func() *todokuv1.PlaceOrderRequest {
		return &todokuv1.PlaceOrderRequest{ClientOrderId: "x", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "150", Quantity: "5"}
	}
	for _, c := range []struct {
		spoil         func(*todokuv1.PlaceOrderRequest)
		reason, field string
	}{
		{func(r *todokuv1.PlaceOrderRequest) { r.Price = "" }, "BAD_PRICE", "price"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Price = "-1" }, "BAD_PRICE", "price"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Price = "150.001" }, "OFF_TICK", "price"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Quantity = "0" }, "BAD_QUANTITY", "quantity"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Quantity = "1.5" }, "OFF_LOT", "quantity"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Quantity = "1001" }, "QUANTITY_RANGE", "quantity"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Price, r.Quantity = "92233720368", "92233720368" }, "QUANTITY_RANGE", "quantity"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Symbol = "NONE" }, "UNKNOWN_INSTRUMENT", "symbol"},
		{func(r *todokuv1.PlaceOrderRequest) { r.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_GTD }, "BAD_TIME", "expire_time"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Type = todokuv1.OrderType_ORDER_TYPE_MARKET }, "BAD_COMBINATION", "price"},
		{func(r *todokuv1.PlaceOrderRequest) { r.Account = "bob" }, "UNKNOWN_ACCOUNT", "account"},
	} {
		req := good()
		c.spoil(req)
		_, err := v.orders.PlaceOrder(alice.ctx, req)
		if field := fails(t, err, c.reason); field != c.field {
			t.Errorf("%s names %q, want %q", c.reason, field, c.field)
		}
		batch, err := v.orders.PlaceOrders(alice.ctx, &todokuv1.PlaceOrdersRequest{Orders: []*todokuv1.PlaceOrderRequest{req}})
		must(t, err)
		if a := batch.GetAnswers()[0]; a.GetReason().GetName() != c.reason || a.GetField() != "orders[0]."+c.field || a.GetOrderId() != "" || a.GetSequence() != 0 {
			t.Errorf("in a batch, %s is answered %v", c.reason, a)
		}
	}
}

func TestABatchAnswersEachOrderSeparately(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	orders := make([]*todokuv1.PlaceOrderRequest, maxBatch)
	for i := range orders {
		orders[i] = &todokuv1.PlaceOrderRequest{
			ClientOrderId: fmt.Sprint("b-", i), Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "150", Quantity: "1",
		}
	}
	orders[3].Side = 0
	orders[7].Quantity = "1.5"
	orders[9].Account = "bob"
	res, err := v.orders.PlaceOrders(alice.ctx, &todokuv1.PlaceOrdersRequest{Orders: orders})
	must(t, err)
	wrong := map[int]string{3: "orders[3].side", 7: "orders[7].quantity", 9: "orders[9].account"}
	for i, a := range res.GetAnswers() {
		switch {
		case a.GetClientOrderId() != orders[i].GetClientOrderId():
			t.Fatalf("answer %d is for %s", i, a.GetClientOrderId())
		case a.GetField() != wrong[i]:
			t.Errorf("order %d: %v", i, a)
		case wrong[i] == "" && (a.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_NEW || a.GetSequence() == 0):
			t.Errorf("order %d: %v", i, a)
		}
	}
	for _, n := range []int{0, maxBatch + 1} {
		_, err := v.orders.PlaceOrders(alice.ctx, &todokuv1.PlaceOrdersRequest{Orders: make([]*todokuv1.PlaceOrderRequest, n)})
		fails(t, err, "BAD_NUMBER")
	}
}

func TestARefusalByTheMarketIsAnAnswer(t *testing.T) {
	v := open(t)
	alice, rita := v.signIn("alice"), v.signIn("rita")
	_, err := v.admin.SetTradingStatus(rita.ctx, &todokuv1.SetTradingStatusRequest{
		RequestId: "h", Symbol: "USDJPY", Status: todokuv1.TradingStatus_TRADING_STATUS_HALTED,
	})
	must(t, err)
	res, err := v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: "x", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "150", Quantity: "5",
	})
	must(t, err)
	if a := res.GetAnswer(); a.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_REJECTED || a.GetReason().GetName() != "MARKET_HALTED" ||
		a.GetReason().GetCode() != 402 || a.GetReason().GetText() == "" || a.GetSequence() == 0 {
		t.Errorf("answered %v", a)
	}
}

func TestReplaceAndCancelAnswerLikeAnOrder(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	order := alice.place("a-1", todokuv1.Side_SIDE_BUY, "5", "150")
	replaced, err := v.orders.ReplaceOrder(alice.ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: "a-2", OrigClientOrderId: "a-1", Quantity: "3"})
	must(t, err)
	if a := replaced.GetAnswer(); a.GetOrderId() != order.GetOrderId() || a.GetLeavesQuantity() != "3" || a.GetClientOrderId() != "a-2" {
		t.Errorf("replaced: %v", a)
	}
	got, err := v.orders.GetOrder(alice.ctx, &todokuv1.GetOrderRequest{OrderId: order.GetOrderId(), WaitFor: replaced.GetAnswer().GetCursor()})
	must(t, err)
	if got.GetOrder().GetPrice() != "150" {
		t.Errorf("an empty price was not kept: %v", got)
	}
	canceled, err := v.orders.CancelOrder(alice.ctx, &todokuv1.CancelOrderRequest{ClientOrderId: "c-1", OrderId: order.GetOrderId()})
	must(t, err)
	if a := canceled.GetAnswer(); a.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_CANCELED || a.GetLeavesQuantity() != "0" {
		t.Errorf("canceled: %v", a)
	}
	alice.place("a-3", todokuv1.Side_SIDE_BUY, "5", "150")
	alice.place("a-4", todokuv1.Side_SIDE_SELL, "5", "160")
	all, err := v.orders.MassCancelOrders(alice.ctx, &todokuv1.MassCancelOrdersRequest{RequestId: "m", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_SELL})
	must(t, err)
	if all.GetCanceled() != 1 || all.GetCursor() == "" {
		t.Errorf("mass cancel: %v", all)
	}
}

func TestOrdersAreListedInPagesNewestFirst(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	for i := range 5 {
		alice.place(fmt.Sprint("a-", i), todokuv1.Side_SIDE_BUY, "1", "150")
	}
	canceled, err := v.orders.CancelOrder(alice.ctx, &todokuv1.CancelOrderRequest{ClientOrderId: "c", OrigClientOrderId: "a-2"})
	must(t, err)
	for working, want := range map[bool]string{true: "a-4 a-3 a-1 a-0", false: "a-4 a-3 a-2 a-1 a-0"} {
		var got []string
		req := &todokuv1.ListOrdersRequest{WorkingOnly: working, PageSize: 2, WaitFor: canceled.GetAnswer().GetCursor()}
		for {
			res, err := v.orders.ListOrders(alice.ctx, req)
			must(t, err)
			for _, o := range res.GetOrders() {
				got = append(got, o.GetClientOrderId())
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("working %v: listed %v, want %s", working, got, want)
		}
		_, err := v.orders.ListOrders(alice.ctx, &todokuv1.ListOrdersRequest{WorkingOnly: working, PageToken: "x"})
		if field := fails(t, err, "BAD_PAGE_TOKEN"); field != "page_token" {
			t.Errorf("it names %q", field)
		}
	}
}

func TestWaitingIsBoundedByTheCallersDeadline(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	list := func(ctx context.Context, cursor string) error {
		_, err := v.orders.ListPositions(ctx, &todokuv1.ListPositionsRequest{WaitFor: cursor})
		return err
	}
	if field := fails(t, list(alice.ctx, "rubbish"), "BAD_CURSOR"); field != "wait_for" {
		t.Errorf("it names %q", field)
	}
	fails(t, list(alice.ctx, "other:1"), "BAD_CURSOR")
	fails(t, list(alice.ctx, v.cursor(v.journal.Head()+1)), "BAD_CURSOR")
	ctx, cancel := context.WithTimeout(alice.ctx, time.Nanosecond)
	defer cancel()
	if err := list(ctx, v.cursor(v.journal.Head())); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}
