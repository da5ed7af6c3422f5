// Package audit has the commands that answer who did what, who is connected, and who was
// informed of what and when.
package audit

import (
	"context"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

func Command(a *cli.App) *cobra.Command {
	request := &todokuv1.ListAuditRequest{}
	var asJSON bool
	var span cli.TimeSpan
	command := &cobra.Command{
		Use: "audit [USER]", Short: "List who did what, when and from where",
		Long: `Lists what users did, newest first: commands from the journal, and sign-ins and streams
from the access log, read together. Needs RISK or ADMIN.`,
		Example: "  todoku audit\n  todoku audit bob --from -24h --limit 0 --json\n  todoku audit told --order 17",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: session.CompleteFirst(a, session.Users),
	}
	span.Define(command, "entries")
	cli.AddJSON(command, &asJSON)
	command.AddCommand(auditToldCommand(a))
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) (err error) {
		if request.FromTime, request.ToTime, err = span.Read(a.Now()); err != nil {
			return err
		}
		if len(args) == 1 {
			request.User = args[0]
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.PrintPages(a, asJSON, span.Limit, func(size uint32, token string) ([]*todokuv1.AuditEntry, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Admin().ListAudit(ctx, request)
				return reply.GetEntries(), reply.GetNextPageToken(), err
			}, cli.Columns(cli.Left("TIME", "USER", "ACCOUNT", "ACTION"), cli.Right("SEQUENCE"), cli.Left("REQUEST", "FROM", "DETAIL")), auditRow)
		})
	})
}

func auditRow(e *todokuv1.AuditEntry) []string {
	sequence := ""
	if e.GetSequence() > 0 {
		sequence = cli.FormatUint(e.GetSequence())
	}
	return []string{
		cli.LocalTime(e.GetTime()), e.GetUser(), e.GetAccount(), e.GetAction(), sequence, e.GetRequestId(), e.GetRemoteAddress(), e.GetDetail(),
	}
}
