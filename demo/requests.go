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

// do sends a command. The error is ctx's: an answer of the venue is an outcome, also
// a refusal.
func (r *runner) do(ctx context.Context, c command) (outcome, error) {
	r.number++
	id := r.config.RunID + "-" + strconv.FormatUint(r.number, 10)
	t := r.traders[c.trader]
	var answer *todokuv1.OrderAnswer
	err := t.call(ctx, func(ctx context.Context) (err error) {
		answer, err = request(ctx, t.client.Orders(), c, id)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return outcome{}, context.Cause(ctx)
	case client.Reason(err) == trade.ReasonUnknownOrder.String():
		return r.ended(ctx, t, c.orderID)
	case err != nil:
		t.logger.LogAttrs(ctx, slog.LevelDebug, "demo trader refused", described(err), slog.String("instrument", c.market.symbol))
		return outcome{refused: cmp.Or(client.Reason(err), status.Code(err).String())}, nil
	}
	r.cursor = cmp.Or(answer.GetCursor(), r.cursor)
	o := outcome{orderID: answer.GetOrderId(), filled: quantity(answer.GetFilledQuantity()), leaves: quantity(answer.GetLeavesQuantity())}
	if c.kind != take || answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED {
		o.refused = refusal(c, answer)
	}
	return o, nil
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
	// A quote stays over the night; should the maker meet itself after a halt, the
	// older quote goes.
	tif := todokuv1.TimeInForce_TIME_IN_FORCE_GTC
	if c.kind == take {
		tif = todokuv1.TimeInForce_TIME_IN_FORCE_IOC
	}
	side := todokuv1.Side_SIDE_BUY
	if c.side == trade.SideSell {
		side = todokuv1.Side_SIDE_SELL
	}
	reply, err := orders.PlaceOrder(ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: id, Symbol: c.market.symbol, Side: side, TimeInForce: tif,
		SelfTrade: todokuv1.SelfTradeInstruction_SELF_TRADE_INSTRUCTION_CANCEL_MAKER,
		Price:     c.price.String(), Quantity: c.quantity.String(),
	})
	return reply.GetAnswer(), err
}

// refusal is the reason of a refused quote. The reason of a canceled order is not a
// refusal.
func refusal(c command, answer *todokuv1.OrderAnswer) string {
	if c.kind == cancel && answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_CANCELED {
		return ""
	}
	return answer.GetReason().GetName()
}

// ended reads what was filled of an order that no longer works.
func (r *runner) ended(ctx context.Context, t *trader, orderID string) (outcome, error) {
	o := outcome{refused: trade.ReasonUnknownOrder.String(), gone: true}
	err := t.call(ctx, func(ctx context.Context) error {
		reply, err := t.client.Orders().GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: orderID, WaitFor: r.cursor})
		o.filled = quantity(reply.GetOrder().GetFilledQuantity())
		return err
	})
	if ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	if err != nil && status.Code(err) != codes.NotFound {
		t.logger.LogAttrs(ctx, slog.LevelWarn, "demo trader cannot look its order up", described(err))
	}
	return o, nil
}

// resume cancels the orders of a trader's earlier runs and reads its positions.
func (r *runner) resume(ctx context.Context, n int) error {
	t := r.traders[n]
	var positions []*todokuv1.Position
	err := t.call(ctx, func(ctx context.Context) error {
		done, err := t.client.Orders().MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: r.config.RunID + "-begin"})
		if err != nil {
			return fmt.Errorf("cancel the orders of earlier runs: %w", err)
		}
		reply, err := t.client.Orders().ListPositions(ctx, &todokuv1.ListPositionsRequest{WaitFor: done.GetCursor()})
		positions = reply.GetPositions()
		return err
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		// An administrator may have suspended it; the others trade on.
		t.logger.LogAttrs(ctx, slog.LevelWarn, "demo trader cannot begin", described(err))
		return nil
	}
	makers := makersOf(len(r.traders))
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
	return nil
}

// lastPrice sets a market's fair price to its last trade.
func (r *runner) lastPrice(ctx context.Context, m *market) error {
	t := r.traders[m.maker]
	err := t.call(ctx, func(ctx context.Context) error {
		book, err := t.client.Market().GetBook(ctx, &todokuv1.GetBookRequest{Symbol: m.symbol, Depth: 1})
		if last, bad := trade.ParsePrice(book.GetLastPrice()); bad == nil && last > 0 {
			m.fair = int64(last / m.tick)
		}
		return err
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		t.logger.LogAttrs(ctx, slog.LevelWarn, "demo trader cannot read a book", described(err), slog.String("instrument", m.symbol))
	}
	return nil
}

// quantity parses a quantity of the venue's; 0 where there is none.
func quantity(s string) trade.Quantity {
	q, err := trade.ParseQuantity(s)
	if err != nil {
		return 0
	}
	return q
}
