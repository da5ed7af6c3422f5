package apptest_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// TestInvalidInputIsRefusedWithAReasonAndChangesNothing sends common mistakes of people and
// programs. The runner checks after each that the journal has not moved, and at the end that
// a replay of the journal gives the state in memory.
func TestInvalidInputIsRefusedWithAReasonAndChangesNothing(t *testing.T) {
	t.Parallel()
	const invalid, notFound = codes.InvalidArgument, codes.NotFound
	long := strings.Repeat("x", 10_000)
	var cases []refusal
	order := func(reason, field string, code codes.Code, change func(*todokuv1.PlaceOrderRequest)) {
		o := apptest.Limit("x", "USDJPY", buy, "10", "150")
		change(o)
		cases = append(cases, refusal{reason, code, field, placing(o)})
	}
	price := func(reason, text string) {
		order(reason, "price", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Price = text })
	}
	quantity := func(reason, text string) {
		order(reason, "quantity", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Quantity = text })
	}
	for _, text := range []string{"", "0", "-150", "0.000", "1e2", "NaN", "Inf", "0x10", " 150", "150 ", "1,5", "１５０", "+150", "150.", ".5", "150.000000001", "92233720368.54775808", "9223372036854775808", "99999999999999999999999999", long} {
		price("BAD_PRICE", text)
	}
	price("OFF_TICK", "150.0001")
	price("OFF_TICK", "92233720368.54775807") // The largest there is.
	for _, text := range []string{"", "0", "-1", "1.000000001", "1e3", "92233720368.54775808", "18446744073709551616", "-0", long} {
		quantity("BAD_QUANTITY", text)
	}
	quantity("OFF_LOT", "0.5")
	quantity("OFF_LOT", "92233720368.54775807")
	quantity("QUANTITY_RANGE", "92233720368")
	// Both near 2^63: their product has 126 bits.
	order("QUANTITY_RANGE", "quantity", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Price, o.Quantity = "92233720368.547", "92233720368" })
	for _, name := range []string{"", long, "a\nb", "a\x00b", " a", "\u202e"} {
		order("BAD_NAME", "client_order_id", invalid, func(o *todokuv1.PlaceOrderRequest) { o.ClientOrderId = name })
	}
	for _, name := range []string{"", long, "usd jpy", "USDJPY;--", "../journal.db"} {
		order("BAD_NAME", "symbol", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Symbol = name })
	}
	order("BAD_NAME", "account", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Account = long })
	order("UNKNOWN_ACCOUNT", "account", notFound, func(o *todokuv1.PlaceOrderRequest) { o.Account = "bob" })
	order("UNKNOWN_ACCOUNT", "account", notFound, func(o *todokuv1.PlaceOrderRequest) { o.Account = "nobody" })
	order("UNKNOWN_INSTRUMENT", "symbol", notFound, func(o *todokuv1.PlaceOrderRequest) { o.Symbol = "USDJPX" })
	order("BAD_ENUM", "side", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Side = -1 })
	order("BAD_ENUM", "type", invalid, func(o *todokuv1.PlaceOrderRequest) { o.Type = 1 << 30 })
	order("BAD_ENUM", "time_in_force", invalid, func(o *todokuv1.PlaceOrderRequest) { o.TimeInForce = 99 })
	order("BAD_TIME", "expire_time", invalid, func(o *todokuv1.PlaceOrderRequest) {
		o.TimeInForce, o.ExpireTime = todokuv1.TimeInForce_TIME_IN_FORCE_GTD, &timestamppb.Timestamp{Seconds: 1 << 62}
	})
	order("BAD_TIME", "expire_time", invalid, func(o *todokuv1.PlaceOrderRequest) {
		o.TimeInForce, o.ExpireTime = todokuv1.TimeInForce_TIME_IN_FORCE_GTD, timestamppb.New(time.Now().Add(-time.Second))
	})
	order("REQUEST_REUSED", "client_order_id", codes.AlreadyExists, func(o *todokuv1.PlaceOrderRequest) { o.ClientOrderId = "resting" })
	cases = append(cases, otherPeoplesOrders()...)
	cases = append(cases, hostileBytes(long)...)
	testRefusals(t, cases)
}

// otherPeoplesOrders are refused as if they did not exist.
func otherPeoplesOrders() []refusal {
	notFound := codes.NotFound
	return []refusal{
		{"UNKNOWN_ORDER", notFound, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", OrderId: v.elsewhere})
			return err
		}},
		{"UNKNOWN_ORDER", notFound, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.ReplaceOrder(v.t.Context(), &todokuv1.ReplaceOrderRequest{ClientOrderId: "x", OrderId: v.elsewhere, Price: "141"})
			return err
		}},
		{"UNKNOWN_ORDER", notFound, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.GetOrder(v.t.Context(), &todokuv1.GetOrderRequest{OrderId: v.elsewhere})
			return err
		}},
		{"UNKNOWN_ORDER", notFound, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", OrigClientOrderId: "elsewhere"})
			return err
		}},
		{"UNKNOWN_ACCOUNT", notFound, "account", func(v *stage) error {
			_, err := v.alice.Orders.MassCancelOrders(v.t.Context(), &todokuv1.MassCancelOrdersRequest{RequestId: "x", Account: "bob"})
			return err
		}},
		{"UNKNOWN_ACCOUNT", notFound, "account", func(v *stage) error {
			_, err := v.rita.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", Account: "nobody", OrderId: v.elsewhere})
			return err
		}},
	}
}

// hostileBytes are requests that only a hostile program sends.
func hostileBytes(long string) []refusal {
	text := func(field protowire.Number, value string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), value))
	}
	place, login := todokuv1.OrderService_PlaceOrder_FullMethodName, todokuv1.SessionService_Login_FullMethodName
	tokens := func(token, reason string) refusal {
		return refusal{reason, codes.Unauthenticated, "", func(v *stage) error {
			d := v.app.Desktop()
			d.Token = token
			_, err := d.Orders.ListOrders(v.t.Context(), &todokuv1.ListOrdersRequest{})
			return err
		}}
	}
	return []refusal{
		{"MALFORMED_REQUEST", codes.InvalidArgument, "", sending(place, text(1, "\xff\xfe")+text(3, "USDJPY"))},
		{"MALFORMED_REQUEST", codes.InvalidArgument, "", sending(login, text(1, "alice")+text(2, "\xc0\x80"))},
		{"MALFORMED_REQUEST", codes.InvalidArgument, "", sending(place, "\xff\xff\xff\xff")},
		{"BAD_NAME", codes.InvalidArgument, "client_order_id", sending(place, text(1, long)+text(3, "USDJPY"))},
		{"REQUEST_TOO_LARGE", codes.ResourceExhausted, "", sending(place, text(1, strings.Repeat("x", 1<<20)))},
		{"BAD_NAME", codes.InvalidArgument, "user", signingIn(long, "x")},
		{"BAD_TEXT", codes.InvalidArgument, "password", signingIn("alice", long)},
		{"UNKNOWN_CONNECTION", codes.NotFound, "", func(v *stage) error { return v.alice.AttachRefused(&request{ConnectionId: long}) }},
		{"BAD_NAME", codes.InvalidArgument, "instance_id", func(v *stage) error { return v.alice.AttachRefused(&request{InstanceId: long}) }},
		{"BAD_CURSOR", codes.InvalidArgument, "resume_after", func(v *stage) error { return v.alice.AttachRefused(&request{ResumeAfter: long}) }},
		{"BAD_CURSOR", codes.InvalidArgument, "wait_for", func(v *stage) error {
			_, err := v.alice.Market.ListInstruments(v.t.Context(), &todokuv1.ListInstrumentsRequest{WaitFor: "elsewhere:5"})
			return err
		}},
		tokens("x", "BAD_TOKEN"), tokens(long, "BAD_TOKEN"), tokens("a.b.c", "BAD_TOKEN"),
	}
}

// TestTheTransportRefusesRequestsAboveItsLimit sends more than 4 MiB, which does not reach
// the code of the venue.
func TestTheTransportRefusesRequestsAboveItsLimit(t *testing.T) {
	t.Parallel()
	v := &stage{t: t, alice: apptest.Start(t).SignIn("alice")}
	err := sending(todokuv1.OrderService_PlaceOrder_FullMethodName, strings.Repeat("x", 5<<20))(v)
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("5 MiB are answered with %v", err)
	}
}

// TestABatchAnswersEachEntryForItself puts good and bad orders into one request.
func TestABatchAnswersEachEntryForItself(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	orders := &todokuv1.PlaceOrdersRequest{Orders: []*todokuv1.PlaceOrderRequest{
		apptest.Limit("good", "USDJPY", buy, "1", "150"),
		apptest.Limit("off-tick", "USDJPY", buy, "1", "150.0001"),
		apptest.Limit("", "USDJPY", buy, "1", "150"),
		apptest.Limit("banded", "EURUSD", buy, "1000", "2"),
		apptest.Limit("good", "USDJPY", buy, "2", "150"),
		apptest.Limit("good", "USDJPY", buy, "1", "150"),
	}}
	reply, err := alice.Orders.PlaceOrders(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	answers := reply.GetAnswers()
	for i, want := range []struct{ reason, field string }{
		{}, {"OFF_TICK", "orders[1].price"}, {"BAD_NAME", "orders[2].client_order_id"}, {"OUTSIDE_BAND", ""}, {"REQUEST_REUSED", "orders[4].client_order_id"}, {},
	} {
		if got := answers[i]; got.GetReason().GetName() != want.reason || got.GetField() != want.field {
			t.Errorf("order %d is answered %v, want %s of %q", i, got, want.reason, want.field)
		}
	}
	if answers[0].GetOrderId() == "" || answers[0].String() != answers[5].String() {
		t.Errorf("the same order twice in a batch is answered\n%v\n%v", answers[0], answers[5])
	}
	for _, n := range []int{0, 1001} {
		_, err := alice.Orders.PlaceOrders(t.Context(), &todokuv1.PlaceOrdersRequest{Orders: make([]*todokuv1.PlaceOrderRequest, n)})
		wantRefusal(t, err, codes.InvalidArgument, "BAD_NUMBER", "orders")
	}
}
