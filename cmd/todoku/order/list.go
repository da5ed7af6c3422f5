package order

import (
	"context"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func orderListCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ListOrdersRequest{}
	var asJSON, all bool
	var span cli.TimeSpan
	command := &cobra.Command{
		Use: "list", Short: "List working orders, or finished ones too",
		Example: "  todoku order list\n  todoku order list --all --symbol USDJPY --from -24h",
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	flags.BoolVar(&all, "all", false, "finished orders too")
	flags.StringVar(&request.Symbol, "symbol", "", "only this instrument")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	span.Define(command, "orders")
	cli.AddJSON(command, &asJSON)
	session.CompleteFlag(a, command, "symbol", session.Symbols)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) (err error) {
		if request.FromTime, request.ToTime, err = span.Read(a.Now()); err != nil {
			return err
		}
		request.Symbol, request.WorkingOnly = notation.Upper(request.GetSymbol()), !all
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.PrintPages(a, asJSON, span.Limit, func(size uint32, token string) ([]*todokuv1.Order, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Orders().ListOrders(ctx, request)
				return reply.GetOrders(), reply.GetNextPageToken(), err
			}, orderColumns(), orderRow)
		})
	})
}

func orderColumns() []cli.Column {
	return cli.Columns(cli.Right("ORDER"), cli.Left("ENTERED", "SIDE"), cli.Right("QUANTITY"), cli.Left("SYMBOL"), cli.Right("PRICE"),
		cli.Right("FILLED", "LEAVES"), cli.Left("TIF", "STATUS", "ACCOUNT", "CLIENT ID"))
}

func orderRow(o *todokuv1.Order) []string {
	price := o.GetPrice()
	if price == "" {
		price = "market"
	}
	return []string{
		o.GetOrderId(), cli.LocalTime(o.GetEnteredTime()), cli.Word(o.GetSide(), "SIDE_"), o.GetQuantity(), o.GetSymbol(), price,
		notation.OrZero(o.GetFilledQuantity()), notation.OrZero(o.GetLeavesQuantity()), cli.Word(o.GetTimeInForce(), "TIME_IN_FORCE_"),
		cli.Word(o.GetStatus(), "ORDER_STATUS_"), o.GetAccount(), o.GetClientOrderId(),
	}
}
