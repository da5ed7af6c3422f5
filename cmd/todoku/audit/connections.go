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

// ConnectionsCommand lists streams.
func ConnectionsCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ListConnectionsRequest{}
	command := &cobra.Command{
		Use: "connections [USER]", Short: "List live streams, and how the latest ended",
		Long: `Lists who is connected, from where, since when, what was sent and what was acknowledged.
With --ended also the latest that have ended, with the reason. With --detail everything
known about one connection: how old its messages were when they were sent and
acknowledged, bytes, what was skipped. Needs RISK or ADMIN.`,
		Example: "  todoku connections\n  todoku connections --detail CONNECTION_ID\n  todoku connections alice --ended 20\n  todoku connections end CONNECTION_ID",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: s.Complete(1, session.Users),
	}
	command.Flags().Uint32Var(&request.Ended, "ended", 0, "this many ended streams too, at most 1000")
	command.Flags().StringVar(&request.ConnectionId, "detail", "", "everything about this connection")
	userFlag(command, &request.User)
	command.AddCommand(endCommand(s))
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		if err := userArgument(&request.User, args); err != nil {
			return err
		}
		reply, err := venue.Admin().ListConnections(ctx, request)
		if err == nil && request.GetConnectionId() != "" && !s.JSON {
			return printDetails(s.App, reply.GetConnections())
		}
		return cli.PrintAll(s.App, reply.GetConnections(), err, connectionRow,
			"USER", "CONNECTION", "FROM", "CLIENT", "SINCE", "STATE", ">IDLE", ">SENT", ">QUEUED", "LAST", "ACKNOWLEDGED")
	})
}

func connectionRow(c *todokuv1.ConnectionInfo) []string {
	state, idle := "live", c.GetIdle().AsDuration().Round(100*time.Millisecond).String()
	if c.GetEndTime() != nil {
		state, idle = endOf(c)+" "+cli.LocalTime(c.GetEndTime()), ""
	}
	return []string{
		c.GetUser(), c.GetConnectionId(), c.GetRemoteAddress(), c.GetClientName(), cli.LocalTime(c.GetAttachTime()), state,
		idle, cli.Bytes(c.GetBytesSent()), cli.FormatUint(c.GetQueued()), c.GetLastCursor(), c.GetAcknowledgedCursor(),
	}
}

// endOf returns why a stream ended and, if known, the disconnect cause.
func endOf(c *todokuv1.ConnectionInfo) string {
	return strings.TrimSpace(c.GetEndReason() + " " + c.GetEndCause())
}

// printDetails prints streams, one fact per line.
func printDetails(a *cli.App, connections []*todokuv1.ConnectionInfo) error {
	if len(connections) == 0 {
		return a.Printf("no stream is attached to that connection; --ended shows how the latest ended\n")
	}
	var text strings.Builder
	fact := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-14s "+format+"\n", append([]any{name}, args...)...)
	}
	for _, c := range connections {
		fact("connection", "%s", c.GetConnectionId())
		fact("user", "%s", c.GetUser())
		fact("client", "%s", c.GetClientName())
		fact("from", "%s", c.GetRemoteAddress())
		fact("attached", "%s, attach %d", cli.LocalTime(c.GetAttachTime()), c.GetAttachNumber())
		fact("age", "%s", age(c.GetAge()))
		fact("idle", "%s", age(c.GetIdle()))
		fact("sent", "%d responses, %s, up to %s", c.GetResponsesSent(), cli.Bytes(c.GetBytesSent()), c.GetLastCursor())
		fact("acknowledged", "response %d, up to %s, %s open", c.GetAcknowledgedNumber(), c.GetAcknowledgedCursor(), cli.Bytes(c.GetUnacknowledgedBytes()))
		fact("queued", "%d", c.GetQueued())
		fact("skipped state", "%d", c.GetConflated())
		if c.GetSendBlocked() != nil {
			fact("send blocked", "%s", age(c.GetSendBlocked()))
		}
		if c.GetEndTime() != nil {
			fact("ended", "%s %s, %s", cli.LocalTime(c.GetEndTime()), endOf(c), c.GetEndDetail())
		}
		if d := c.GetDelivery(); d != nil {
			var recent []string
			for _, r := range d.GetRecent() {
				recent = append(recent, age(r))
			}
			fact("age when sent", "%s", ages(d.GetSent()))
			fact("acknowledged", "%s", ages(d.GetAcknowledged()))
			fact("painted", "%s", ages(d.GetPainted()))
			fact("latest", "%s", strings.Join(recent, " "))
		}
	}
	return a.Printf("%s", text.String())
}

func age(d *durationpb.Duration) string {
	return d.AsDuration().Round(10 * time.Microsecond).String()
}

func ages(d *todokuv1.DeliveryAges) string {
	if d.GetCount() == 0 {
		return "never"
	}
	return fmt.Sprintf("%d times, half within %s, 99 %% within %s", d.GetCount(), age(d.GetP50()), age(d.GetP99()))
}

func endCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.DisconnectConnectionRequest{}
	command := &cobra.Command{
		Use: "end CONNECTION_ID", Short: "End a connection's stream",
		Long:    "Ends a connection's stream. Its client attaches again unless --sign-out ends the session too. Needs ADMIN.",
		Example: "  todoku connections end CONNECTION_ID --sign-out", Args: cobra.ExactArgs(1),
	}
	command.Flags().BoolVar(&request.RevokeSession, "sign-out", false, "end the session too")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.ConnectionId = args[0]
		reply, err := venue.Admin().DisconnectConnection(ctx, request)
		return s.Done(reply, err, "ended")
	})
}
