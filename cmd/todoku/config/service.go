package config

import (
	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/deadline"
)

func configServiceConfigCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "service-config", Short: "Print deadlines and retries for gRPC clients in any language",
		Long: `Prints a gRPC service config in JSON: for every method of the API how long a call may
take and whether it is sent again, with a throttle for a venue that is down. A client
hands it to its gRPC library and needs no table of its own:

  Go       grpc.WithDefaultServiceConfig(text)
  Node.js  { 'grpc.service_config': text }, an option of the channel
  Python   [("grpc.service_config", text)], options of the channel

A timeout in it is the most that a call gets: of it and the caller's own deadline,
gRPC takes the shorter. FeedNotification has none and is not sent again: a deadline
would cut it, and it is resumed from its cursor instead. The Go client of the project
has the same policy built in. docs/timeouts.md gives the reasons.`,
		Example: "  todoku config service-config > service-config.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.Printf("%s\n", deadline.ServiceConfig())
		},
	}
}
