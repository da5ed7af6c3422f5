package history

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
)

// Lists are paged by key: a token has the key below which the next page begins. So
// pages stay complete while new rows arrive, and a late page costs as much as the first.
// The token also has a hash of the query, because the key would be wrong for another.

const (
	defaultPageSize = 100
	maxPageSize     = 1000
	tokenVersion    = 1
)

// PageRequest is which page of a list is asked for.
type PageRequest struct {
	// Size is how many items at most: 100 when zero, 1,000 when more than that.
	Size int
	// Token is the Next of the page before, of the same query; empty for the first.
	Token string
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// Next is the token of the next page; empty at the end.
	Next string
}

// Limit returns how many items the page may have.
func (p PageRequest) Limit() int {
	return min(cmp.Or(max(0, p.Size), defaultPageSize), maxPageSize)
}

// Query is one of the list queries of a [Store].
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
		_, _ = fmt.Fprintf(h, "%v\x00", part) // Writing to a hash never fails.
	}
	return h.Sum64()
}

// PageToken returns the token of a place in a list, given as numbers, for queries of a
// [Scope]: with another query, the place would skip items unnoticed. Tokens are neither
// secret nor signed; a query checks rights whatever its token is.
func PageToken(scope uint64, place ...uint64) string {
	raw := binary.BigEndian.AppendUint64([]byte{tokenVersion}, scope)
	for _, number := range place {
		raw = binary.BigEndian.AppendUint64(raw, number)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParsePageToken reads what [PageToken] wrote for a query of the same scope into place.
// The error is [ErrBadPageToken].
func ParsePageToken(token string, scope uint64, place ...*uint64) error {
	size := 1 + 8 + 8*len(place)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder ignores line ends, so the length is compared too.
	if err != nil || len(raw) != size || len(token) != base64.RawURLEncoding.EncodedLen(size) ||
		raw[0] != tokenVersion || binary.BigEndian.Uint64(raw[1:]) != scope {
		return ErrBadPageToken
	}
	for i, number := range place {
		*number = binary.BigEndian.Uint64(raw[9+8*i:])
	}
	return nil
}
