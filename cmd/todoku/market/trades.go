package market

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// TradesCommand lists trades.
func TradesCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ListTradesRequest{}
	var span cli.Span
	command := &cobra.Command{
		Use: "trades SYMBOL", Short: "List the trades of an instrument",
		Long:              "Lists the trades of an instrument, newest first, without their parties.",
		Example:           "  todoku trades USDJPY\n  todoku trades USDJPY --from 09:00 --limit 0 --json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.Complete(1, session.Symbols),
	}
	span.Flags(s.App, command, &request.FromTime, &request.ToTime, "trades")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.Symbol = strings.ToUpper(args[0])
		return cli.PrintPages(s.App, &span, func(size uint32, token string) ([]*todokuv1.TradePrint, string, error) {
			request.PageSize, request.PageToken = size, token
			reply, err := venue.Market().ListTrades(ctx, request)
			return reply.GetTrades(), reply.GetNextPageToken(), err
		}, tradeRow, "TIME", ">TRADE", ">QUANTITY", ">PRICE", "TAKER", "STATUS")
	})
}

func tradeRow(t *todokuv1.TradePrint) []string {
	return []string{
		cli.LocalTime(t.GetTime()), t.GetTradeId(), t.GetQuantity(), t.GetPrice(), cli.Word(t.GetAggressor()), cli.Word(t.GetStatus()),
	}
}
