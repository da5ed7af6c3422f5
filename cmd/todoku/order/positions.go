package order

import (
	"context"
	"math/big"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func PositionsCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ListPositionsRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "positions", Short: "List what an account holds",
		Long:    "Lists what an account holds. Quantity, cost and result are exact; the average is rounded, for reading.",
		Example: "  todoku positions\n  todoku positions --account alice --json",
		Args:    cobra.NoArgs,
	}
	command.Flags().StringVar(&request.Account, "account", "", "account; your default when empty")
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, _ []string) error {
		return cli.Call(ctx, dialed.Orders().ListPositions, request, func(reply *todokuv1.ListPositionsResponse) error {
			return cli.PrintAll(a, asJSON, reply.GetPositions(),
				cli.Columns(cli.Left("ACCOUNT", "SYMBOL"), cli.Right("QUANTITY", "AVERAGE", "COST", "REALISED")), positionRow)
		})
	})
}

func positionRow(p *todokuv1.Position) []string {
	return []string{
		p.GetAccount(), p.GetSymbol(), notation.OrZero(p.GetQuantity()), average(p.GetCost(), p.GetQuantity()),
		notation.OrZero(p.GetCost()), notation.OrZero(p.GetRealised()),
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
