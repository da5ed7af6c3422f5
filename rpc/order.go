package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// OrderService: commands. Each request becomes a command, and the engine's answer the
// reply. A refusal by the market is an answer; an error means that nothing happened, or
// that the outcome is unknown.

// PlaceOrder enters an order.
func (s *services) PlaceOrder(ctx context.Context, req *todokuv1.PlaceOrderRequest) (*todokuv1.PlaceOrderResponse, error) {
	session, cancelAfter := s.cancels(ctx)
	answer, err := submit(ctx, s, toTrade, req, func(req *todokuv1.PlaceOrderRequest) (*trade.PlaceOrder, error) {
		command := &trade.PlaceOrder{}
		err := decodePlace(req, command)
		command.Session = session
		return command, err
	})
	s.acted(ctx, cancelAfter)
	return reply(&todokuv1.PlaceOrderResponse{Answer: s.answer(req.GetClientOrderId(), &answer)}, err)
}

// PlaceOrders enters up to 1,000 orders as one group. An entry that is malformed
// or refused is answered for itself; the others go on.
func (s *services) PlaceOrders(ctx context.Context, req *todokuv1.PlaceOrdersRequest) (*todokuv1.PlaceOrdersResponse, error) {
	if n := len(req.GetOrders()); n == 0 || n > maxBatch {
		return nil, trade.Refuse(trade.ReasonBadNumber, "orders", fmt.Sprintf("1 to %d orders", maxBatch))
	}
	c := callerOf(ctx)
	session, cancelAfter := s.cancels(ctx)
	sheet := newAnswerSheet(len(req.GetOrders()))
	places := make([]trade.PlaceOrder, len(req.GetOrders()))
	commands := make([]trade.Command, 0, len(places))
	entries := make([]int, 0, len(places)) // The entry of each command.
	for i, one := range req.GetOrders() {
		err := decodePlace(one, &places[i])
		places[i].Session = session
		if err == nil {
			err = c.acts(&places[i].Actor, toTrade, one.GetAccount())
		}
		if err == nil {
			commands, entries = append(commands, &places[i]), append(entries, i)
		} else if err := sheet.refuse(i, one, err); err != nil {
			return nil, err
		}
	}
	if len(commands) == 0 {
		return &todokuv1.PlaceOrdersResponse{Answers: sheet.list}, nil
	}
	results := s.engine.SubmitAll(ctx, commands)
	s.acted(ctx, cancelAfter)
	for n, result := range results {
		i := entries[n]
		if result.Err == nil {
			sheet.answer(i, places[i].Request, &result.Answer, s.feed.Cursor(result.Answer.Sequence))
		} else if err := sheet.refuse(i, req.GetOrders()[i], result.Err); err != nil {
			// Any error but a refusal concerns the whole batch: the same request again
			// returns the outcome of each.
			return nil, err
		}
	}
	return &todokuv1.PlaceOrdersResponse{Answers: sheet.list}, nil
}

// ReplaceOrder changes price and quantity of a working order.
func (s *services) ReplaceOrder(ctx context.Context, req *todokuv1.ReplaceOrderRequest) (*todokuv1.ReplaceOrderResponse, error) {
	_, cancelAfter := s.cancels(ctx)
	answer, err := submit(ctx, s, toTrade, req, decodeReplace)
	s.acted(ctx, cancelAfter)
	return reply(&todokuv1.ReplaceOrderResponse{Answer: s.answer(req.GetClientOrderId(), &answer)}, err)
}

// CancelOrder cancels a working order.
func (s *services) CancelOrder(ctx context.Context, req *todokuv1.CancelOrderRequest) (*todokuv1.CancelOrderResponse, error) {
	answer, err := submit(ctx, s, toSeeOrCancel, req, decodeCancel)
	return reply(&todokuv1.CancelOrderResponse{Answer: s.answer(req.GetClientOrderId(), &answer)}, err)
}

// MassCancelOrders cancels the account's working orders.
func (s *services) MassCancelOrders(ctx context.Context, req *todokuv1.MassCancelOrdersRequest) (*todokuv1.MassCancelOrdersResponse, error) {
	answer, err := submit(ctx, s, toSeeOrCancel, req, decodeMassCancel)
	return reply(&todokuv1.MassCancelOrdersResponse{
		Canceled: answer.Count, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence),
	}, err)
}

// submit submits the command of a request, with the caller as its actor, for the
// account that the request names.
func submit[Q interface{ GetAccount() string }, C trade.Command](
	ctx context.Context, s *services, why purpose, req Q, decode func(Q) (C, error),
) (trade.Answer, error) {
	command, err := decode(req)
	if err == nil {
		err = callerOf(ctx).acts(command.From(), why, req.GetAccount())
	}
	if err != nil {
		return trade.Answer{}, err
	}
	answer, err := s.engine.Submit(ctx, command)
	if errors.Is(err, &trade.Refusal{Reason: trade.ReasonUnknownOrder}) && s.ended(ctx, command) {
		err = trade.Refuse(trade.ReasonTooLate, "order_id", "")
	}
	return answer, err
}

// endedPatience bounds the wait for a history that is behind the journal.
const endedPatience = time.Second

// ended says whether the history has the order of a command. The engine keeps only working
// orders, so an order that it does not know and the history does has ended.
func (s *Server) ended(ctx context.Context, command trade.Command) bool {
	var target trade.OrderRef
	switch c := any(command).(type) {
	case *trade.CancelOrder:
		target = c.Target
	case *trade.ReplaceOrder:
		target = c.Target
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, endedPatience)
	defer cancel()
	o, ok, err := s.history.Order(ctx, command.From().Account, target)
	if err == nil && !ok && s.follower.WaitFor(ctx, s.journal.Head()) == nil {
		o, ok, err = s.history.Order(ctx, command.From().Account, target)
	}
	return err == nil && ok && o.Status != trade.OrderStatusRejected
}

// cancels returns the caller's session and its time if it cancels on disconnect.
func (s *Server) cancels(ctx context.Context) (session string, after time.Duration) {
	session = callerOf(ctx).Session
	if after = s.accounts.CancelOnDisconnect(session); after == 0 {
		return "", 0
	}
	return session, after
}

// acted notes that the caller's session has given the engine an order, whatever the
// outcome: the order may happen after its caller is gone.
func (s *Server) acted(ctx context.Context, cancelAfter time.Duration) {
	if cancelAfter > 0 {
		c := callerOf(ctx)
		s.live.Acted(c.user.ID, c.Session, cancelAfter)
	}
}

// acts makes the caller the actor of a command for the account that was named.
func (c caller) acts(actor *trade.Actor, why purpose, name string) error {
	account, err := c.accountFor(why, name)
	if err != nil {
		return err
	}
	actor.User, actor.Account = c.user.ID, account
	return nil
}

// answer is the engine's answer to a request about one order.
func (s *Server) answer(request string, a *trade.Answer) *todokuv1.OrderAnswer {
	m := &todokuv1.OrderAnswer{OrderId: idText(a.Order()), Cursor: s.cursor(a.Sequence)}
	fillAnswer(m, trade.RequestID(request), a)
	return m
}

// cursor is the text of the cursor after a sequence.
func (s *Server) cursor(sequence uint64) string { return s.feed.Cursor(sequence).String() }

// await waits until queries reflect a cursor that the client named; empty waits
// for nothing. It first returns d's error. A cursor of another history, or one that the
// venue has not reached, is BAD_CURSOR: this venue never sent it.
func (s *Server) await(ctx context.Context, d *decoder, text string) error {
	wanted := d.cursor("wait_for", text)
	if d.err != nil {
		return d.err
	}
	select {
	case <-s.feed.Ready():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if wanted == nil {
		return nil
	}
	return badCursor("wait_for", s.feed.WaitForCursor(ctx, *wanted))
}
