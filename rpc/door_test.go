package rpc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	"todoku/engine"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

func TestCallsWithoutAValidTokenAreRefused(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	good := alice.login.GetTokens().GetAccessToken()
	for what, c := range map[string]struct {
		header []string
		reason string
	}{
		"nothing":         {nil, "NO_TOKEN"},
		"another scheme":  {[]string{"Basic " + good}, "NO_TOKEN"},
		"no token":        {[]string{"Bearer "}, "NO_TOKEN"},
		"two headers":     {[]string{"Bearer " + good, "Bearer " + good}, "NO_TOKEN"},
		"rubbish":         {[]string{"Bearer x"}, "BAD_TOKEN"},
		"a changed token": {[]string{"Bearer " + good[:len(good)-1] + "!"}, "BAD_TOKEN"},
		"a refresh token": {[]string{"Bearer " + alice.login.GetTokens().GetRefreshToken()}, "BAD_TOKEN"},
	} {
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"authorization": c.header})
		_, err := v.market.ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
		fails(t, err, c.reason)
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v", what, err)
		}
		feed, err := v.notes.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: alice.connection})
		must(t, err)
		_, err = feed.Recv()
		fails(t, err, c.reason)
	}
	if _, err := v.market.ListInstruments(metadata.AppendToOutgoingContext(t.Context(), "authorization", "bearer "+good), &todokuv1.ListInstrumentsRequest{}); err != nil {
		t.Errorf("the scheme is not case-insensitive: %v", err)
	}
}

func TestCallsWithoutTheRoleAreRefused(t *testing.T) {
	v := open(t)
	vic := v.signIn("vic")
	_, err := v.orders.PlaceOrder(vic.ctx, &todokuv1.PlaceOrderRequest{})
	fails(t, err, "NOT_PERMITTED")
	alice := v.signIn("alice")
	_, err = v.admin.ListAudit(alice.ctx, &todokuv1.ListAuditRequest{})
	fails(t, err, "NOT_PERMITTED")
	feed, err := v.admin.ExportJournal(alice.ctx, &todokuv1.ExportJournalRequest{})
	must(t, err)
	_, err = feed.Recv()
	fails(t, err, "NOT_PERMITTED")
}

func TestARequestThatCannotBeReadGetsAReason(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	raw := func(method string, payload []byte) error {
		return v.conn.Invoke(alice.ctx, method, &emptypb.Empty{}, &emptypb.Empty{}, grpc.ForceCodec(rawCodec{payload}))
	}
	notUTF8 := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "a\xffb")
	fails(t, raw(todokuv1.OrderService_PlaceOrder_FullMethodName, notUTF8), "MALFORMED_REQUEST")
	fails(t, raw(todokuv1.OrderService_PlaceOrder_FullMethodName, []byte{0xff}), "MALFORMED_REQUEST")

	stream, err := v.conn.NewStream(alice.ctx, &grpc.StreamDesc{ServerStreams: true},
		todokuv1.NotificationService_FeedNotification_FullMethodName, grpc.ForceCodec(rawCodec{notUTF8}))
	must(t, err)
	must(t, stream.SendMsg(&emptypb.Empty{}))
	must(t, stream.CloseSend())
	fails(t, stream.RecvMsg(&emptypb.Empty{}), "MALFORMED_REQUEST")

	_, err = v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{ClientOrderId: strings.Repeat("x", 1<<20)})
	fails(t, err, "REQUEST_TOO_LARGE")
	// The transport itself refuses a request over its own limit.
	_, err = v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{ClientOrderId: strings.Repeat("x", 5<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("5 MiB: %v", err)
	}
	_, err = v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{ClientOrderId: strings.Repeat("x", 10_000)})
	if field := fails(t, err, "BAD_NAME"); field != "client_order_id" {
		t.Errorf("it names %q", field)
	}
}

// rawCodec sends the same bytes for every message.
type rawCodec struct{ payload []byte }

func (c rawCodec) Marshal(any) ([]byte, error) { return c.payload, nil }
func (c rawCodec) Unmarshal([]byte, any) error { return nil }
func (c rawCodec) Name() string                { return "proto" }

func TestAPanicFailsOnlyItsCall(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	v.engine.Engine = panicking{}
	_, err := v.orders.MassCancelOrders(alice.ctx, &todokuv1.MassCancelOrdersRequest{RequestId: "r"})
	fails(t, err, "INTERNAL")
	if strings.Contains(err.Error(), "index out of") {
		t.Errorf("the client reads %v", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.faults) != 1 || !strings.Contains(v.faults[0].Error(), "index out of") || !strings.Contains(v.faults[0].Error(), "order.go") {
		t.Errorf("reported %v", v.faults)
	}
}

type panicking struct{ Engine }

func (panicking) Submit(context.Context, trade.Command) (trade.Answer, error) {
	return trade.Answer{}, []error{}[len(errors.New("index").Error())-4]
}

func TestErrorsOfTheEngineHaveTheirReasons(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	for err, reason := range map[error]string{
		engine.ErrNotDurable: "NOT_DURABLE", engine.ErrNotLeader: "NOT_LEADER", engine.ErrStopped: "SHUTDOWN", engine.ErrOutcomeUnknown: "OUTCOME_UNKNOWN",
		trade.Refuse(trade.ReasonRateLimit, "", ""): "RATE_LIMIT", errors.New("disk on fire"): "INTERNAL",
	} {
		v.engine.breakWith(err)
		_, got := v.orders.PlaceOrder(alice.ctx, &todokuv1.PlaceOrderRequest{
			ClientOrderId: "x", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "1", Quantity: "1",
		})
		fails(t, got, reason)
	}
	// Queries still work.
	if _, err := v.orders.ListPositions(alice.ctx, &todokuv1.ListPositionsRequest{}); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownMethodIsUnimplemented(t *testing.T) {
	v := open(t)
	err := v.conn.Invoke(t.Context(), "/todoku.v1.OrderService/Nothing", &emptypb.Empty{}, &emptypb.Empty{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}
