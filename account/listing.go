package account

import (
	"context"
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

// ListAccess returns up to size of the entries that filter selects, newest first,
// and whether more follow. before is the ID of the last entry of the page before, 0
// for the first page. size is 1 to [MaxPage]; 0 means 100. Entries added before the
// call are in it, unless the store cannot be written to. Errors: [ErrInvalid], or
// the store's.
func (s *Service) ListAccess(ctx context.Context, filter AccessFilter, size int, before uint64) (entries []Entry, more bool, err error) {
	if size < 0 || size > MaxPage {
		return nil, false, fmt.Errorf("%w: a page has 1 to %d entries", ErrInvalid, MaxPage)
	}
	setDefault(&size, 100)
	// A full disk must not hide what is on it.
	_ = s.log.flush(ctx)
	entries, err = s.store.Access(ctx, AccessQuery{AccessFilter: filter, Before: before, Limit: size + 1})
	if err != nil {
		return nil, false, fmt.Errorf("account: read access log: %w", err)
	}
	return entries[:min(size, len(entries))], len(entries) > size, nil
}
