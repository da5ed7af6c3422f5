package main

import (
	"context"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) announceCommand() *cobra.Command {
	request := &todokuv1.AnnounceRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "announce TEXT", Short: "Tell all users, or some, something",
		Example: "  todoku announce \"The venue closes at 17:00\"\n  todoku announce --to alice --to bob \"Please call the desk\"",
		Args:    cobra.MinimumNArgs(1),
	}
	command.Flags().StringSliceVar(&request.Users, "to", nil, "only this user; can be repeated")
	addJSON(command, &asJSON)
	a.completeFlag(command, "to", a.users)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		request.RequestId, request.Text = orNewID(""), strings.Join(args, " ")
		return call(ctx, dialed.Admin().Announce, request, func(reply *todokuv1.AnnounceResponse) error {
			return a.done(reply, asJSON, "announced")
		})
	})
}

func (a *app) bustCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		request.RequestId, request.TradeId = orNewID(""), args[0]
		return call(ctx, dialed.Admin().BustTrade, request, func(reply *todokuv1.BustTradeResponse) error {
			return a.done(reply, asJSON, "trade %s is busted", args[0])
		})
	})
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  todoku version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			return a.printf("todoku %s (%s)\n", version(), goVersion(info))
		},
	}
}

// version returns what this binary was built from, as the toolchain noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func goVersion(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown toolchain"
	}
	return info.GoVersion
}
