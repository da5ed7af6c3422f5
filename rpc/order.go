package rpc

import (
	"context"
	"fmt"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// OrderService, what changes something: each request becomes a command, the
// engine answers, and the answer goes out in the wire's words. A refusal by the
// market is an answer; an error means that nothing happened, or that the outcome is unknown.

// PlaceOrder enters an order.
func (s *orderService) PlaceOrder(ctx context.Context, req *todokuv1.PlaceOrderRequest) (*todokuv1.PlaceOrderResponse, error) {
	command := &trade.PlaceOrder{}
	if err := placeOf(callerOf(ctx), req, command); err != nil {
		return nil, err
	}
	answer, err := s.submitOrder(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.PlaceOrderResponse{Answer: answer}, nil
}

// PlaceOrders enters up to 1,000 orders as one group. An entry that is malformed
// or refused is answered for itself; the others go on.
func (s *orderService) PlaceOrders(ctx context.Context, req *todokuv1.PlaceOrdersRequest) (*todokuv1.PlaceOrdersResponse, error) {
	if n := len(req.GetOrders()); n == 0 || n > maxBatch {
		return nil, trade.Refuse(trade.ReasonBadNumber, "orders", fmt.Sprintf("1 to %d orders", maxBatch))
	}
	c := callerOf(ctx)
	sheet := newAnswerSheet(len(req.GetOrders()))
	places := make([]trade.PlaceOrder, len(req.GetOrders()))
	commands := make([]trade.Command, 0, len(places))
	entries := make([]int, 0, len(places)) // Which entry each command is.
	for i, one := range req.GetOrders() {
		if err := placeOf(c, one, &places[i]); err != nil {
			if err := sheet.refuse(i, one, err); err != nil {
				return nil, err
			}
			continue
		}
		commands, entries = append(commands, &places[i]), append(entries, i)
	}
	if len(commands) > 0 {
		for n, result := range s.engine.SubmitAll(ctx, commands) {
			i := entries[n]
			if result.Err != nil {
				// What is not a refusal concerns the whole batch: the same request again
				// tells what became of each.
				if err := sheet.refuse(i, req.GetOrders()[i], result.Err); err != nil {
					return nil, err
				}
				continue
			}
			sheet.answer(i, places[i].Request, &result.Answer, s.feed.Cursor(result.Answer.Sequence))
		}
	}
	return &todokuv1.PlaceOrdersResponse{Answers: sheet.list}, nil
}

// ReplaceOrder changes price and quantity of a working order.
func (s *orderService) ReplaceOrder(ctx context.Context, req *todokuv1.ReplaceOrderRequest) (*todokuv1.ReplaceOrderResponse, error) {
	command, err := decodeReplace(req)
	if err != nil {
		return nil, err
	}
	if err := callerOf(ctx).acts(&command.Actor, toTrade, req.GetAccount()); err != nil {
		return nil, err
	}
	answer, err := s.submitOrder(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.ReplaceOrderResponse{Answer: answer}, nil
}

// CancelOrder cancels a working order.
func (s *orderService) CancelOrder(ctx context.Context, req *todokuv1.CancelOrderRequest) (*todokuv1.CancelOrderResponse, error) {
	command, err := decodeCancel(req)
	if err != nil {
		return nil, err
	}
	if err := callerOf(ctx).acts(&command.Actor, toSeeOrCancel, req.GetAccount()); err != nil {
		return nil, err
	}
	answer, err := s.submitOrder(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.CancelOrderResponse{Answer: answer}, nil
}

// MassCancelOrders cancels the account's working orders.
func (s *orderService) MassCancelOrders(ctx context.Context, req *todokuv1.MassCancelOrdersRequest) (*todokuv1.MassCancelOrdersResponse, error) {
	command, err := decodeMassCancel(req)
	if err != nil {
		return nil, err
	}
	if err := callerOf(ctx).acts(&command.Actor, toSeeOrCancel, req.GetAccount()); err != nil {
		return nil, err
	}
	answer, err := s.engine.Submit(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.MassCancelOrdersResponse{
		Canceled: answer.Count, Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence),
	}, nil
}

// placeOf fills in the command of one order, with the caller as its actor.
func placeOf(c caller, req *todokuv1.PlaceOrderRequest, command *trade.PlaceOrder) error {
	if err := decodePlace(req, command); err != nil {
		return err
	}
	return c.acts(&command.Actor, toTrade, req.GetAccount())
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

func (s *Server) submitOrder(ctx context.Context, command trade.Command) (*todokuv1.OrderAnswer, error) {
	answer, err := s.engine.Submit(ctx, command)
	if err != nil {
		return nil, err
	}
	message := &todokuv1.OrderAnswer{}
	fillAnswer(message, command.From().Request, &answer)
	message.OrderId = orderName(answer.Order())
	message.Cursor = s.cursor(answer.Sequence)
	return message, nil
}

// cursor is the text of the cursor after a sequence.
func (s *Server) cursor(sequence uint64) string { return s.feed.Cursor(sequence).String() }

// await waits until queries reflect a cursor that the client named; empty waits
// for nothing. A cursor of another history, or one that the venue has not
// reached, is BAD_CURSOR: this venue never gave it out.
func (s *Server) await(ctx context.Context, text string) error {
	select {
	case <-s.feed.Ready():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	wanted, err := cursor("wait_for", text)
	if err != nil || wanted == nil {
		return err
	}
	return badCursor("wait_for", s.feed.WaitForCursor(ctx, *wanted))
}
