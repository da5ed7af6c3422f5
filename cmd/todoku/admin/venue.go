package admin

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func AnnounceCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.AnnounceRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "announce TEXT", Short: "Tell all users, or some, something",
		Example: "  todoku announce \"The venue closes at 17:00\"\n  todoku announce --to alice --to bob \"Please call the desk\"",
		Args:    cobra.MinimumNArgs(1),
	}
	command.Flags().StringSliceVar(&request.Users, "to", nil, "only this user; can be repeated")
	cli.AddJSON(command, &asJSON)
	session.CompleteFlag(a, command, "to", session.Users)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		request.RequestId, request.Text = session.OrNewID(""), strings.Join(args, " ")
		return cli.Call(ctx, dialed.Admin().Announce, request, func(reply *todokuv1.AnnounceResponse) error {
			return a.Done(reply, asJSON, "announced")
		})
	})
}

func BustCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.BustTradeRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "bust TRADE_ID", Short: "Undo a trade",
		Long: `Undoes a trade: both parties are told, with the reason, and the fills are booked the
other way round. The orders do not go back into the book. It cannot be undone.`,
		Example: "  todoku bust 42 --reason \"entered at a wrong price\"",
		Args:    cobra.ExactArgs(1),
	}
	command.Flags().StringVar(&request.Reason, "reason", "", "why, for the parties")
	// It fails only for a flag that does not exist.
	_ = command.MarkFlagRequired("reason")
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		request.RequestId, request.TradeId = session.OrNewID(""), args[0]
		return cli.Call(ctx, dialed.Admin().BustTrade, request, func(reply *todokuv1.BustTradeResponse) error {
			return a.Done(reply, asJSON, "trade %s is busted", args[0])
		})
	})
}
