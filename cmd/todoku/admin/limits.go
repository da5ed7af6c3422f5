package admin

import (
	"context"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func LimitsCommand(a *cli.App) *cobra.Command {
	return a.Group("limits", "Show and set what an account may do",
		"Shows and sets what an account may do; needs RISK or ADMIN. Zero or empty is no limit.",
		limitsShowCommand(a), limitsSetCommand(a))
}

func limitsShowCommand(a *cli.App) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "show ACCOUNT", Short: "Show an account's limits", Example: "  todoku limits show alice", Args: cobra.ExactArgs(1),
	}
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		return cli.Call(ctx, dialed.Admin().GetRiskLimits, &todokuv1.GetRiskLimitsRequest{Account: args[0]},
			func(reply *todokuv1.GetRiskLimitsResponse) error {
				return a.Done(reply.GetLimits(), asJSON, "%s", notation.SayLimits(reply.GetLimits()))
			})
	})
}

func limitsSetCommand(a *cli.App) *cobra.Command {
	wanted := &todokuv1.RiskLimits{}
	var asJSON bool
	command := &cobra.Command{
		Use: "set ACCOUNT", Short: "Set some of an account's limits; the others stay",
		Example: "  todoku limits set alice --max-order-quantity 1000000 --max-open-orders 200\n  todoku limits set alice --max-open-orders 0",
		Args:    cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&wanted.MaxOrderQuantity, "max-order-quantity", "", "largest order")
	flags.StringVar(&wanted.MaxOrderNotional, "max-order-notional", "", "largest price times quantity")
	flags.Uint32Var(&wanted.MaxOpenOrders, "max-open-orders", 0, "how many orders may work at once")
	flags.Uint32Var(&wanted.PriceBandBasisPoints, "price-band", 0, "how far from the reference price, in basis points")
	flags.Uint32Var(&wanted.MaxMessagesPerSecond, "max-messages", 0, "orders, replaces and cancels per second")
	cli.AddJSON(command, &asJSON)
	command.MarkFlagsOneRequired("max-order-quantity", "max-order-notional", "max-open-orders", "price-band", "max-messages")
	// What is not given stays: the API sets all limits at once.
	merge := map[string]func(*todokuv1.RiskLimits){
		"max-order-quantity": func(l *todokuv1.RiskLimits) { l.MaxOrderQuantity = wanted.GetMaxOrderQuantity() },
		"max-order-notional": func(l *todokuv1.RiskLimits) { l.MaxOrderNotional = wanted.GetMaxOrderNotional() },
		"max-open-orders":    func(l *todokuv1.RiskLimits) { l.MaxOpenOrders = wanted.GetMaxOpenOrders() },
		"price-band":         func(l *todokuv1.RiskLimits) { l.PriceBandBasisPoints = wanted.GetPriceBandBasisPoints() },
		"max-messages":       func(l *todokuv1.RiskLimits) { l.MaxMessagesPerSecond = wanted.GetMaxMessagesPerSecond() },
	}
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		present, err := dialed.Admin().GetRiskLimits(ctx, &todokuv1.GetRiskLimitsRequest{Account: args[0]})
		if err != nil {
			return err
		}
		limits := present.GetLimits()
		if limits == nil {
			limits = &todokuv1.RiskLimits{}
		}
		limits.Account = args[0]
		for name, apply := range merge {
			if flags.Changed(name) {
				apply(limits)
			}
		}
		return cli.Call(ctx, dialed.Admin().SetRiskLimits, &todokuv1.SetRiskLimitsRequest{RequestId: session.OrNewID(""), Limits: limits},
			func(reply *todokuv1.SetRiskLimitsResponse) error {
				return a.Done(reply, asJSON, "%s", notation.SayLimits(limits))
			})
	})
}
