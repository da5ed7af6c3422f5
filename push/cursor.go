package push

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A cursor is a place in the order of everything that was ever published. It has an
// epoch because the numbering may begin anew (a restored backup, another data
// directory): with a sequence alone, a client that resumes at 900 of the old
// numbering would silently miss 1 to 900 of the new one.

// ErrBadCursor means that a text is not a cursor in canonical form.
var ErrBadCursor = errors.New("push: bad cursor")

// MaxEpoch is the longest epoch that a cursor may carry, in bytes.
const MaxEpoch = 64

// Cursor is the place after the event with this sequence. The zero Cursor means
// "nowhere yet" and has no text form that parses.
type Cursor struct {
	Epoch    string // 1 to MaxEpoch characters of A-Z a-z 0-9 _ -
	Sequence uint64 // 0 is the place before the first event.
}

// String returns "epoch:sequence", or "" for a cursor without an epoch.
func (c Cursor) String() string {
	var b [MaxEpoch + 21]byte
	return string(c.Append(b[:0]))
}

// Append appends what String returns to b.
func (c Cursor) Append(b []byte) []byte {
	if c.Epoch == "" {
		return b
	}
	b = append(b, c.Epoch...)
	b = append(b, ':')
	return strconv.AppendUint(b, c.Sequence, 10)
}

// ParseCursor reads what String wrote, and only that: no sign, no leading zero, no
// white space. Errors match ErrBadCursor and never contain the text, which came from
// a client.
func ParseCursor(text string) (Cursor, error) {
	epoch, digits, found := strings.Cut(text, ":")
	if !found {
		return Cursor{}, fmt.Errorf("%w: no colon", ErrBadCursor)
	}
	if !validEpoch(epoch) {
		return Cursor{}, fmt.Errorf("%w: bad epoch", ErrBadCursor)
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(sequence, 10) != digits {
		return Cursor{}, fmt.Errorf("%w: bad sequence", ErrBadCursor)
	}
	return Cursor{Epoch: epoch, Sequence: sequence}, nil
}

const epochCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

func validEpoch(epoch string) bool {
	return epoch != "" && len(epoch) <= MaxEpoch && strings.Trim(epoch, epochCharacters) == ""
}
