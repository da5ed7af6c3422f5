package main

import (
	"context"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) auditCommand() *cobra.Command {
	request := &todokuv1.ListAuditRequest{}
	var asJSON bool
	var span timeSpan
	command := &cobra.Command{
		Use: "audit [USER]", Short: "List who did what, when and from where",
		Long: `Lists what users did, newest first: commands from the journal, and sign-ins and streams
from the access log, read together. Needs RISK or ADMIN.`,
		Example: "  todoku audit\n  todoku audit bob --from -24h --limit 0 --json\n  todoku audit told --order 17",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: a.completeFirst(a.users),
	}
	span.define(command, "entries")
	addJSON(command, &asJSON)
	command.AddCommand(a.auditToldCommand())
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) (err error) {
		if request.FromTime, request.ToTime, err = span.read(a.now()); err != nil {
			return err
		}
		if len(args) == 1 {
			request.User = args[0]
		}
		return a.withClient(ctx, c, func(dialed *venue) error {
			return printPages(a, asJSON, span.limit, func(size uint32, token string) ([]*todokuv1.AuditEntry, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Admin().ListAudit(ctx, request)
				return reply.GetEntries(), reply.GetNextPageToken(), err
			}, columns(left("TIME", "USER", "ACCOUNT", "ACTION"), right("SEQUENCE"), left("REQUEST", "FROM", "DETAIL")), auditRow)
		})
	})
}

func auditRow(e *todokuv1.AuditEntry) []string {
	sequence := ""
	if e.GetSequence() > 0 {
		sequence = formatUint(e.GetSequence())
	}
	return []string{
		localTime(e.GetTime()), e.GetUser(), e.GetAccount(), e.GetAction(), sequence, e.GetRequestId(), e.GetRemoteAddress(), e.GetDetail(),
	}
}
