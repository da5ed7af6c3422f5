package rpc

import (
	"context"
	"slices"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/trade"
)

// OrderService, what only looks. Working orders and positions come from the
// feed's views, everything else from the history; both reflect at least the
// cursor that the client waits for, and the cursor in the reply says which.

// GetOrder returns one order: a working one from the views, a finished one from
// the history.
func (s *orderService) GetOrder(ctx context.Context, req *todokuv1.GetOrderRequest) (*todokuv1.GetOrderResponse, error) {
	var d decoder
	ref := d.orderRef("order_id", req.GetOrderId(), "client_order_id", req.GetClientOrderId())
	if d.err != nil {
		return nil, d.err
	}
	c := callerOf(ctx)
	account, err := c.accountFor(toSeeOrCancel, req.GetAccount())
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, req.GetWaitFor()); err != nil {
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
func (s *orderService) ListOrders(ctx context.Context, req *todokuv1.ListOrdersRequest) (*todokuv1.ListOrdersResponse, error) {
	var d decoder
	q := history.OrderQuery{Symbol: d.anySymbol(req.GetSymbol())}
	q.From, q.To = d.period(req.GetFromTime(), req.GetToTime())
	q.Size, q.Token = d.page(req.GetPageSize(), req.GetPageToken())
	if req.GetWorkingOnly() {
		q.State = history.WorkingOrder
	}
	account, position, err := s.listing(ctx, &d, req.GetAccount(), req.GetWaitFor())
	if err != nil {
		return nil, err
	}
	q.Account = account
	page, err := s.ordersPage(ctx, q, position)
	if err != nil {
		return nil, err
	}
	res := &todokuv1.ListOrdersResponse{NextPageToken: page.Next, Cursor: s.cursor(position)}
	for i := range page.Items {
		res.Orders = append(res.Orders, orderMessage(&page.Items[i]))
	}
	return res, nil
}

// ordersPage takes working orders from the views, which are never behind, and
// others from the history.
func (s *Server) ordersPage(ctx context.Context, q history.OrderQuery, position uint64) (history.Page[trade.Order], error) {
	if q.State != history.WorkingOrder {
		if err := s.follower.WaitFor(ctx, position); err != nil {
			return history.Page[trade.Order]{}, err
		}
		page, err := s.history.Orders(ctx, q)
		return page, badPage(err)
	}
	below, err := history.Below(&q)
	if err != nil {
		return history.Page[trade.Order]{}, badPage(err)
	}
	var page history.Page[trade.Order]
	for _, order := range slices.Backward(s.feed.WorkingOrders(q.Account, q.Symbol)) {
		if uint64(order.ID) >= below || order.Entered < q.From || q.To != 0 && order.Entered >= q.To {
			continue
		}
		if len(page.Items) == q.Limit() {
			page.Next = history.NextPage(&q, uint64(page.Items[len(page.Items)-1].ID))
			break
		}
		page.Items = append(page.Items, order)
	}
	return page, nil
}

// ListExecutions lists an account's execution reports, newest first.
func (s *orderService) ListExecutions(ctx context.Context, req *todokuv1.ListExecutionsRequest) (*todokuv1.ListExecutionsResponse, error) {
	var d decoder
	q := history.ExecutionQuery{Symbol: d.anySymbol(req.GetSymbol())}
	if req.GetOrderId() != "" {
		q.Order = trade.OrderID(d.number("order_id", req.GetOrderId()))
	}
	q.From, q.To = d.period(req.GetFromTime(), req.GetToTime())
	q.Size, q.Token = d.page(req.GetPageSize(), req.GetPageToken())
	account, position, err := s.listing(ctx, &d, req.GetAccount(), req.GetWaitFor())
	if err != nil {
		return nil, err
	}
	q.Account = account
	if err := s.follower.WaitFor(ctx, position); err != nil {
		return nil, err
	}
	page, err := s.history.Executions(ctx, q)
	if err != nil {
		return nil, badPage(err)
	}
	res := &todokuv1.ListExecutionsResponse{NextPageToken: page.Next, Cursor: s.cursor(position)}
	for i := range page.Items {
		e := &page.Items[i]
		res.Executions = append(res.Executions, reportMessage(e.ExecutionID(), e.ExecutionReport, e.Time))
	}
	return res, nil
}

// ListPositions lists an account's positions by symbol.
func (s *orderService) ListPositions(ctx context.Context, req *todokuv1.ListPositionsRequest) (*todokuv1.ListPositionsResponse, error) {
	account, position, err := s.listing(ctx, &decoder{}, req.GetAccount(), req.GetWaitFor())
	if err != nil {
		return nil, err
	}
	res := &todokuv1.ListPositionsResponse{Cursor: s.cursor(position)}
	for _, p := range s.feed.Positions(account) {
		res.Positions = append(res.Positions, positionMessage(&p))
	}
	return res, nil
}

// listing is what every listing of an account begins with: the request's form,
// the account, and the position that the reply will reflect at least.
func (s *Server) listing(ctx context.Context, d *decoder, name, waitFor string) (trade.AccountID, uint64, error) {
	if d.err != nil {
		return "", 0, d.err
	}
	c := callerOf(ctx)
	account, err := c.accountFor(toSeeOrCancel, name)
	if err != nil {
		return "", 0, err
	}
	if err := s.await(ctx, waitFor); err != nil {
		return "", 0, err
	}
	return account, s.feed.Position(), nil
}
