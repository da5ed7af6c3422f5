package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"todoku/push"
	"todoku/trade"
)

// Past events, page by page. A page usually has whole records, but one record may have
// more messages than an answer can carry, so a page may end within it.

// Place is where a page of past events begins: after the cursor or, if Within is set,
// inside the cursor's record, after the message with this index.
type Place struct {
	push.Cursor

	Within bool
	Index  uint32
}

// String returns the cursor's text, and for a place within a record "." and the index.
func (p Place) String() string {
	if !p.Within {
		return p.Cursor.String()
	}
	return p.Cursor.String() + "." + strconv.FormatUint(uint64(p.Index), 10)
}

// ParsePlace reads what String wrote, and only that: every cursor, or a place within a
// record. Errors match push.ErrBadCursor and never contain the text.
func ParsePlace(text string) (Place, error) {
	text, index, within := strings.Cut(text, ".")
	cursor, err := push.ParseCursor(text)
	if err != nil || !within {
		return Place{Cursor: cursor}, err
	}
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != index || cursor.Sequence == 0 {
		return Place{}, fmt.Errorf("%w: bad index of a message", push.ErrBadCursor)
	}
	return Place{Cursor: cursor, Within: true, Index: uint32(n)}, nil
}

// Notifications returns past events that concern a user, oldest first: those
// after a place, or the oldest that are known when it is nil. It stops after the record
// with which it has limit messages or more. The next page follows the returned cursor; end
// means that nothing follows for now.
//
// Errors: those of Attach for user and subscription, ErrBadCursor,
// ErrUnknownEpoch, ErrTooFarBehind, ErrCompacted.
func (f *Feed) Notifications(
	ctx context.Context, id trade.UserID, after *Place, limit int, subscription Subscription,
) (messages []Message, cursor push.Cursor, end bool, err error) {
	replay, position, err := f.past(id, after, limit, subscription)
	if err != nil {
		return nil, push.Cursor{}, false, err
	}
	for len(messages) < limit {
		r, found, err := replay.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, push.Cursor{}, false, err
		}
		for _, m := range found {
			if after == nil || !after.Within || m.Sequence > after.Sequence || m.Index > after.Index {
				messages = append(messages, m.Message)
			}
		}
		cursor = f.Cursor(r.Sequence)
	}
	// A page that is not full has reached the end.
	if len(messages) < limit {
		return messages, f.Cursor(position), true, nil
	}
	return messages, cursor, false, nil
}

// past returns the events of a page and the present position. Every sequence has one
// message or more, except the one that the page before ended in; so limit sequences and
// one more are enough.
func (f *Feed) past(id trade.UserID, after *Place, limit int, subscription Subscription) (*replay, uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.authorise(id, subscription)
	if err != nil {
		return nil, 0, err
	}
	topics := f.topicsOf(user, subscription)
	from := f.Cursor(max(f.index.knownAfter(topics), max(f.log.Oldest(), 1)-1))
	if after != nil {
		from = after.Cursor
	}
	if after != nil && after.Within {
		if position := f.position.At(); after.Sequence > position {
			return nil, 0, fmt.Errorf("%w: %d, the venue is at %d", ErrBadCursor, after.Sequence, position)
		}
		from.Sequence-- // The record again, for the rest of it.
	}
	sequences, err := f.after(topics, from, limit+1)
	if err != nil {
		return nil, 0, err
	}
	return f.newReplay(topics, sequences), f.position.At(), nil
}
