package main

import (
	"context"
	"math/big"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) tradesCommand() *cobra.Command {
	request := &todokuv1.ListTradesRequest{}
	var asJSON bool
	var span timeSpan
	command := &cobra.Command{
		Use: "trades SYMBOL", Short: "List the trades of an instrument",
		Long:              "Lists the trades of an instrument, newest first, without their parties.",
		Example:           "  todoku trades USDJPY\n  todoku trades USDJPY --from 09:00 --limit 0 --json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeFirst(a.symbols),
	}
	span.define(command, "trades")
	addJSON(command, &asJSON)
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) (err error) {
		if request.FromTime, request.ToTime, err = span.read(a.now()); err != nil {
			return err
		}
		request.Symbol = upper(args[0])
		return a.withClient(ctx, c, func(dialed *venue) error {
			return printPages(a, asJSON, span.limit, func(size uint32, token string) ([]*todokuv1.TradePrint, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Market().ListTrades(ctx, request)
				return reply.GetTrades(), reply.GetNextPageToken(), err
			}, columns(left("TIME"), right("TRADE", "QUANTITY", "PRICE"), left("TAKER", "STATUS")), tradeRow)
		})
	})
}

func tradeRow(t *todokuv1.TradePrint) []string {
	return []string{
		localTime(t.GetTime()), t.GetTradeId(), t.GetQuantity(), t.GetPrice(),
		word(t.GetAggressor(), "SIDE_"), word(t.GetStatus(), "TRADE_STATUS_"),
	}
}

func (a *app) positionsCommand() *cobra.Command {
	request := &todokuv1.ListPositionsRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "positions", Short: "List what an account holds",
		Long:    "Lists what an account holds. Quantity, cost and result are exact; the average is rounded, for reading.",
		Example: "  todoku positions\n  todoku positions --account alice --json",
		Args:    cobra.NoArgs,
	}
	command.Flags().StringVar(&request.Account, "account", "", "account; your default when empty")
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, _ []string) error {
		return call(ctx, dialed.Orders().ListPositions, request, func(reply *todokuv1.ListPositionsResponse) error {
			return printAll(a, asJSON, reply.GetPositions(),
				columns(left("ACCOUNT", "SYMBOL"), right("QUANTITY", "AVERAGE", "COST", "REALISED")), positionRow)
		})
	})
}

func positionRow(p *todokuv1.Position) []string {
	return []string{
		p.GetAccount(), p.GetSymbol(), orZero(p.GetQuantity()), average(p.GetCost(), p.GetQuantity()),
		orZero(p.GetCost()), orZero(p.GetRealised()),
	}
}

// averagePlaces is how many decimal places an average price shows.
const averagePlaces = 5

// average returns cost by quantity for reading, "" where nothing is held.
func average(cost, quantity string) string {
	c, ok := new(big.Rat).SetString(cost)
	q, ok2 := new(big.Rat).SetString(quantity)
	if !ok || !ok2 || q.Sign() == 0 {
		return ""
	}
	return c.Quo(c, q).FloatString(averagePlaces)
}
