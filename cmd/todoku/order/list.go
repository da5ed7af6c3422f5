package order

import (
	"cmp"
	"context"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func listCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ListOrdersRequest{}
	var all bool
	var span cli.Span
	command := &cobra.Command{
		Use: "list", Short: "List working orders, or finished ones too",
		Example: "  todoku order list\n  todoku order list --all --symbol USDJPY --from -24h",
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	flags.BoolVar(&all, "all", false, "finished orders too")
	flags.StringVar(&request.Symbol, "symbol", "", "only this instrument")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	span.Flags(s.App, command, &request.FromTime, &request.ToTime, "orders")
	s.CompleteFlag(command, "symbol", session.Symbols)
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) error {
		request.Symbol, request.WorkingOnly = strings.ToUpper(request.GetSymbol()), !all
		return cli.PrintPages(s.App, &span, func(size uint32, token string) ([]*todokuv1.Order, string, error) {
			request.PageSize, request.PageToken = size, token
			reply, err := venue.Orders().ListOrders(ctx, request)
			return reply.GetOrders(), reply.GetNextPageToken(), err
		}, orderRow, ">ORDER", "ENTERED", "SIDE", ">QUANTITY", "SYMBOL", ">PRICE", ">FILLED", ">LEAVES", "TIF", "STATUS", "ACCOUNT", "CLIENT ID")
	})
}

func orderRow(o *todokuv1.Order) []string {
	return []string{
		o.GetOrderId(), cli.LocalTime(o.GetEnteredTime()), cli.Word(o.GetSide()), o.GetQuantity(), o.GetSymbol(), cmp.Or(o.GetPrice(), "market"),
		notation.OrZero(o.GetFilledQuantity()), notation.OrZero(o.GetLeavesQuantity()), cli.Word(o.GetTimeInForce()),
		cli.Word(o.GetStatus()), o.GetAccount(), o.GetClientOrderId(),
	}
}

// PositionsCommand lists what an account holds.
func PositionsCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ListPositionsRequest{}
	command := &cobra.Command{
		Use: "positions", Short: "List what an account holds",
		Long:    "Lists what an account holds. Quantity, cost and result are exact; the average is rounded, for reading.",
		Example: "  todoku positions\n  todoku positions --account alice --json",
		Args:    cobra.NoArgs,
	}
	command.Flags().StringVar(&request.Account, "account", "", "account; your default when empty")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) error {
		reply, err := venue.Orders().ListPositions(ctx, request)
		return cli.PrintAll(s.App, reply.GetPositions(), err, positionRow, "ACCOUNT", "SYMBOL", ">QUANTITY", ">AVERAGE", ">COST", ">REALISED")
	})
}

func positionRow(p *todokuv1.Position) []string {
	return []string{
		p.GetAccount(), p.GetSymbol(), notation.OrZero(p.GetQuantity()), average(p.GetCost(), p.GetQuantity()),
		notation.OrZero(p.GetCost()), notation.OrZero(p.GetRealised()),
	}
}

// average returns cost divided by quantity, rounded to five decimal places; "" if the
// quantity is zero.
func average(cost, quantity string) string {
	c, ok := new(big.Rat).SetString(cost)
	q, ok2 := new(big.Rat).SetString(quantity)
	if !ok || !ok2 || q.Sign() == 0 {
		return ""
	}
	return c.Quo(c, q).FloatString(5)
}
