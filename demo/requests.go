package demo

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Commands of the script as requests of the API, and answers as outcomes.

// do sends a command and returns the venue's answer, which may be a refusal. When ctx
// ends, the outcome is not known.
func (r *runner) do(ctx context.Context, c command) outcome {
	r.number++
	id := r.id + "-" + strconv.FormatUint(r.number, 10)
	t := r.traders[c.trader]
	var answer *todokuv1.OrderAnswer
	err := t.call(ctx, func(ctx context.Context) (err error) {
		answer, err = request(ctx, t.client.Orders(), c, id)
		return err
	})
	switch {
	case client.Reason(err) == trade.ReasonUnknownOrder.String():
		return r.ended(ctx, t, c.orderID)
	case err != nil:
		t.log(ctx, slog.LevelDebug, "demo trader refused", err, slog.String("instrument", c.market.symbol))
		return outcome{refused: cmp.Or(client.Reason(err), status.Code(err).String())}
	}
	r.cursor = cmp.Or(answer.GetCursor(), r.cursor)
	o := outcome{orderID: answer.GetOrderId(), filled: quantity(answer.GetFilledQuantity()), leaves: quantity(answer.GetLeavesQuantity())}
	switch status := answer.GetStatus(); {
	case c.kind == take && status != todokuv1.OrderStatus_ORDER_STATUS_REJECTED:
	case c.kind == cancel && status == todokuv1.OrderStatus_ORDER_STATUS_CANCELED:
		// The reason of a canceled order is not a refusal.
	default:
		o.refused = answer.GetReason().GetName()
	}
	return o
}

// request sends a command under an id.
func request(ctx context.Context, orders todokuv1.OrderServiceClient, c command, id string) (*todokuv1.OrderAnswer, error) {
	switch c.kind {
	case replace:
		reply, err := orders.ReplaceOrder(ctx, &todokuv1.ReplaceOrderRequest{
			ClientOrderId: id, OrderId: c.orderID, Price: c.price.String(), Quantity: c.quantity.String(),
		})
		return reply.GetAnswer(), err
	case cancel:
		reply, err := orders.CancelOrder(ctx, &todokuv1.CancelOrderRequest{ClientOrderId: id, OrderId: c.orderID})
		return reply.GetAnswer(), err
	case place, take:
	}
	// A quote stays overnight. If two quotes of the maker would trade with each
	// other after a halt, the older one is canceled.
	tif := todokuv1.TimeInForce_TIME_IN_FORCE_GTC
	if c.kind == take {
		tif = todokuv1.TimeInForce_TIME_IN_FORCE_IOC
	}
	reply, err := orders.PlaceOrder(ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: id, Symbol: c.market.symbol, Side: todokuv1.Side(c.side), TimeInForce: tif,
		SelfTrade: todokuv1.SelfTradeInstruction_SELF_TRADE_INSTRUCTION_CANCEL_MAKER,
		Price:     c.price.String(), Quantity: c.quantity.String(),
	})
	return reply.GetAnswer(), err
}

// ended reads what was filled of an order that no longer works.
func (r *runner) ended(ctx context.Context, t *trader, orderID string) outcome {
	o := outcome{refused: trade.ReasonUnknownOrder.String(), gone: true}
	err := t.call(ctx, func(ctx context.Context) error {
		reply, err := t.client.Orders().GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: orderID, WaitFor: r.cursor})
		o.filled = quantity(reply.GetOrder().GetFilledQuantity())
		return err
	})
	if err != nil && status.Code(err) != codes.NotFound {
		t.log(ctx, slog.LevelWarn, "demo trader cannot look its order up", err)
	}
	return o
}

// resume cancels the orders of a trader's earlier runs and reads its positions. A trader
// that an administrator has suspended fails; the others trade.
func (r *runner) resume(ctx context.Context, n int) {
	t := r.traders[n]
	var positions []*todokuv1.Position
	err := t.call(ctx, func(ctx context.Context) error {
		done, err := t.client.Orders().MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: r.id + "-begin"})
		if err != nil {
			return fmt.Errorf("cancel the orders of earlier runs: %w", err)
		}
		reply, err := t.client.Orders().ListPositions(ctx, &todokuv1.ListPositionsRequest{WaitFor: done.GetCursor()})
		positions = reply.GetPositions()
		return err
	})
	if err != nil {
		t.log(ctx, slog.LevelWarn, "demo trader cannot begin", err)
	}
	for _, p := range positions {
		for _, m := range r.markets {
			switch held := quantity(p.GetQuantity()); {
			case m.symbol != p.GetSymbol():
			case n >= makers:
				m.taken[n-makers] = held
			case n == m.maker:
				m.held = held
			}
		}
	}
}

// lastPrice sets a market's fair price to its last trade.
func (r *runner) lastPrice(ctx context.Context, m *market) {
	t := r.traders[m.maker]
	err := t.call(ctx, func(ctx context.Context) error {
		book, err := t.client.Market().GetBook(ctx, &todokuv1.GetBookRequest{Symbol: m.symbol, Depth: 1})
		if last, bad := trade.ParsePrice(book.GetLastPrice()); bad == nil && last > 0 {
			m.fair = int64(last / m.tick)
		}
		return err
	})
	if err != nil {
		t.log(ctx, slog.LevelWarn, "demo trader cannot read a book", err, slog.String("instrument", m.symbol))
	}
}

// quantity parses a quantity of the venue's; 0 where there is none.
func quantity(s string) trade.Quantity {
	q, _ := trade.ParseQuantity(s)
	return q
}
