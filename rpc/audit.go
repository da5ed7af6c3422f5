package rpc

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

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
	trail := &auditTrail{
		Server:   s.Server,
		commands: history.AuditQuery{User: user, Span: span},
		access:   account.AccessFilter{User: string(user), From: instant(span.From), Until: instant(span.To)},
	}
	entries, next, err := trail.page(ctx, place, page.Size)
	return reply(&todokuv1.ListAuditResponse{Entries: entries, NextPageToken: next.token(scope)}, err)
}

// auditTrail reads both lists.
type auditTrail struct {
	*Server
	commands history.AuditQuery
	access   account.AccessFilter
}

// page returns the newest entries from a place on, and the place behind them.
func (t *auditTrail) page(ctx context.Context, from auditPlace, size int) ([]*todokuv1.AuditEntry, auditPlace, error) {
	commands, moreCommands, err := t.readCommands(ctx, from, size)
	if err != nil {
		return nil, from, err
	}
	accesses, moreAccesses, err := t.readAccess(ctx, from, size)
	if err != nil {
		return nil, from, err
	}
	entries := make([]*todokuv1.AuditEntry, 0, size)
	i, j := 0, 0
	for len(entries) < size && (i < len(commands) || j < len(accesses)) {
		if j == len(accesses) || i < len(commands) && commands[i].Time >= accesses[j].Time.UnixNano() {
			entries = append(entries, commandEntry(&commands[i]))
			i++
		} else {
			entries = append(entries, accessEntry(&accesses[j]))
			j++
		}
	}

	next := from
	if i > 0 {
		next.sequence = commands[i-1].Sequence
	}
	if j > 0 {
		next.access = accesses[j-1].ID
	}
	if i == len(commands) && !moreCommands {
		next.done |= commandsDone
	}
	if j == len(accesses) && !moreAccesses {
		next.done |= accessDone
	}
	return entries, next, nil
}

func (t *auditTrail) readCommands(ctx context.Context, from auditPlace, size int) ([]history.AuditEntry, bool, error) {
	if from.done&commandsDone != 0 {
		return nil, false, nil
	}
	q := t.commands
	q.Size = size
	if from.sequence != 0 {
		q.Token = history.NextPage(&q, from.sequence)
	}
	page, err := t.history.Audit(ctx, q)
	return page.Items, page.Next != "", badPage(err)
}

func (t *auditTrail) readAccess(ctx context.Context, from auditPlace, size int) ([]account.Entry, bool, error) {
	if from.done&accessDone != 0 {
		return nil, false, nil
	}
	return t.accounts.ListAccess(ctx, t.access, size, from.access)
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

// instant is the zero time for zero.
func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// auditPlace is a place in both lists: the content of a page token of ListAudit.
type auditPlace struct {
	// until is after every entry, in nanoseconds since 1970. The first page fixes it.
	until int64
	// sequence is that of the last command shown, 0 for none yet.
	sequence uint64
	// access is the ID of the last entry of the access log shown, 0 for none yet.
	access uint64
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
