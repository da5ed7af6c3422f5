package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/admin"
	"todoku/cmd/todoku/audit"
	"todoku/cmd/todoku/bench"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/config"
	"todoku/cmd/todoku/doctor"
	"todoku/cmd/todoku/journal"
	"todoku/cmd/todoku/market"
	"todoku/cmd/todoku/order"
	"todoku/cmd/todoku/serve"
	"todoku/cmd/todoku/session"
	"todoku/cmd/todoku/watch"
)

func run(ctx context.Context, a *cli.App, args []string) int { return a.Execute(ctx, root(a), args) }

func root(a *cli.App) *cobra.Command {
	s := session.New(a)
	root := a.Group("todoku", "A trading venue whose clients never poll", `Todoku is a trading venue in one binary. "todoku serve" runs it; the other commands
use it over the network, as the user that "todoku login" signed in.

Every setting marked so in a command's help can also be given in the environment
(--grpc-addr is TODOKU_GRPC_ADDR) or in a YAML file named by --config, under the
flag's name. Flags win over the environment, the environment over the file.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 could not connect.`,
		serve.Command(a),
		s.LoginCommand(), s.LogoutCommand(),
		watch.Command(s), order.Command(s), market.BookCommand(s), market.TradesCommand(s), order.PositionsCommand(s),
		admin.UserCommand(s), admin.InstrumentCommand(s), admin.LimitsCommand(s), admin.AnnounceCommand(s), admin.BustCommand(s),
		audit.ConnectionsCommand(s), audit.Command(s),
		journal.Command(a), journal.BackupCommand(a), admin.KeysCommand(a), config.Command(a), doctor.Command(s), bench.Command(s), versionCommand(a),
	)
	root.Example = "  todoku serve --demo\n  TODOKU_USER=alice TODOKU_PASSWORD=demo todoku watch"
	return a.Root(root)
}

func versionCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  todoku version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.Printf("todoku %s (%s)\n", cli.Version(), runtime.Version())
		},
	}
}
