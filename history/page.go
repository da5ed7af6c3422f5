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

	// tokenSize is a version, the query's hash and the key.
	tokenSize    = 1 + 8 + 8
	tokenVersion = 1
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

// Below returns the key that every key of the page must be below: that of the
// last item of the page before, or more than any. The error is [ErrBadPageToken].
func (q *OrderQuery) Below() (uint64, error) { return below(q.Token, q.scope()) }

// NextPage returns the token of the page below a key.
func (q *OrderQuery) NextPage(key uint64) string { return pageToken(q.scope(), key) }

// Below returns the key that every key of the page must be below: that of the
// last item of the page before, or more than any. The error is [ErrBadPageToken].
func (q *ExecutionQuery) Below() (uint64, error) { return below(q.Token, q.scope()) }

// NextPage returns the token of the page below a key.
func (q *ExecutionQuery) NextPage(key uint64) string { return pageToken(q.scope(), key) }

// Below returns the key that every key of the page must be below: that of the
// last item of the page before, or more than any. The error is [ErrBadPageToken].
func (q *TradeQuery) Below() (uint64, error) { return below(q.Token, q.scope()) }

// NextPage returns the token of the page below a key.
func (q *TradeQuery) NextPage(key uint64) string { return pageToken(q.scope(), key) }

// Below returns the key that every key of the page must be below: that of the
// last item of the page before, or more than any. The error is [ErrBadPageToken].
func (q *AuditQuery) Below() (uint64, error) { return below(q.Token, q.scope()) }

// NextPage returns the token of the page below a key.
func (q *AuditQuery) NextPage(key uint64) string { return pageToken(q.scope(), key) }

func (q *OrderQuery) scope() uint64 {
	return scope("orders", q.Account, q.Symbol, q.State, q.Span)
}

func (q *ExecutionQuery) scope() uint64 {
	return scope("executions", q.Account, q.Symbol, q.Order, q.Span)
}

func (q *TradeQuery) scope() uint64 { return scope("trades", q.Symbol, q.Span) }

func (q *AuditQuery) scope() uint64 { return scope("audit", q.User, q.Span) }

// scope hashes a query without its page. The size may change from page to page.
func scope(parts ...any) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%v\x00", part)
	}
	return h.Sum64()
}

func pageToken(scope, key uint64) string {
	var raw [tokenSize]byte
	raw[0] = tokenVersion
	binary.BigEndian.PutUint64(raw[1:], scope)
	binary.BigEndian.PutUint64(raw[9:], key)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func below(token string, scope uint64) (uint64, error) {
	if token == "" {
		return math.MaxInt64, nil // Databases count in signed integers.
	}
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return 0, ErrBadPageToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenSize || raw[0] != tokenVersion {
		return 0, ErrBadPageToken
	}
	key := binary.BigEndian.Uint64(raw[9:])
	if binary.BigEndian.Uint64(raw[1:]) != scope || key > math.MaxInt64 {
		return 0, ErrBadPageToken
	}
	return key, nil
}
