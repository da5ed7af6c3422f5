package market

import (
	"context"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func TradesCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ListTradesRequest{}
	var asJSON bool
	var span cli.TimeSpan
	command := &cobra.Command{
		Use: "trades SYMBOL", Short: "List the trades of an instrument",
		Long:              "Lists the trades of an instrument, newest first, without their parties.",
		Example:           "  todoku trades USDJPY\n  todoku trades USDJPY --from 09:00 --limit 0 --json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFirst(a, session.Symbols),
	}
	span.Define(command, "trades")
	cli.AddJSON(command, &asJSON)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) (err error) {
		if request.FromTime, request.ToTime, err = span.Read(a.Now()); err != nil {
			return err
		}
		request.Symbol = notation.Upper(args[0])
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.PrintPages(a, asJSON, span.Limit, func(size uint32, token string) ([]*todokuv1.TradePrint, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Market().ListTrades(ctx, request)
				return reply.GetTrades(), reply.GetNextPageToken(), err
			}, cli.Columns(cli.Left("TIME"), cli.Right("TRADE", "QUANTITY", "PRICE"), cli.Left("TAKER", "STATUS")), tradeRow)
		})
	})
}

func tradeRow(t *todokuv1.TradePrint) []string {
	return []string{
		cli.LocalTime(t.GetTime()), t.GetTradeId(), t.GetQuantity(), t.GetPrice(),
		cli.Word(t.GetAggressor(), "SIDE_"), cli.Word(t.GetStatus(), "TRADE_STATUS_"),
	}
}
