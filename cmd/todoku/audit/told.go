package audit

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// auditToldCommand answers the question of a dispute: did they know?
func auditToldCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ListToldRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "told [SEQUENCE]", Short: "List who had been told of an event, an order or a trade, and when",
		Long: `Lists the streams that an event was sent on, and when their clients had acknowledged it,
at the latest. What a snapshot told is not in it: a snapshot tells state, not events.
Needs ADMIN.`,
		Example: "  todoku audit told 1042\n  todoku audit told --order 17 --account alice\n  todoku audit told --trade 3 --whom bob",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := command.Flags()
	flags.StringVar(&request.OrderId, "order", "", "the events of this order")
	flags.StringVar(&request.Account, "account", "", "the order's account, if it does not work any more")
	flags.StringVar(&request.TradeId, "trade", "", "the event of this trade")
	flags.StringVar(&request.User, "whom", "", "only this user")
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		if len(args) == 1 {
			sequence, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || sequence == 0 {
				return cli.Usagef("%q is no sequence, such as 1042", args[0])
			}
			request.Sequence = sequence
		}
		return cli.Call(ctx, dialed.Admin().ListTold, request, func(reply *todokuv1.ListToldResponse) error {
			err := cli.PrintAll(a, asJSON, reply.GetTold(), cli.Columns(cli.Right("SEQUENCE"), cli.Left("COMMITTED", "USER", "CONNECTION", "FROM", "ATTACHED", "ACKNOWLEDGED", "STREAM")), toldRow)
			if err == nil && reply.GetTruncated() {
				a.Say("there are more; name one with --whom\n")
			}
			return err
		})
	})
}

func toldRow(t *todokuv1.Told) []string {
	acknowledged, state := "not", "live"
	if t.GetAcknowledgeTime() != nil {
		acknowledged = cli.LocalTime(t.GetAcknowledgeTime())
	}
	if t.GetEndTime() != nil {
		state = t.GetEndReason() + " " + cli.LocalTime(t.GetEndTime())
	}
	return []string{
		cli.FormatUint(t.GetSequence()), cli.LocalTime(t.GetCommitTime()), t.GetUser(), t.GetConnectionId(), t.GetRemoteAddress(),
		cli.LocalTime(t.GetAttachTime()), acknowledged, state,
	}
}
