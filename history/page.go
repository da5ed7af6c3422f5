package history

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
)

// Lists are paged by key: a token says below which key the next page begins, so
// that pages stay whole while new rows arrive and deep pages cost what the first
// one does. The token also carries a hash of the query, because a key means
// nothing, or worse something else, to another query.

const (
	defaultPageSize = 100
	maxPageSize     = 1000
	tokenVersion    = 1
)

// PageRequest says which page of a list is asked for.
type PageRequest struct {
	// Size is how many items at most: 100 when zero, 1,000 when more than that.
	Size int
	// Token is the Next of the page before, of the same query; empty for the first.
	Token string
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// Next is the token for what follows; empty at the end.
	Next string
}

// Limit returns how many items the page may have.
func (p PageRequest) Limit() int {
	switch {
	case p.Size <= 0:
		return defaultPageSize
	case p.Size > maxPageSize:
		return maxPageSize
	}
	return p.Size
}

// Query is a query of a list: one of those of a [Store].
type Query interface {
	Limit() int
	token() string
	scope() uint64
}

func (p PageRequest) token() string { return p.Token }

// Below returns the key that every key of the query's page must be below: that of
// the last item of the page before, or more than any. The error is [ErrBadPageToken].
func Below(q Query) (key uint64, err error) {
	if q.token() == "" {
		return math.MaxInt64, nil // Databases count in signed integers.
	}
	if err := ParsePageToken(q.token(), q.scope(), &key); err != nil {
		return 0, err
	}
	if key > math.MaxInt64 {
		return 0, ErrBadPageToken
	}
	return key, nil
}

// NextPage returns the token of the query's page below a key.
func NextPage(q Query, key uint64) string { return PageToken(q.scope(), key) }

func (q *OrderQuery) scope() uint64 { return Scope("orders", q.Account, q.Symbol, q.State, q.Span) }

func (q *ExecutionQuery) scope() uint64 {
	return Scope("executions", q.Account, q.Symbol, q.Order, q.Span)
}

func (q *TradeQuery) scope() uint64 { return Scope("trades", q.Symbol, q.Span) }

func (q *AuditQuery) scope() uint64 { return Scope("audit", q.User, q.Span) }

// Scope hashes a query without its page. The size may change from page to page.
func Scope(query ...any) uint64 {
	h := fnv.New64a()
	for _, part := range query {
		_, _ = fmt.Fprintf(h, "%v\x00", part) // A hash takes everything.
	}
	return h.Sum64()
}

// PageToken returns the token of a place in a list, given as numbers, for queries
// of a [Scope]: with another query, the place would skip items without a word.
// Tokens are neither secret nor signed; each shows only what its query may.
func PageToken(scope uint64, place ...uint64) string {
	raw := binary.BigEndian.AppendUint64([]byte{tokenVersion}, scope)
	for _, number := range place {
		raw = binary.BigEndian.AppendUint64(raw, number)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParsePageToken reads what [PageToken] wrote for a query of the same scope, in
// its one spelling, into place. The error is [ErrBadPageToken].
func ParsePageToken(token string, scope uint64, place ...*uint64) error {
	size := 1 + 8 + 8*len(place)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line ends, so the length is compared too.
	if err != nil || len(raw) != size || len(token) != base64.RawURLEncoding.EncodedLen(size) ||
		raw[0] != tokenVersion || binary.BigEndian.Uint64(raw[1:]) != scope {
		return ErrBadPageToken
	}
	for i, number := range place {
		*number = binary.BigEndian.Uint64(raw[9+8*i:])
	}
	return nil
}
