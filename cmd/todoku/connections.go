package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) connectionsCommand() *cobra.Command {
	request := &todokuv1.ListConnectionsRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "connections [USER]", Short: "List live streams, and how the latest ended",
		Long: `Lists who is connected, from where, since when, what was sent and what was acknowledged.
With --ended the latest that have ended too, with the reason. Needs RISK or ADMIN.`,
		Example: "  todoku connections\n  todoku connections alice --ended 20\n  todoku connections end CONNECTION_ID",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: a.completeFirst(a.users),
	}
	command.Flags().Uint32Var(&request.Ended, "ended", 0, "so many that have ended too, at most 1000")
	addJSON(command, &asJSON)
	command.AddCommand(a.connectionEndCommand())
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		if len(args) == 1 {
			request.User = args[0]
		}
		return call(ctx, dialed.Admin().ListConnections, request, func(reply *todokuv1.ListConnectionsResponse) error {
			return printAll(a, asJSON, reply.GetConnections(), columns(left("USER", "CONNECTION", "FROM", "CLIENT", "SINCE", "STATE"),
				right("IDLE", "SENT", "QUEUED"), left("LAST", "ACKNOWLEDGED")), a.connectionRow)
		})
	})
}

func (a *app) connectionRow(c *todokuv1.ConnectionInfo) []string {
	state, idle := "live", c.GetIdle().AsDuration().Round(100*time.Millisecond).String()
	if c.GetEndTime() != nil {
		state, idle = c.GetEndReason()+" "+localTime(c.GetEndTime()), ""
	}
	return []string{
		c.GetUser(), c.GetConnectionId(), c.GetRemoteAddress(), c.GetClientName(), localTime(c.GetAttachTime()), state,
		idle, sayBytes(c.GetBytesSent()), formatUint(c.GetQueued()), c.GetLastCursor(), c.GetAcknowledgedCursor(),
	}
}

// sayBytes rounds a size for reading.
func sayBytes(n uint64) string {
	for i, unit := range []string{"B", "KiB", "MiB"} {
		if size := n >> (10 * i); size < 10*1024 {
			return fmt.Sprintf("%d %s", size, unit)
		}
	}
	return fmt.Sprintf("%d GiB", n>>30)
}

func (a *app) connectionEndCommand() *cobra.Command {
	request := &todokuv1.DisconnectConnectionRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "end CONNECTION_ID", Short: "End a connection's stream",
		Long:    "Ends a connection's stream. Its client comes back unless --sign-out ends the session too. Needs ADMIN.",
		Example: "  todoku connections end CONNECTION_ID --sign-out", Args: cobra.ExactArgs(1),
	}
	command.Flags().BoolVar(&request.RevokeSession, "sign-out", false, "end the session too")
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		request.ConnectionId = args[0]
		return call(ctx, dialed.Admin().DisconnectConnection, request, func(reply *todokuv1.DisconnectConnectionResponse) error {
			return a.done(reply, asJSON, "ended")
		})
	})
}
