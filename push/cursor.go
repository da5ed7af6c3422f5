package push

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A cursor names a place in the one order of everything that was ever
// published. It carries the epoch because a sequence alone lies after the
// numbering began anew (a restored backup, another data directory): a client
// that resumes at 900 of the old numbering would silently miss 1 to 900 of the
// new one.

// ErrBadCursor means that a text is not a cursor in its one canonical form.
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
	if c.Epoch == "" {
		return ""
	}
	return c.Epoch + ":" + strconv.FormatUint(c.Sequence, 10)
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

// ParseCursor reads what String wrote. It accepts one form only: no sign, no
// leading zero, no white space. Errors match ErrBadCursor and never repeat the
// text, which came from a client.
func ParseCursor(text string) (Cursor, error) {
	epoch, digits, found := strings.Cut(text, ":")
	if !found {
		return Cursor{}, fmt.Errorf("%w: no colon", ErrBadCursor)
	}
	if !validEpoch(epoch) {
		return Cursor{}, fmt.Errorf("%w: bad epoch", ErrBadCursor)
	}
	if digits == "" || digits[0] == '+' || (digits[0] == '0' && len(digits) > 1) {
		return Cursor{}, fmt.Errorf("%w: bad sequence", ErrBadCursor)
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return Cursor{}, fmt.Errorf("%w: bad sequence", ErrBadCursor)
	}
	return Cursor{Epoch: epoch, Sequence: sequence}, nil
}

func validEpoch(epoch string) bool {
	if epoch == "" || len(epoch) > MaxEpoch {
		return false
	}
	for i := range len(epoch) {
		c := epoch[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
