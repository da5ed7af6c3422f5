package rpc

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
)

// The audit trail is two lists read as one: the commands that the journal holds,
// and the access log of package account, merged by time, newest first.

// ListAudit lists who did what, when and from where.
func (s *services) ListAudit(ctx context.Context, req *todokuv1.ListAuditRequest) (*todokuv1.ListAuditResponse, error) {
	var d decoder
	user := optional("user", req.GetUser(), d.user)
	span, page := d.page(req)
	if err := s.await(ctx, &d, ""); err != nil {
		return nil, err
	}
	scope := history.Scope("audit trail", user, span)
	place, err := parseAuditPlace(page.Token, scope)
	if err != nil {
		return nil, err
	}
	if page.Token == "" {
		if err := s.follower.WaitFor(ctx, s.feed.Position()); err != nil {
			return nil, err
		}
		// Entries that are added while a caller reads pages are not in them.
		place.until = cmp.Or(span.To, s.options.Clock().UnixNano()+1)
	}
	span.To = place.until
	entries, next, err := s.auditPage(ctx, history.AuditQuery{User: user, Span: span, PageRequest: history.PageRequest{Size: page.Size}}, place)
	return reply(&todokuv1.ListAuditResponse{Entries: entries, NextPageToken: next.token(scope)}, err)
}

// auditPage returns the newest entries of a query after a place, and the place after them.
func (s *Server) auditPage(ctx context.Context, q history.AuditQuery, from auditPlace) ([]*todokuv1.AuditEntry, auditPlace, error) {
	var commands history.Page[history.AuditEntry]
	var accesses []account.Entry
	var moreAccesses bool
	var err error
	if from.done&commandsDone == 0 {
		if from.sequence != 0 {
			q.Token = history.NextPage(&q, from.sequence)
		}
		if commands, err = s.history.Audit(ctx, q); err != nil {
			return nil, from, badPage(err)
		}
	}
	if from.done&accessDone == 0 {
		filter := account.AccessFilter{User: string(q.User), From: instant(q.From), Until: instant(q.To)}
		if accesses, moreAccesses, err = s.accounts.ListAccess(ctx, filter, q.Size, from.access); err != nil {
			return nil, from, err
		}
	}
	entries := make([]*todokuv1.AuditEntry, 0, q.Size)
	i, j, bytes := 0, 0, 0
	for len(entries) < q.Size && bytes < answerBytes && (i < len(commands.Items) || j < len(accesses)) {
		if j == len(accesses) || i < len(commands.Items) && commands.Items[i].Time >= accesses[j].Time.UnixNano() {
			entries = append(entries, commandEntry(&commands.Items[i]))
			i++
		} else {
			entries = append(entries, accessEntry(&accesses[j]))
			j++
		}
		bytes += itemBytes(entries[len(entries)-1])
	}

	next := from
	if i > 0 {
		next.sequence = commands.Items[i-1].Sequence
	}
	if j > 0 {
		next.access = accesses[j-1].ID
	}
	if i == len(commands.Items) && commands.Next == "" {
		next.done |= commandsDone
	}
	if j == len(accesses) && !moreAccesses {
		next.done |= accessDone
	}
	return entries, next, nil
}

func commandEntry(e *history.AuditEntry) *todokuv1.AuditEntry {
	return &todokuv1.AuditEntry{
		Time:      timestamp(e.Time),
		User:      string(e.User),
		Account:   string(e.Account),
		Action:    e.Kind.String(),
		RequestId: string(e.Request),
		Sequence:  e.Sequence,
		Detail:    e.Detail,
	}
}

func accessEntry(e *account.Entry) *todokuv1.AuditEntry {
	var details []string
	for _, part := range []struct{ label, text string }{{"", e.Detail}, {"reason ", e.Reason}, {"cursor ", e.Cursor}} {
		if part.text != "" {
			details = append(details, part.label+part.text)
		}
	}
	return &todokuv1.AuditEntry{
		Time:          moment(e.Time),
		User:          e.User,
		Action:        string(e.Kind),
		Detail:        strings.Join(details, ", "),
		RemoteAddress: e.RemoteAddr,
		SessionId:     e.Session,
		ConnectionId:  e.Connection,
	}
}

// auditPlace is a place in both lists: the content of a page token of ListAudit.
type auditPlace struct {
	// until is after every entry, in nanoseconds since 1970. The first page fixes it.
	until int64
	// sequence is that of the last command shown, access the ID of the last entry of the
	// access log; 0 before the first.
	sequence, access uint64
	// done says which lists are at their end.
	done uint64
}

// Bits of auditPlace.done.
const (
	commandsDone = 1 << iota
	accessDone
)

// token is the page token of a place; empty at the end of both lists.
func (p auditPlace) token(scope uint64) string {
	if p.done == commandsDone|accessDone {
		return ""
	}
	return history.PageToken(scope, uint64(p.until), p.sequence, p.access, p.done)
}

// parseAuditPlace reads what token wrote for the same scope; empty is the
// beginning. The error is history.ErrBadPageToken.
func parseAuditPlace(token string, scope uint64) (p auditPlace, err error) {
	if token == "" {
		return p, nil
	}
	var until uint64
	err = history.ParsePageToken(token, scope, &until, &p.sequence, &p.access, &p.done)
	p.until = int64(until)
	if err != nil || p.until <= 0 || p.done >= commandsDone|accessDone {
		return auditPlace{}, badPage(history.ErrBadPageToken)
	}
	return p, nil
}

// badPage names the field of a page token that a list refused.
func badPage(err error) error {
	if errors.Is(err, history.ErrBadPageToken) {
		return &fieldError{"page_token", err}
	}
	return err
}
