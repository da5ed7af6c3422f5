package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// MaxPage is the greatest number of entries one call of ListAccess returns.
const MaxPage = 1000

// AccessFilter selects entries of the access log. Zero fields select everything.
type AccessFilter struct {
	User string
	// Kinds is any of these.
	Kinds []Kind
	// From and Until bound Time: from From on, and before Until.
	From  time.Time
	Until time.Time
}

// ListAccess returns a page of the entries that filter selects, newest first, and
// the token of the page after it, "" after the last. page is "" for the first
// page. size is 1 to [MaxPage]; 0 means 100. Entries added before the call are in
// it, unless the store cannot be written to. Errors: [ErrInvalid],
// [ErrBadPageToken], or the store's.
func (s *Service) ListAccess(ctx context.Context, filter AccessFilter, size int, page string) (entries []Entry, next string, err error) {
	if size < 0 || size > MaxPage {
		return nil, "", fmt.Errorf("%w: a page has 1 to %d entries", ErrInvalid, MaxPage)
	}
	setDefault(&size, 100)
	before, err := parsePage(filter, page)
	if err != nil {
		return nil, "", err
	}
	// A full disk must not hide what is on it.
	_ = s.log.flush(ctx)
	// One more than asked tells whether there is a next page.
	entries, err = s.store.Access(ctx, AccessQuery{AccessFilter: filter, Before: before, Limit: size + 1})
	if err != nil {
		return nil, "", fmt.Errorf("account: read access log: %w", err)
	}
	if len(entries) > size {
		entries = entries[:size]
		next = formatPage(filter, entries[size-1].ID)
	}
	return entries, next, nil
}

// A page token is base64url of the ID of the last entry shown and eight bytes of
// the filter's hash: with another filter it would silently skip entries. It is
// not a secret and not signed; every value of it shows only what the filter does.
const pageSize = 16

func formatPage(filter AccessFilter, last uint64) string {
	data := binary.BigEndian.AppendUint64(make([]byte, 0, pageSize), last)
	return base64.RawURLEncoding.EncodeToString(append(data, filter.hash()...))
}

func parsePage(filter AccessFilter, page string) (before uint64, err error) {
	if page == "" {
		return 0, nil
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(page)
	if err != nil || len(data) != pageSize {
		return 0, ErrBadPageToken
	}
	// Formatting it again also refuses a second spelling and another filter.
	before = binary.BigEndian.Uint64(data)
	if before == 0 || formatPage(filter, before) != page {
		return 0, ErrBadPageToken
	}
	return before, nil
}

func (f AccessFilter) hash() []byte {
	from, until := f.From.UTC().Format(time.RFC3339Nano), f.Until.UTC().Format(time.RFC3339Nano)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s %s", f.User, f.Kinds, from, until))
	return sum[:pageSize-8]
}
