package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func ConnectionsCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ListConnectionsRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "connections [USER]", Short: "List live streams, and how the latest ended",
		Long: `Lists who is connected, from where, since when, what was sent and what was acknowledged.
With --ended the latest that have ended too, with the reason. With --detail one
connection with all that is known of it: how old its messages were when they were
sent and acknowledged, bytes, what was skipped. Needs RISK or ADMIN.`,
		Example: "  todoku connections\n  todoku connections --detail CONNECTION_ID\n  todoku connections alice --ended 20\n  todoku connections end CONNECTION_ID",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: session.CompleteFirst(a, session.Users),
	}
	command.Flags().Uint32Var(&request.Ended, "ended", 0, "so many that have ended too, at most 1000")
	command.Flags().StringVar(&request.ConnectionId, "detail", "", "everything about this connection")
	cli.AddJSON(command, &asJSON)
	command.AddCommand(connectionEndCommand(a))
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		if len(args) == 1 {
			request.User = args[0]
		}
		return cli.Call(ctx, dialed.Admin().ListConnections, request, func(reply *todokuv1.ListConnectionsResponse) error {
			if request.GetConnectionId() != "" && !asJSON {
				return connectionDetails(a, reply.GetConnections())
			}
			return cli.PrintAll(a, asJSON, reply.GetConnections(), cli.Columns(cli.Left("USER", "CONNECTION", "FROM", "CLIENT", "SINCE", "STATE"),
				cli.Right("IDLE", "SENT", "QUEUED"), cli.Left("LAST", "ACKNOWLEDGED")), connectionRow)
		})
	})
}

func connectionRow(c *todokuv1.ConnectionInfo) []string {
	state, idle := "live", c.GetIdle().AsDuration().Round(100*time.Millisecond).String()
	if c.GetEndTime() != nil {
		state, idle = endOf(c)+" "+cli.LocalTime(c.GetEndTime()), ""
	}
	return []string{
		c.GetUser(), c.GetConnectionId(), c.GetRemoteAddress(), c.GetClientName(), cli.LocalTime(c.GetAttachTime()), state,
		idle, cli.SayBytes(c.GetBytesSent()), cli.FormatUint(c.GetQueued()), c.GetLastCursor(), c.GetAcknowledgedCursor(),
	}
}

// endOf is why a stream ended, and how its client went away if that is why.
func endOf(c *todokuv1.ConnectionInfo) string {
	if c.GetEndCause() != "" {
		return c.GetEndReason() + " " + c.GetEndCause()
	}
	return c.GetEndReason()
}

// connectionDetails prints streams one line a fact.
func connectionDetails(a *cli.App, connections []*todokuv1.ConnectionInfo) error {
	if len(connections) == 0 {
		return a.Printf("no stream is attached to that connection; --ended shows how the latest ended\n")
	}
	for _, c := range connections {
		facts := [][2]string{
			{"connection", c.GetConnectionId()},
			{"user", c.GetUser()},
			{"client", c.GetClientName()},
			{"from", c.GetRemoteAddress()},
			{"attached", cli.LocalTime(c.GetAttachTime()) + ", attach " + cli.FormatUint(c.GetAttachNumber())},
			{"age", sayAge(c.GetAge())},
			{"idle", sayAge(c.GetIdle())},
			{"sent", fmt.Sprintf("%d responses, %s, up to %s", c.GetResponsesSent(), cli.SayBytes(c.GetBytesSent()), c.GetLastCursor())},
			{"acknowledged", fmt.Sprintf("response %d, up to %s, %s open", c.GetAcknowledgedNumber(), c.GetAcknowledgedCursor(), cli.SayBytes(c.GetUnacknowledgedBytes()))},
			{"queued", cli.FormatUint(c.GetQueued())},
			{"skipped state", cli.FormatUint(c.GetConflated())},
		}
		if c.GetSendBlocked() != nil {
			facts = append(facts, [2]string{"send blocked", sayAge(c.GetSendBlocked())})
		}
		if c.GetEndTime() != nil {
			facts = append(facts, [2]string{"ended", cli.LocalTime(c.GetEndTime()) + " " + endOf(c) + ", " + c.GetEndDetail()})
		}
		if d := c.GetDelivery(); d != nil {
			facts = append(facts, [2]string{"age when sent", sayAges(d.GetSent())}, [2]string{"acknowledged", sayAges(d.GetAcknowledged())},
				[2]string{"painted", sayAges(d.GetPainted())})
			recent := make([]string, 0, len(d.GetRecent()))
			for _, age := range d.GetRecent() {
				recent = append(recent, sayAge(age))
			}
			facts = append(facts, [2]string{"latest", strings.Join(recent, " ")})
		}
		for _, fact := range facts {
			if err := a.Printf("%-14s %s\n", fact[0], fact[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sayAge(d *durationpb.Duration) string {
	return d.AsDuration().Round(10 * time.Microsecond).String()
}

func sayAges(d *todokuv1.DeliveryAges) string {
	if d.GetCount() == 0 {
		return "never"
	}
	return fmt.Sprintf("%d times, half within %s, 99 %% within %s", d.GetCount(), sayAge(d.GetP50()), sayAge(d.GetP99()))
}

func connectionEndCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.DisconnectConnectionRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "end CONNECTION_ID", Short: "End a connection's stream",
		Long:    "Ends a connection's stream. Its client comes back unless --sign-out ends the session too. Needs ADMIN.",
		Example: "  todoku connections end CONNECTION_ID --sign-out", Args: cobra.ExactArgs(1),
	}
	command.Flags().BoolVar(&request.RevokeSession, "sign-out", false, "end the session too")
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		request.ConnectionId = args[0]
		return cli.Call(ctx, dialed.Admin().DisconnectConnection, request, func(reply *todokuv1.DisconnectConnectionResponse) error {
			return a.Done(reply, asJSON, "ended")
		})
	})
}
