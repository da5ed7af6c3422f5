package apptest_test

import (
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// refusals provokes refusals on a venue where nothing else happens.
func refusals() []refusal {
	invalid, notFound, denied := codes.InvalidArgument, codes.NotFound, codes.PermissionDenied
	unauthenticated, precondition := codes.Unauthenticated, codes.FailedPrecondition
	return []refusal{
		{"BAD_PRICE", invalid, "price", placing(apptest.Limit("x", "USDJPY", buy, "1", "12,5"))},
		{"OFF_TICK", invalid, "price", placing(apptest.Limit("x", "USDJPY", buy, "1", "150.0005"))},
		{"BAD_QUANTITY", invalid, "quantity", placing(apptest.Limit("x", "USDJPY", buy, "-1", "150"))},
		{"OFF_LOT", invalid, "quantity", placing(apptest.Limit("x", "EURUSD", buy, "1500", "1.1"))},
		{"QUANTITY_RANGE", invalid, "quantity", placing(apptest.Limit("x", "USDJPY", buy, "10000001", "150"))},
		{"BAD_NAME", invalid, "client_order_id", placing(apptest.Limit("", "USDJPY", buy, "1", "150"))},
		{"BAD_ENUM", invalid, "side", placing(apptest.Limit("x", "USDJPY", 0, "1", "150"))},
		{"BAD_TIME", invalid, "expire_time", placing(&todokuv1.PlaceOrderRequest{
			ClientOrderId: "x", Symbol: "USDJPY", Side: buy, Quantity: "1", Price: "150",
			TimeInForce: todokuv1.TimeInForce_TIME_IN_FORCE_GTD, ExpireTime: timestamppb.New(time.Unix(1, 0)),
		})},
		{"BAD_COMBINATION", invalid, "price", placing(&todokuv1.PlaceOrderRequest{
			ClientOrderId: "x", Symbol: "USDJPY", Side: buy, Quantity: "1", Price: "150", Type: todokuv1.OrderType_ORDER_TYPE_MARKET,
		})},
		{"BAD_NUMBER", invalid, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", OrderId: "007"})
			return err
		}},
		{"BAD_TEXT", invalid, "text", func(v *stage) error {
			_, err := v.admin.Admin.Announce(v.t.Context(), &todokuv1.AnnounceRequest{RequestId: "x", Text: "a\x00b"})
			return err
		}},

		{"UNKNOWN_INSTRUMENT", notFound, "symbol", placing(apptest.Limit("x", "NOSUCH", buy, "1", "150"))},
		{"UNKNOWN_ORDER", notFound, "order_id", func(v *stage) error {
			_, err := v.alice.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", OrderId: v.elsewhere})
			return err
		}},
		{"UNKNOWN_ACCOUNT", notFound, "account", func(v *stage) error {
			_, err := v.alice.Orders.ListPositions(v.t.Context(), &todokuv1.ListPositionsRequest{Account: "bob"})
			return err
		}},
		{"UNKNOWN_USER", notFound, "user", func(v *stage) error {
			_, err := v.admin.Admin.SuspendUser(v.t.Context(), &todokuv1.SuspendUserRequest{RequestId: "x", User: "nobody"})
			return err
		}},
		{"UNKNOWN_TRADE", notFound, "trade_id", busting("999")},
		{"NOT_PERMITTED", denied, "", func(v *stage) error {
			_, err := v.vera.Orders.PlaceOrder(v.t.Context(), apptest.Limit("x", "USDJPY", buy, "1", "150"))
			return err
		}},
		{"TOO_LATE", precondition, "order_id", func(v *stage) error {
			_, err := v.bob.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: "x", OrigClientOrderId: "taker"})
			return err
		}},
		{"REQUEST_REUSED", codes.AlreadyExists, "client_order_id", placing(apptest.Limit("resting", "USDJPY", buy, "11", "140"))},
		{"ALREADY_EXISTS", codes.AlreadyExists, "user", func(v *stage) error {
			_, err := v.admin.Admin.CreateUser(v.t.Context(), &todokuv1.CreateUserRequest{RequestId: "x", User: "alice", Password: "whatever it is today"})
			return err
		}},
		{"ORDERS_REST", precondition, "instrument.tick_size", func(v *stage) error {
			reply, err := v.admin.Market.ListInstruments(v.t.Context(), &todokuv1.ListInstrumentsRequest{})
			if err != nil {
				return err
			}
			for _, i := range reply.GetInstruments() {
				if i.GetSymbol() == "USDJPY" {
					i.TickSize = "0.01"
					_, err = v.admin.Admin.UpsertInstrument(v.t.Context(), &todokuv1.UpsertInstrumentRequest{RequestId: "x", Instrument: i})
				}
			}
			return err
		}},
		{"TRADE_NOT_OPEN", precondition, "trade_id", func(v *stage) error { return busting(v.busted)(v) }},

		{"NO_TOKEN", unauthenticated, "", func(v *stage) error {
			_, err := v.app.Desktop().Orders.ListOrders(v.t.Context(), &todokuv1.ListOrdersRequest{})
			return err
		}},
		{"BAD_TOKEN", unauthenticated, "", func(v *stage) error {
			d := v.app.Desktop()
			d.Token = v.alice.Refresh // A real token, for another use.
			_, err := d.Orders.ListOrders(v.t.Context(), &todokuv1.ListOrdersRequest{})
			return err
		}},
		{"BAD_CREDENTIALS", unauthenticated, "", signingIn("alice", "wrong")},
		{"LOCKED_OUT", codes.ResourceExhausted, "", func(v *stage) error {
			for range 5 {
				wantRefusal(v.t, signingIn("mallory", "guess")(v), unauthenticated, "BAD_CREDENTIALS", "")
			}
			return signingIn("mallory", "guess")(v)
		}},
		{"WRONG_PASSWORD", denied, "old_password", func(v *stage) error {
			_, err := v.alice.Sessions.ChangePassword(v.t.Context(), &todokuv1.ChangePasswordRequest{OldPassword: "wrong", NewPassword: "new and long enough"})
			return err
		}},
		{"UNKNOWN_SESSION", notFound, "session_id", func(v *stage) error {
			_, err := v.alice.Sessions.RevokeSession(v.t.Context(), &todokuv1.RevokeSessionRequest{SessionId: v.bob.Session})
			return err
		}},
		{"UNKNOWN_METHOD", codes.Unimplemented, "", func(v *stage) error {
			return v.alice.Conn.Invoke(v.t.Context(), "/todoku.v1.OrderService/DoSomething", &todokuv1.ListOrdersRequest{}, &todokuv1.ListOrdersResponse{})
		}},
		{"UNKNOWN_METHOD", codes.Unimplemented, "", func(v *stage) error {
			return v.alice.Conn.Invoke(v.t.Context(), "/no.such.Service/Method", &todokuv1.ListOrdersRequest{}, &todokuv1.ListOrdersResponse{})
		}},
		{"MALFORMED_REQUEST", invalid, "", sending("/todoku.v1.OrderService/PlaceOrder", "\x0a\x05ab")},
		{"MALFORMED_REQUEST", invalid, "", func(v *stage) error {
			stream, err := v.alice.Conn.NewStream(v.t.Context(), &grpc.StreamDesc{ServerStreams: true},
				todokuv1.NotificationService_FeedNotification_FullMethodName, grpc.ForceCodec(rawCodec{}))
			if err != nil {
				return err
			}
			if err := stream.SendMsg(rawMessage("\x0a\x05ab")); err != nil {
				return err
			}
			if err := stream.CloseSend(); err != nil {
				return err
			}
			return stream.RecvMsg(&todokuv1.FeedNotificationResponse{})
		}},
		{"REQUEST_TOO_LARGE", codes.ResourceExhausted, "", sending("/todoku.v1.OrderService/PlaceOrder", "\x0a\x80\x80\x40"+strings.Repeat("x", 1<<20))},
		{"REQUEST_TOO_LARGE", codes.ResourceExhausted, "", sending("/todoku.v1.OrderService/PlaceOrder", strings.Repeat("x", 3<<20))},
		{"BAD_PAGE_TOKEN", invalid, "page_token", func(v *stage) error {
			_, err := v.alice.Orders.ListOrders(v.t.Context(), &todokuv1.ListOrdersRequest{PageToken: "x"})
			return err
		}},
		{"BAD_PAGE_TOKEN", invalid, "page_token", func(v *stage) error {
			_, err := v.rita.Admin.ListAudit(v.t.Context(), &todokuv1.ListAuditRequest{PageToken: "x"})
			return err
		}},

		{"UNKNOWN_CONNECTION", notFound, "", func(v *stage) error { return v.alice.AttachRefused(&request{ConnectionId: "x"}) }},
		{"NOT_YOUR_CONNECTION", denied, "", func(v *stage) error { return v.alice.AttachRefused(&request{ConnectionId: v.bob.Connection}) }},
		{"BAD_CURSOR", invalid, "resume_after", func(v *stage) error { return v.alice.AttachRefused(&request{ResumeAfter: "x"}) }},
		{"BAD_SUBSCRIPTION", invalid, "subscription", func(v *stage) error {
			return v.alice.AttachRefused(&request{Subscription: &todokuv1.Subscription{StateInterval: durationpb.New(time.Nanosecond)}})
		}},
		{"NOT_ATTACHED", precondition, "", func(v *stage) error {
			_, err := v.alice.Notifications.UpdateSubscription(v.t.Context(), &todokuv1.UpdateSubscriptionRequest{ConnectionId: v.alice.Connection})
			return err
		}},
	}
}

// placing enters an order as alice.
func placing(order *todokuv1.PlaceOrderRequest) func(*stage) error {
	return func(v *stage) error {
		_, err := v.alice.Orders.PlaceOrder(v.t.Context(), order)
		return err
	}
}

// busting undoes a trade.
func busting(id string) func(*stage) error {
	return func(v *stage) error {
		_, err := v.admin.Admin.BustTrade(v.t.Context(), &todokuv1.BustTradeRequest{RequestId: "x", TradeId: id})
		return err
	}
}

// signingIn opens a session.
func signingIn(user, password string) func(*stage) error {
	return func(v *stage) error {
		_, err := v.app.Desktop().Sessions.Login(v.t.Context(), &todokuv1.LoginRequest{User: user, Password: password})
		return err
	}
}

// sending sends bytes as alice's request, whatever they are.
func sending(method, data string) func(*stage) error {
	return func(v *stage) error {
		return v.alice.Conn.Invoke(v.t.Context(), method, rawMessage(data), &todokuv1.PlaceOrderResponse{}, grpc.ForceCodec(rawCodec{}))
	}
}
