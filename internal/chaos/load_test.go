package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// load makes things happen at the venue, as users and staff do. Whether a request
// succeeds does not matter: the result is read from the journal.
type load struct {
	address string
	pace    time.Duration // Between two requests of one actor.
	done    atomic.Int64  // Requests that the venue took.
	faults  chan string
	running sync.WaitGroup
}

// Instruments of apptest, with a price at which many trade.
func price(symbol string, step int) string {
	switch symbol {
	case "USDJPY":
		return fmt.Sprintf("150.%03d", step)
	case "EURUSD":
		return fmt.Sprintf("1.1%04d", step)
	}
	return strconv.Itoa(2000 + step)
}

func symbols() []string { return []string{"USDJPY", "EURUSD", "DISC"} }

func (l *load) start(ctx context.Context, seed uint64) {
	for i, user := range []string{"alice", "bob", "carol", "alice"} {
		random := rand.New(rand.NewPCG(seed, 100+uint64(i)))
		l.running.Go(func() {
			l.act(ctx, user, func(c *client.Client, n int) error { return doTrade(ctx, c, random, fmt.Sprintf("%d-%d", i, n)) })
		})
	}
	random := rand.New(rand.NewPCG(seed, 99))
	l.running.Go(func() {
		l.act(ctx, "admin", func(c *client.Client, n int) error { return administer(ctx, c, random, n) })
	})
}

// act does something again and again until ctx ends.
func (l *load) act(ctx context.Context, user string, do func(*client.Client, int) error) {
	c, err := client.Dial(client.Config{Address: l.address, Plaintext: true, ClientName: "load"})
	if err != nil {
		l.fault(err)
		return
	}
	defer c.Close() //nolint:errcheck // What it has under way is of no interest.
	ticker := time.NewTicker(l.pace)
	defer ticker.Stop()
	signedIn := false
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !signedIn {
			signedIn = c.Login(ctx, user, apptest.Password) == nil
			continue
		}
		switch err := do(c, n); status.Code(err) { //nolint:exhaustive // The other codes are refusals.
		case codes.OK:
			l.done.Add(1)
		case codes.Unauthenticated:
			signedIn = false
		case codes.InvalidArgument, codes.Unimplemented:
			l.fault(err)
		}
	}
}

func (l *load) fault(err error) {
	select {
	case l.faults <- err.Error():
	default: // One is enough.
	}
}

// doTrade does one thing that a trader does.
func doTrade(ctx context.Context, c *client.Client, random *rand.Rand, id string) error {
	symbol := symbols()[random.IntN(3)]
	var err error
	switch pick := random.IntN(100); {
	case pick < 60:
		_, err = c.Orders().PlaceOrder(ctx, someOrder(random, id, symbol))
	case pick < 70:
		orders := make([]*todokuv1.PlaceOrderRequest, 2+random.IntN(30))
		for i := range orders {
			orders[i] = someOrder(random, id+"-"+strconv.Itoa(i), symbol)
		}
		_, err = c.Orders().PlaceOrders(ctx, &todokuv1.PlaceOrdersRequest{Orders: orders})
	case pick < 90:
		working, list := c.Orders().ListOrders(ctx, &todokuv1.ListOrdersRequest{WorkingOnly: true, PageSize: 20})
		if list != nil || len(working.GetOrders()) == 0 {
			return list
		}
		orig := working.GetOrders()[random.IntN(len(working.GetOrders()))].GetClientOrderId()
		if pick < 80 {
			_, err = c.Orders().ReplaceOrder(ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: id, OrigClientOrderId: orig, Quantity: "3000"})
		} else {
			_, err = c.Orders().CancelOrder(ctx, &todokuv1.CancelOrderRequest{ClientOrderId: id, OrigClientOrderId: orig})
		}
	default:
		_, err = c.Orders().MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: id, Symbol: symbol})
	}
	return err
}

func someOrder(random *rand.Rand, id, symbol string) *todokuv1.PlaceOrderRequest {
	order := apptest.Limit(id, symbol, todokuv1.Side(1+random.IntN(2)), strconv.Itoa(1000*(1+random.IntN(5))), price(symbol, random.IntN(6)))
	order.TimeInForce = todokuv1.TimeInForce([]int32{1, 1, 2, 4}[random.IntN(4)])
	order.SelfTrade = todokuv1.SelfTradeInstruction(1 + random.IntN(3))
	return order
}

// administer does one thing that staff does.
func administer(ctx context.Context, c *client.Client, random *rand.Rand, n int) error {
	id, user := "staff-"+strconv.Itoa(n), []string{"alice", "bob", "carol", "vera"}[random.IntN(4)]
	var err error
	switch pick := random.IntN(100); {
	case pick < 10:
		_, err = c.Admin().Announce(ctx, &todokuv1.AnnounceRequest{RequestId: id, Text: "to all " + id})
	case pick < 30:
		_, err = c.Admin().Announce(ctx, &todokuv1.AnnounceRequest{RequestId: id, Text: "to " + user, Users: []string{user}})
	case pick < 35:
		_, err = c.Admin().SetTradingStatus(ctx, &todokuv1.SetTradingStatusRequest{
			RequestId: id, Symbol: "DISC", Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN, Reason: id,
		})
	case pick < 50:
		trades, list := c.Market().ListTrades(ctx, &todokuv1.ListTradesRequest{Symbol: "USDJPY", PageSize: 5})
		if list != nil || len(trades.GetTrades()) == 0 {
			return list
		}
		_, err = c.Admin().BustTrade(ctx, &todokuv1.BustTradeRequest{RequestId: id, TradeId: trades.GetTrades()[0].GetTradeId(), Reason: "mistake"})
	}
	return err
}

// flood has a user enter many orders at once and take them all back by one command,
// whose reports do not fit into one response.
func flood(ctx context.Context, address, user, id string, orders int) error {
	c, err := client.Dial(client.Config{Address: address, Plaintext: true, ClientName: "flood"})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // What it has under way is of no interest.
	if err := c.Login(ctx, user, apptest.Password); err != nil {
		return err
	}
	const most = 1000 // Orders in a request.
	for n := 0; n < orders; n += most {
		request := &todokuv1.PlaceOrdersRequest{}
		for i := range min(most, orders-n) {
			request.Orders = append(request.Orders, apptest.Limit(fmt.Sprintf("%s-%d", id, n+i), "USDJPY", todokuv1.Side_SIDE_BUY, "1", fmt.Sprintf("140.%03d", i%40)))
		}
		if _, err := c.Orders().PlaceOrders(ctx, request); err != nil {
			return err
		}
	}
	_, err = c.Orders().MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: id, Symbol: "USDJPY"})
	return err
}
