package rpc

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
)

// The audit trail is two lists read as one: the commands that the journal holds,
// and the access log of package account, merged by time, newest first.

// ListAudit lists who did what, when and from where.
func (s *adminService) ListAudit(ctx context.Context, req *todokuv1.ListAuditRequest) (*todokuv1.ListAuditResponse, error) {
	var d decoder
	user := d.anyUser(req.GetUser())
	span := history.Span{}
	span.From, span.To = d.period(req.GetFromTime(), req.GetToTime())
	size, token := d.page(req.GetPageSize(), req.GetPageToken())
	if d.err != nil {
		return nil, d.err
	}
	if err := s.await(ctx, ""); err != nil {
		return nil, err
	}
	scope := auditScope(string(user), span)
	place, err := parseAuditPlace(token, scope)
	if err != nil {
		return nil, err
	}
	if token == "" {
		if err := s.follower.WaitFor(ctx, s.feed.Position()); err != nil {
			return nil, err
		}
		// What is added while a caller reads pages is not in them.
		place.until = span.To
		if place.until == 0 {
			place.until = s.options.Clock().UnixNano() + 1
		}
	}
	span.To = place.until
	trail := &auditTrail{
		Server:   s.Server,
		commands: history.AuditQuery{User: user, Span: span},
		access:   account.AccessFilter{User: string(user), From: instant(span.From), Until: instant(span.To)},
	}
	entries, next, err := trail.page(ctx, place, size)
	if err != nil {
		return nil, err
	}
	return &todokuv1.ListAuditResponse{Entries: entries, NextPageToken: next.token(scope)}, nil
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
	visits, moreVisits, err := t.readAccess(ctx, from, size)
	if err != nil {
		return nil, from, err
	}
	entries := make([]*todokuv1.AuditEntry, 0, size)
	i, j := 0, 0
	for len(entries) < size && (i < len(commands) || j < len(visits)) {
		if j == len(visits) || i < len(commands) && commands[i].Time >= visits[j].Time.UnixNano() {
			entries = append(entries, commandEntry(&commands[i]))
			i++
		} else {
			entries = append(entries, accessEntry(&visits[j]))
			j++
		}
	}

	next := from
	if i > 0 {
		next.sequence = commands[i-1].Sequence
	}
	next.commandsDone = i == len(commands) && moreCommands == ""
	next.accessDone = j == len(visits) && moreVisits == ""
	switch {
	case j == len(visits):
		next.access = moreVisits
	case j > 0:
		// The log's token stands behind a page only, so the part of it that was
		// used is asked for again. Its end is fixed, so it is the same.
		if _, next.access, err = t.accounts.ListAccess(ctx, t.access, j, from.access); err != nil {
			return nil, from, err
		}
	}
	return entries, next, nil
}

func (t *auditTrail) readCommands(ctx context.Context, from auditPlace, size int) ([]history.AuditEntry, string, error) {
	if from.commandsDone {
		return nil, "", nil
	}
	q := t.commands
	q.Size = size
	if from.sequence != 0 {
		q.Token = q.NextPage(from.sequence)
	}
	page, err := t.history.Audit(ctx, q)
	return page.Items, page.Next, badPage(err)
}

func (t *auditTrail) readAccess(ctx context.Context, from auditPlace, size int) ([]account.Entry, string, error) {
	if from.accessDone {
		return nil, "", nil
	}
	entries, next, err := t.accounts.ListAccess(ctx, t.access, size, from.access)
	return entries, next, badPage(err)
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
	detail := e.Detail
	for _, more := range []struct{ name, value string }{{"reason", e.Reason}, {"cursor", e.Cursor}} {
		if more.value == "" {
			continue
		}
		if detail != "" {
			detail += ", "
		}
		detail += more.name + " " + more.value
	}
	return &todokuv1.AuditEntry{
		Time:          moment(e.Time),
		User:          e.User,
		Action:        string(e.Kind),
		Detail:        detail,
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

// auditPlace is a place in both lists: what a page token of ListAudit holds.
type auditPlace struct {
	// until is before when everything lies, in nanoseconds since 1970. It is
	// fixed by the first page.
	until int64
	// sequence is that of the last command shown, 0 for none yet.
	sequence uint64
	// access is the access log's own token, empty for its beginning.
	access string
	// commandsDone and accessDone say that a list has nothing more.
	commandsDone, accessDone bool
}

const (
	auditTokenVersion = 1
	// auditTokenHead is version, filter, until, sequence and flags.
	auditTokenHead = 1 + 8 + 8 + 8 + 1
	maxAccessToken = 64

	flagCommandsDone = 1
	flagAccessDone   = 2
)

// auditScope hashes a filter: with another one a token means nothing.
func auditScope(user string, span history.Span) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "audit\x00%s\x00%d\x00%d", user, span.From, span.To) // A hash takes everything.
	return h.Sum64()
}

// token is the page token of a place; empty at the end of both lists.
func (p auditPlace) token(scope uint64) string {
	if p.commandsDone && p.accessDone {
		return ""
	}
	flags := byte(0)
	if p.commandsDone {
		flags |= flagCommandsDone
	}
	if p.accessDone {
		flags |= flagAccessDone
	}
	data := append(make([]byte, 0, auditTokenHead+len(p.access)), auditTokenVersion)
	data = binary.BigEndian.AppendUint64(data, scope)
	data = binary.BigEndian.AppendUint64(data, uint64(p.until))
	data = binary.BigEndian.AppendUint64(data, p.sequence)
	data = append(append(data, flags), p.access...)
	return base64.RawURLEncoding.EncodeToString(data)
}

// parseAuditPlace reads what token wrote, in its one spelling and for the same
// filter; empty is the beginning. The error is errBadPageToken.
func parseAuditPlace(token string, scope uint64) (auditPlace, error) {
	if token == "" {
		return auditPlace{}, nil
	}
	bad := &fieldError{"page_token", errBadPageToken}
	data, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(data) < auditTokenHead || len(data) > auditTokenHead+maxAccessToken {
		return auditPlace{}, bad
	}
	p := auditPlace{
		until:        int64(binary.BigEndian.Uint64(data[9:])),
		sequence:     binary.BigEndian.Uint64(data[17:]),
		access:       string(data[auditTokenHead:]),
		commandsDone: data[25]&flagCommandsDone != 0,
		accessDone:   data[25]&flagAccessDone != 0,
	}
	if p.until <= 0 || p.token(scope) != token {
		return auditPlace{}, bad
	}
	return p, nil
}

// badPage names the field of a page token that a list below refused.
func badPage(err error) error {
	if errors.Is(err, history.ErrBadPageToken) || errors.Is(err, account.ErrBadPageToken) {
		return &fieldError{"page_token", err}
	}
	return err
}
