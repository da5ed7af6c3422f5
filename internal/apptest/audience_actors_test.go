package apptest_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// actors make random requests of users and staff. Whether a request succeeds does not
// matter: the result is read from the journal.
type actors struct {
	t       *testing.T
	app     *apptest.App
	random  *rand.Rand
	traders []*apptest.Desktop
	third   *apptest.Desktop
	admin   *apptest.Desktop
	risk    *apptest.Desktop
	n       int
	placed  map[string][]string // By trader, the names of orders that may still work.
	streams []*apptest.Stream
}

// act does one thing.
func (a *actors) act() {
	a.t.Helper()
	a.n++
	trader, name := a.someone()
	ctx, id := a.t.Context(), fmt.Sprintf("%s%s-%d", markRequest, name, a.n)
	symbol := []string{"USDJPY", "DISC", "EURUSD"}[a.random.IntN(3)]
	var err error
	switch pick := a.random.IntN(100); {
	case pick < 55:
		a.placed[name] = append(a.placed[name], id)
		_, err = trader.Orders.PlaceOrder(ctx, a.order(id, symbol))
	case pick < 60:
		_, err = trader.Orders.PlaceOrders(ctx, &todokuv1.PlaceOrdersRequest{Orders: []*todokuv1.PlaceOrderRequest{a.order(id+"x", symbol), a.order(id+"y", symbol)}})
	case pick < 66:
		_, err = trader.Orders.ReplaceOrder(ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: id, OrigClientOrderId: a.earlier(name), Quantity: "1000"})
	case pick < 72:
		_, err = trader.Orders.CancelOrder(ctx, &todokuv1.CancelOrderRequest{ClientOrderId: id, OrigClientOrderId: a.earlier(name)})
	case pick < 74:
		_, err = trader.Orders.MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: id, Symbol: symbol})
	case pick < 80:
		a.visit(trader)
	default:
		err = a.administer(pick, markRequest+"staff-"+strconv.Itoa(a.n), name, symbol)
	}
	// Many of these are refused, as they should be; none may fail otherwise.
	switch status.Code(err) { //nolint:exhaustive // All others are refusals.
	case codes.Internal, codes.Unknown, codes.Unavailable, codes.DeadlineExceeded, codes.Unauthenticated:
		a.t.Fatalf("%s: %v", id, err)
	}
}

// administer does one random thing that staff can do.
func (a *actors) administer(pick int, id, name, symbol string) error {
	ctx := a.t.Context()
	var err error
	switch {
	case pick < 83:
		_, err = a.risk.Admin.SetRiskLimits(ctx, &todokuv1.SetRiskLimitsRequest{RequestId: id, Limits: &todokuv1.RiskLimits{Account: markAccount + name, MaxOpenOrders: 50 + a.random.Uint32N(50)}})
	case pick < 86:
		err = a.bust(id, symbol)
	case pick < 88:
		_, err = a.admin.Admin.Announce(ctx, &todokuv1.AnnounceRequest{RequestId: id, Text: "to all " + strconv.Itoa(a.n)})
	case pick < 91:
		_, err = a.admin.Admin.Announce(ctx, &todokuv1.AnnounceRequest{RequestId: id, Text: markSecret + name, Users: []string{markUser + name}})
	case pick < 93:
		_, err = a.risk.Admin.SetTradingStatus(ctx, &todokuv1.SetTradingStatusRequest{
			RequestId: id, Symbol: symbol, Status: []todokuv1.TradingStatus{todokuv1.TradingStatus_TRADING_STATUS_HALTED, todokuv1.TradingStatus_TRADING_STATUS_OPEN}[a.n%2],
		})
	case pick < 94:
		_, err = a.risk.Admin.SetTradingStatus(ctx, &todokuv1.SetTradingStatusRequest{RequestId: id, Symbol: symbol, Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN})
	case pick < 96:
		_, err = a.admin.Admin.UpdateUser(ctx, &todokuv1.UpdateUserRequest{RequestId: id, User: markUser + name, DisplayName: "Trader " + strconv.Itoa(a.n)})
	case pick < 98:
		_, err = a.risk.Admin.MassCancelForUser(ctx, &todokuv1.MassCancelForUserRequest{RequestId: id, User: markUser + name})
	default:
		guest := markUser + "guest" + strconv.Itoa(a.n)
		_, err = a.admin.Admin.CreateUser(ctx, &todokuv1.CreateUserRequest{RequestId: id, User: guest, DisplayName: "Guest", Accounts: []string{markAccount + guest}, Password: apptest.Password})
		if err == nil {
			_, err = a.admin.Admin.SuspendUser(ctx, &todokuv1.SuspendUserRequest{RequestId: id + "s", User: guest})
		}
	}
	return err
}

// someone returns one of the traders, sometimes the third user, who must receive the
// user's own events.
func (a *actors) someone() (*apptest.Desktop, string) {
	if a.random.IntN(5) == 0 {
		return a.third, "third"
	}
	i := a.random.IntN(len(a.traders))
	return a.traders[i], string(rune('a' + i))
}

// earlier names a request that this trader may have made.
func (a *actors) earlier(name string) string {
	last := a.placed[name]
	if len(last) == 0 {
		return markRequest + "none"
	}
	return last[max(0, len(last)-1-a.random.IntN(4))]
}

// order is of a kind and at a price at which many trade.
func (a *actors) order(id, symbol string) *todokuv1.PlaceOrderRequest {
	o := apptest.Limit(id, symbol, todokuv1.Side(1+a.random.IntN(2)), strconv.Itoa(1000*(1+a.random.IntN(5))), "")
	step := a.random.IntN(5)
	o.Price = map[string]string{"USDJPY": fmt.Sprintf("150.00%d", step), "DISC": fmt.Sprintf("200%d", step), "EURUSD": fmt.Sprintf("1.1000%d", step)}[symbol]
	o.TimeInForce = todokuv1.TimeInForce([]int32{1, 1, 2, 4, 5}[a.random.IntN(5)])
	o.SelfTrade = todokuv1.SelfTradeInstruction(1 + a.random.IntN(3))
	return o
}

// visit attaches or leaves, so that users sign in and out.
func (a *actors) visit(d *apptest.Desktop) {
	if len(a.streams) > 3 {
		a.streams[0].Cut()
		a.streams = a.streams[1:]
	}
	if d != a.third { // The third user's stream is watched.
		a.streams = append(a.streams, d.Attach(&request{}))
	}
}

// bust undoes one of the last trades.
func (a *actors) bust(id, symbol string) error {
	reply, err := a.third.Market.ListTrades(a.t.Context(), &todokuv1.ListTradesRequest{Symbol: symbol, PageSize: 5})
	if err != nil || len(reply.GetTrades()) == 0 {
		return err
	}
	trade := reply.GetTrades()[a.random.IntN(len(reply.GetTrades()))]
	_, err = a.admin.Admin.BustTrade(a.t.Context(), &todokuv1.BustTradeRequest{RequestId: id, TradeId: trade.GetTradeId(), Reason: "mistake"})
	return err
}
