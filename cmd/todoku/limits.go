package main

import (
	"context"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) limitsCommand() *cobra.Command {
	return a.group("limits", "Show and set what an account may do",
		"Shows and sets what an account may do; needs RISK or ADMIN. Zero or empty is no limit.",
		a.limitsShowCommand(), a.limitsSetCommand())
}

func (a *app) limitsShowCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "show ACCOUNT", Short: "Show an account's limits", Example: "  todoku limits show alice", Args: cobra.ExactArgs(1),
	}
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		return call(ctx, dialed.Admin().GetRiskLimits, &todokuv1.GetRiskLimitsRequest{Account: args[0]},
			func(reply *todokuv1.GetRiskLimitsResponse) error {
				return a.done(reply.GetLimits(), asJSON, "%s", sayLimits(reply.GetLimits()))
			})
	})
}

func (a *app) limitsSetCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	command.MarkFlagsOneRequired("max-order-quantity", "max-order-notional", "max-open-orders", "price-band", "max-messages")
	// What is not given stays: the API sets all limits at once.
	merge := map[string]func(*todokuv1.RiskLimits){
		"max-order-quantity": func(l *todokuv1.RiskLimits) { l.MaxOrderQuantity = wanted.GetMaxOrderQuantity() },
		"max-order-notional": func(l *todokuv1.RiskLimits) { l.MaxOrderNotional = wanted.GetMaxOrderNotional() },
		"max-open-orders":    func(l *todokuv1.RiskLimits) { l.MaxOpenOrders = wanted.GetMaxOpenOrders() },
		"price-band":         func(l *todokuv1.RiskLimits) { l.PriceBandBasisPoints = wanted.GetPriceBandBasisPoints() },
		"max-messages":       func(l *todokuv1.RiskLimits) { l.MaxMessagesPerSecond = wanted.GetMaxMessagesPerSecond() },
	}
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
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
		return call(ctx, dialed.Admin().SetRiskLimits, &todokuv1.SetRiskLimitsRequest{RequestId: orNewID(""), Limits: limits},
			func(reply *todokuv1.SetRiskLimitsResponse) error {
				return a.done(reply, asJSON, "%s", sayLimits(limits))
			})
	})
}
