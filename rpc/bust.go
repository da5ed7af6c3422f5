package rpc

import (
	"context"
	"errors"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/trade"
)

// bustAttempts bounds how often a bust is tried with newer facts. Between the reading of
// the facts and the decision, the accounts may trade.
const bustAttempts = 5

// BustTrade undoes a trade. The engine does not keep trades; the history has what the
// command needs.
func (s *services) BustTrade(ctx context.Context, req *todokuv1.BustTradeRequest) (*todokuv1.BustTradeResponse, error) {
	var d decoder
	command := trade.BustTrade{
		Actor: trade.Actor{User: callerOf(ctx).user.ID, Request: d.request("request_id", req.GetRequestId())},
		Text:  d.text("reason", req.GetReason(), trade.MaxText),
	}
	id := trade.TradeID(d.id("trade_id", req.GetTradeId()))
	if d.err != nil {
		return nil, d.err
	}
	for attempt := 1; ; attempt++ {
		current := command
		if err := s.loadTrade(ctx, id, &current); err != nil {
			return nil, err
		}
		answer, err := s.engine.Submit(ctx, &current)
		if attempt < bustAttempts && errors.Is(err, &trade.Refusal{Reason: trade.ReasonChangedMeanwhile}) {
			continue
		}
		return reply(&todokuv1.BustTradeResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
	}
}

// loadTrade completes a command with what the history knows of its trade.
func (s *Server) loadTrade(ctx context.Context, id trade.TradeID, command *trade.BustTrade) error {
	command.Through = s.journal.Head()
	err := s.follower.WaitFor(ctx, command.Through)
	if err == nil {
		err = s.feed.WaitFor(ctx, command.Through)
	}
	if err != nil {
		return err
	}
	found, ok, err := s.history.Trade(ctx, id)
	command.Trade = found
	for _, side := range []struct {
		order *trade.Order
		cost  *trade.Amount
		of    trade.Side
	}{{&command.Buy, &command.BuyCost, trade.SideBuy}, {&command.Sell, &command.SellCost, trade.SideSell}} {
		account := found.Party(side.of).Account
		if err == nil && ok {
			*side.order, ok, err = s.history.Order(ctx, account, trade.OrderRef{ID: found.Party(side.of).Order})
		}
		if err == nil && ok {
			*side.cost, err = history.CostAfterBust(ctx, s.history, s.position(account, found.Symbol), &found, side.of)
		}
	}
	if err == nil && !ok {
		return trade.Refuse(trade.ReasonUnknownTrade, "trade_id", "")
	}
	if err == nil {
		command.Previous, err = s.lastBeside(ctx, &found)
	}
	if err == nil {
		command.Disclosed, err = s.disclosed(ctx, &found)
	}
	return err
}

// disclosed says whether the reports of a trade named the counterparties.
func (s *Server) disclosed(ctx context.Context, t *trade.Trade) (bool, error) {
	query := history.ExecutionQuery{Account: t.Buyer.Account, Order: t.Buyer.Order}
	for {
		page, err := s.history.Executions(ctx, query)
		if err != nil {
			return false, err
		}
		for _, e := range page.Items {
			if r := e.ExecutionReport; r.Type == trade.ExecTypeTrade && r.Trade == t.ID {
				return r.Counterparty != "", nil
			}
		}
		if query.Token = page.Next; page.Next == "" {
			return false, nil
		}
	}
}

// position returns what an account holds of an instrument.
func (s *Server) position(account trade.AccountID, symbol trade.Symbol) trade.Position {
	for _, p := range s.feed.Positions(account) {
		if p.Symbol == symbol {
			return p
		}
	}
	return trade.Position{Account: account, Symbol: symbol}
}

// lastBeside returns the newest trade of an instrument that stands beside another, or
// the zero Trade.
func (s *Server) lastBeside(ctx context.Context, other *trade.Trade) (trade.Trade, error) {
	query := history.TradeQuery{Symbol: other.Symbol}
	for {
		page, err := s.history.Trades(ctx, query)
		if err != nil {
			return trade.Trade{}, err
		}
		for _, p := range page.Items {
			if p.ID != other.ID && p.Status == trade.TradeStatusConcluded {
				return trade.Trade{ID: p.ID, Symbol: p.Symbol, Price: p.Price}, nil
			}
		}
		if query.Token = page.Next; page.Next == "" {
			return trade.Trade{}, nil
		}
	}
}
