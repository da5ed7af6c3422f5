package apptest_test

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// rejections provokes rejections of orders by the market or a limit: the call succeeds, and
// its answer is a rejection.
func rejections() map[string]func(*stage) *todokuv1.OrderAnswer {
	bid := func(symbol, quantity, price string) func(*stage) *todokuv1.OrderAnswer {
		return func(v *stage) *todokuv1.OrderAnswer {
			return v.alice.Place(apptest.Limit(v.next(), symbol, buy, quantity, price))
		}
	}
	return map[string]func(*stage) *todokuv1.OrderAnswer{
		"MARKET_NOT_OPEN":    bid("EARLY", "1", "100"),
		"MARKET_HALTED":      bid("HALTED", "1", "100"),
		"OUTSIDE_BAND":       bid("EURUSD", "1000", "1.2"),
		"OUTSIDE_DAY_LIMITS": bid("LIMITED", "1", "110.01"),
		"POST_ONLY_WOULD_TRADE": func(v *stage) *todokuv1.OrderAnswer {
			o := apptest.Limit(v.next(), "USDJPY", sell, "1", "140")
			o.PostOnly = true
			return v.carol.Place(o)
		},
		"STALE_VIEW": func(v *stage) *todokuv1.OrderAnswer {
			book, err := v.alice.Market.GetBook(v.t.Context(), &todokuv1.GetBookRequest{Symbol: "LIMITED"})
			if err != nil {
				v.t.Fatal(err)
			}
			bid("LIMITED", "1", "99")(v)
			bid("LIMITED", "1", "99.5")(v)
			o := apptest.Limit(v.next(), "LIMITED", buy, "1", "98")
			o.SeenBookVersion, o.MaxBookMoves = proto.Uint64(book.GetBookVersion()), 1
			return v.bob.Place(o)
		},
		"BOOK_FULL": func(v *stage) *todokuv1.OrderAnswer {
			whale, answer := v.app.SignIn("whale"), (*todokuv1.OrderAnswer)(nil)
			for _, account := range []string{"w0", "w1", "w2", "w3", "w4"} {
				o := apptest.Limit(v.next(), "LARGE", sell, "20000000000", "1")
				o.Account = account
				answer = whale.Place(o)
			}
			return answer
		},
		"POSITION_LIMIT": func(v *stage) *todokuv1.OrderAnswer {
			bid("LARGE", "20000000000", "0.5")(v)
			return bid("LARGE", "20000000000", "0.5")(v)
		},
		"ORDER_SIZE_LIMIT":     limited(&todokuv1.RiskLimits{MaxOrderQuantity: "4"}),
		"ORDER_NOTIONAL_LIMIT": limited(&todokuv1.RiskLimits{MaxOrderNotional: "499.99"}),
		"PRICE_BAND_LIMIT":     limited(&todokuv1.RiskLimits{PriceBandBasisPoints: 1}),
		"OPEN_ORDERS_LIMIT":    limited(&todokuv1.RiskLimits{MaxOpenOrders: 1}),
	}
}

// limited enters carol's second order, for 5 at 101, while she has limits; her first is
// for 1 at 90.
func limited(limits *todokuv1.RiskLimits) func(*stage) *todokuv1.OrderAnswer {
	return func(v *stage) *todokuv1.OrderAnswer {
		set := func(l *todokuv1.RiskLimits) {
			l.Account = "carol"
			if _, err := v.rita.Admin.SetRiskLimits(v.t.Context(), &todokuv1.SetRiskLimitsRequest{RequestId: v.next(), Limits: l}); err != nil {
				v.t.Fatal(err)
			}
		}
		v.carol.Place(apptest.Limit(v.next(), "BANDED", buy, "1", "90"))
		set(limits)
		defer set(&todokuv1.RiskLimits{})
		return v.carol.Place(apptest.Limit(v.next(), "BANDED", buy, "5", "101"))
	}
}

// reports provokes the reasons for which orders end, as their reports name them.
func reports() map[string]func(*stage) {
	return map[string]func(*stage){
		"REQUESTED": func(v *stage) {
			if _, err := v.alice.Orders.CancelOrder(v.t.Context(), &todokuv1.CancelOrderRequest{ClientOrderId: v.next(), OrderId: v.resting}); err != nil {
				v.t.Fatal(err)
			}
		},
		"NO_LIQUIDITY": func(v *stage) {
			o := apptest.Limit(v.next(), "USDJPY", buy, "1", "1")
			o.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_FOK
			v.alice.Place(o)
		},
		"SELF_TRADE": func(v *stage) {
			v.alice.Place(apptest.Limit(v.next(), "BANDED", buy, "1", "70"))
			v.alice.Place(apptest.Limit(v.next(), "BANDED", sell, "500", "70"))
		},
		"EXPIRE_TIME": func(v *stage) {
			o := apptest.Limit(v.next(), "USDJPY", buy, "1", "1")
			o.TimeInForce, o.ExpireTime = todokuv1.TimeInForce_TIME_IN_FORCE_GTD, timestamppb.New(time.Now().Add(500*time.Millisecond))
			o.Account = "w0"
			v.app.SignIn("whale").Place(o)
		},
		"BY_VENUE": func(v *stage) {
			v.bob.Place(apptest.Limit(v.next(), "USDJPY", buy, "1", "1"))
			if _, err := v.rita.Admin.MassCancelForUser(v.t.Context(), &todokuv1.MassCancelForUserRequest{RequestId: v.next(), User: "bob", Symbol: "USDJPY"}); err != nil {
				v.t.Fatal(err)
			}
		},
		"USER_SUSPENDED": func(v *stage) {
			v.carol.Place(apptest.Limit(v.next(), "USDJPY", buy, "1", "1"))
			if _, err := v.admin.Admin.SuspendUser(v.t.Context(), &todokuv1.SuspendUserRequest{RequestId: v.next(), User: "carol"}); err != nil {
				v.t.Fatal(err)
			}
		},
		// The shortest patience of cancel-on-disconnect is 5 s.
		"DISCONNECTED": func(v *stage) {
			d := v.app.Desktop()
			reply, err := d.Sessions.Login(v.t.Context(), &todokuv1.LoginRequest{User: "alice", Password: apptest.Password, CancelOnDisconnect: durationpb.New(5 * time.Second)})
			if err != nil {
				v.t.Fatal(err)
			}
			d.Token, d.Connection = reply.GetTokens().GetAccessToken(), reply.GetConnectionId()
			for i := range 3 {
				d.Place(apptest.Limit(v.next(), "USDJPY", buy, strconv.Itoa(1+i), "1"))
			}
			d.Attach(&request{}).Cut()
		},
	}
}
