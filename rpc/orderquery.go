package rpc

import (
	"context"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/trade"
)

// OrderService: queries. Working orders and positions come from the feed's views,
// everything else from the history. Both reflect at least the cursor that the client
// waits for, and the cursor in the reply says which.

// GetOrder returns one order: a working one from the views, a finished one from
// the history.
func (s *services) GetOrder(ctx context.Context, req *todokuv1.GetOrderRequest) (*todokuv1.GetOrderResponse, error) {
	var d decoder
	ref := d.orderRef("order_id", req.GetOrderId(), "client_order_id", req.GetClientOrderId())
	account, err := s.accountNow(ctx, &d, req)
	if err != nil {
		return nil, err
	}
	// The position is read first: what the view shows may only be newer.
	position := s.feed.Position()
	order, ok := s.feed.WorkingOrder(account, ref)
	if !ok {
		if err := s.follower.WaitFor(ctx, position); err != nil {
			return nil, err
		}
		if order, ok, err = s.history.Order(ctx, account, ref); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, trade.Refuse(trade.ReasonUnknownOrder, "order_id", "")
	}
	return &todokuv1.GetOrderResponse{Order: orderMessage(&order), Cursor: s.cursor(position)}, nil
}

// ListOrders lists an account's orders, newest first.
func (s *services) ListOrders(ctx context.Context, req *todokuv1.ListOrdersRequest) (_ *todokuv1.ListOrdersResponse, err error) {
	var d decoder
	q := history.OrderQuery{Symbol: optional("symbol", req.GetSymbol(), d.symbol)}
	q.Span, q.PageRequest = d.page(req)
	if q.Account, err = s.accountNow(ctx, &d, req); err != nil {
		return nil, err
	}
	var page history.Page[trade.Order]
	position := s.feed.Position()
	if req.GetWorkingOnly() {
		q.State = history.WorkingOrder
		page, err = s.workingPage(q)
	} else {
		page, position, err = fromHistory(ctx, s, s.history.Orders, q)
	}
	orders, next := fittingPage(page, &q, orderMessage, func(o *trade.Order) uint64 { return uint64(o.ID) })
	return reply(&todokuv1.ListOrdersResponse{Orders: orders, NextPageToken: next, Cursor: s.cursor(position)}, err)
}

// workingPage takes working orders from the views, which are never behind.
func (s *Server) workingPage(q history.OrderQuery) (page history.Page[trade.Order], err error) {
	below, err := history.Below(&q)
	if err != nil {
		return page, badPage(err)
	}
	for order := range s.feed.WorkingOrders(q.Account, below) {
		if q.Symbol != "" && order.Symbol != q.Symbol || order.Entered < q.From || q.To != 0 && order.Entered >= q.To {
			continue
		}
		if len(page.Items) == q.Limit() {
			page.Next = history.NextPage(&q, uint64(page.Items[len(page.Items)-1].ID))
			break
		}
		page.Items = append(page.Items, *order)
	}
	return page, nil
}

// ListExecutions lists an account's execution reports, newest first.
func (s *services) ListExecutions(ctx context.Context, req *todokuv1.ListExecutionsRequest) (_ *todokuv1.ListExecutionsResponse, err error) {
	var d decoder
	q := history.ExecutionQuery{
		Symbol: optional("symbol", req.GetSymbol(), d.symbol),
		Order:  trade.OrderID(optional("order_id", req.GetOrderId(), d.id)),
	}
	q.Span, q.PageRequest = d.page(req)
	if q.Account, err = s.accountNow(ctx, &d, req); err != nil {
		return nil, err
	}
	page, position, err := fromHistory(ctx, s, s.history.Executions, q)
	executions, next := fittingPage(page, &q, func(e *history.Execution) *todokuv1.ExecutionReport {
		return reportMessage(e.ExecutionID(), e.ExecutionReport, e.Time)
	}, func(e *history.Execution) uint64 { return history.ExecutionKey(e.Sequence, e.Event) })
	return reply(&todokuv1.ListExecutionsResponse{Executions: executions, NextPageToken: next, Cursor: s.cursor(position)}, err)
}

// ListPositions lists an account's positions by symbol.
func (s *services) ListPositions(ctx context.Context, req *todokuv1.ListPositionsRequest) (*todokuv1.ListPositionsResponse, error) {
	account, err := s.accountNow(ctx, &decoder{}, req)
	if err != nil {
		return nil, err
	}
	cursor := s.cursor(s.feed.Position())
	return &todokuv1.ListPositionsResponse{Positions: messages(s.feed.Positions(account), positionMessage), Cursor: cursor}, nil
}

// accountQuery is a query about an account.
type accountQuery interface {
	GetAccount() string
	GetWaitFor() string
}

// accountNow returns the account of a query once the views reflect what the client
// waits for. It first returns d's error.
func (s *Server) accountNow(ctx context.Context, d *decoder, req accountQuery) (account trade.AccountID, err error) {
	if d.err == nil {
		c := callerOf(ctx)
		account, d.err = c.accountFor(toSeeOrCancel, req.GetAccount())
	}
	return account, s.await(ctx, d, req.GetWaitFor())
}

// fromHistory returns a page of the history and the feed's position at the call. The page
// reflects at least that position.
func fromHistory[Q, T any](
	ctx context.Context, s *services, query func(context.Context, Q) (history.Page[T], error), q Q,
) (page history.Page[T], position uint64, err error) {
	position = s.feed.Position()
	if err = s.follower.WaitFor(ctx, position); err == nil {
		page, err = query(ctx, q)
	}
	return page, position, badPage(err)
}
