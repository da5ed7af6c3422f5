// Package audit has the commands that show who did what, who is connected, and who was
// informed of which event and when.
package audit

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// Command lists what users did.
func Command(s *session.Session) *cobra.Command {
	request := &todokuv1.ListAuditRequest{}
	var span cli.Span
	command := &cobra.Command{
		Use: "audit [USER]", Short: "List who did what, when and from where",
		Long: `Lists what users did, newest first: commands from the journal, and sign-ins and streams
from the access log, read together. Needs RISK or ADMIN.`,
		Example: "  todoku audit\n  todoku audit bob --from -24h --limit 0 --json\n  todoku audit told --order 17",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: s.Complete(1, session.Users),
	}
	span.Flags(s.App, command, &request.FromTime, &request.ToTime, "entries")
	userFlag(command, &request.User)
	command.AddCommand(toldCommand(s))
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		if err := userArgument(&request.User, args); err != nil {
			return err
		}
		return cli.PrintPages(s.App, &span, func(size uint32, token string) ([]*todokuv1.AuditEntry, string, error) {
			request.PageSize, request.PageToken = size, token
			reply, err := venue.Admin().ListAudit(ctx, request)
			return reply.GetEntries(), reply.GetNextPageToken(), err
		}, auditRow, "TIME", "USER", "ACCOUNT", "ACTION", ">SEQUENCE", "REQUEST", "FROM", "DETAIL")
	})
}

// userFlag gives a command --user, which says the same as its argument.
func userFlag(command *cobra.Command, user *string) {
	command.Flags().StringVar(user, "user", "", "only this user, as the argument USER; --as says who to be")
}

// userArgument takes over the argument that names a user.
func userArgument(user *string, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if *user != "" && *user != args[0] {
		return cli.Usagef("USER %s contradicts --user %s; name one of them", args[0], *user)
	}
	*user = args[0]
	return nil
}

func auditRow(e *todokuv1.AuditEntry) []string {
	return []string{
		cli.LocalTime(e.GetTime()), e.GetUser(), e.GetAccount(), e.GetAction(), strings.TrimPrefix(cli.FormatUint(e.GetSequence()), "0"),
		e.GetRequestId(), e.GetRemoteAddress(), e.GetDetail(),
	}
}

// toldCommand lists the evidence of who received an event, for disputes.
func toldCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ListToldRequest{}
	command := &cobra.Command{
		Use: "told [SEQUENCE]", Short: "List who was informed of an event, an order or a trade, and when",
		Long: `Lists the streams that an event was sent on, and when their clients acknowledged it at the
latest. Snapshots are not listed: a snapshot sends state, not events. Needs ADMIN.`,
		Example: "  todoku audit told 1042\n  todoku audit told --order 17 --account alice\n  todoku audit told --trade 3 --whom bob",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if len(args) == 0 {
				return nil
			}
			if request.Sequence, err = strconv.ParseUint(args[0], 10, 64); err != nil || request.GetSequence() == 0 {
				return cli.Usagef("invalid sequence %q: write a number from 1, such as 1042", args[0])
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.OrderId, "order", "", "the events of this order")
	flags.StringVar(&request.Account, "account", "", "the order's account, if it no longer works")
	flags.StringVar(&request.TradeId, "trade", "", "the event of this trade")
	flags.StringVar(&request.User, "whom", "", "only this user")
	flags.StringVar(&request.User, "user", "", "the same as --whom")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) error {
		reply, err := venue.Admin().ListTold(ctx, request)
		err = cli.PrintAll(s.App, reply.GetTold(), err, toldRow,
			">SEQUENCE", "COMMITTED", "USER", "CONNECTION", "FROM", "ATTACHED", "ACKNOWLEDGED", "STREAM")
		if err == nil && reply.GetTruncated() {
			s.Say("there are more; name one user with --whom\n")
		}
		return err
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
