package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// LimitsCommand is the group of the commands of limits.
func LimitsCommand(s *session.Session) *cobra.Command {
	return s.Group("limits", "Show and set what an account may do",
		`Shows and sets what an account may do; needs RISK or ADMIN. Zero or empty is no limit; for
open orders and messages it takes the venue's default, and none is no limit.`,
		limitsShowCommand(s), limitsSetCommand(s))
}

func limitsShowCommand(s *session.Session) *cobra.Command {
	return s.Run(&cobra.Command{
		Use: "show ACCOUNT", Short: "Show an account's limits", Example: "  todoku limits show alice", Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, venue *session.Venue, args []string) error {
		reply, err := venue.Admin().GetRiskLimits(ctx, &todokuv1.GetRiskLimitsRequest{Account: args[0]})
		return s.Done(reply.GetLimits(), err, "%s", notation.Limits(reply.GetLimits()))
	})
}

func limitsSetCommand(s *session.Session) *cobra.Command {
	limits := &todokuv1.RiskLimits{}
	command := &cobra.Command{
		Use: "set ACCOUNT", Short: "Set some of an account's limits; the others stay",
		Example: "  todoku limits set alice --max-order-quantity 1000000 --max-open-orders 200\n  todoku limits set alice --max-open-orders 0\n  todoku limits set alice --max-messages none",
		Args:    cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&limits.MaxOrderQuantity, "max-order-quantity", "", "largest order")
	flags.StringVar(&limits.MaxOrderNotional, "max-order-notional", "", "largest price times quantity")
	cli.ParsedFlag(flags, &limits.MaxOpenOrders, "max-open-orders", "number", "", "how many orders may work at once; 0 takes the venue's default, none is no limit", parseLimit)
	flags.Uint32Var(&limits.PriceBandBasisPoints, "price-band", 0, "how far from the reference price, in basis points")
	cli.ParsedFlag(flags, &limits.MaxMessagesPerSecond, "max-messages", "number", "", "orders and replaces per second, and as many cancels; 0 takes the venue's default, none is no limit", parseLimit)
	command.MarkFlagsOneRequired("max-order-quantity", "max-order-notional", "max-open-orders", "price-band", "max-messages")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		present, err := venue.Admin().GetRiskLimits(ctx, &todokuv1.GetRiskLimitsRequest{Account: args[0]})
		if err != nil {
			return err
		}
		// The API sets all limits at once: the present ones, then those that flags give.
		given := map[string]string{}
		flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
		proto.Reset(limits)
		proto.Merge(limits, present.GetLimits())
		limits.Account = args[0]
		for name, value := range given {
			if err := flags.Set(name, value); err != nil {
				return err
			}
		}
		reply, err := venue.Admin().SetRiskLimits(ctx, &todokuv1.SetRiskLimitsRequest{RequestId: session.OrNewID(""), Limits: limits})
		return s.Done(reply, err, "%s", notation.Limits(limits))
	})
}

// parseLimit reads a number, or none for no limit.
func parseLimit(text string) (uint32, error) {
	if text == "none" {
		return trade.Unlimited, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, errors.New("write a number, such as 200, or none for no limit")
	}
	return uint32(n), nil
}

// AnnounceCommand sends an announcement.
func AnnounceCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.AnnounceRequest{}
	command := &cobra.Command{
		Use: "announce TEXT", Short: "Send an announcement to all users, or to some",
		Example: "  todoku announce \"The venue closes at 17:00\"\n  todoku announce --to alice --to bob \"Please call the desk\"",
		Args:    cobra.MinimumNArgs(1),
	}
	command.Flags().StringSliceVar(&request.Users, "to", nil, "only this user; can be repeated")
	s.CompleteFlag(command, "to", session.Users)
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.RequestId, request.Text = session.OrNewID(""), strings.Join(args, " ")
		reply, err := venue.Admin().Announce(ctx, request)
		return s.Done(reply, err, "announced")
	})
}

// BustCommand cancels a trade after the fact.
func BustCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.BustTradeRequest{}
	command := &cobra.Command{
		Use: "bust TRADE_ID", Short: "Cancel a trade after the fact",
		Long: `Cancels a trade after the fact: both parties are informed, with the reason, and the fills
are booked the other way round. The orders do not return to the book. A bust is final.`,
		Example: "  todoku bust 42 --reason \"entered at a wrong price\"",
		Args:    cobra.ExactArgs(1),
	}
	command.Flags().StringVar(&request.Reason, "reason", "", "why, for the parties")
	cli.Require(command, "reason")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.RequestId, request.TradeId = session.OrNewID(""), args[0]
		reply, err := venue.Admin().BustTrade(ctx, request)
		return s.Done(reply, err, "trade %s is busted", args[0])
	})
}
